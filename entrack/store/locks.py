"""Locks: which operations may run at the same time.

- A step lock: one process at a time computes an address. There are 4096 lock files, shared by the first three
  digits of addresses, so two different addresses may, rarely, wait for one another.
- The gate: everyone who writes holds it shared, garbage collection holds it alone. Collection therefore never
  meets a half-written entry or a running computation; it does not queue, so it cannot hold up anyone either.

No deadlock: a thread holds at most one step lock (a second is refused with `RuntimeError`), it takes the gate after
it, and whoever holds the gate alone takes no step lock. All these locks belong to the kernel: when a
holder is killed, they are free. The empty files stay, because removing a lock file that others wait for splits them.
"""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from entrack import interrupts
from entrack.store import folders, fs
from entrack.store.base import OnWait, lock_of
from entrack.store.errors import StoreBusy, StoreError, named
from entrack.store.layout import Layout

BEAT = 1.0
_GATE = "gate"
_NO_LOCKS = (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK)
_here = threading.local()


@contextmanager
def step(layout: Layout, address: str, on_wait: OnWait | None) -> Iterator[None]:
    """Hold the right to compute `address`; `on_wait(seconds)` is called every `BEAT` while another holds it."""
    with _one_per_thread(), _opened(layout, lock_of(address)) as fd:
        _wait(fd, on_wait, exclusive=True)
        yield


@contextmanager
def shared(layout: Layout, on_wait: OnWait | None = None) -> Iterator[None]:
    """Hold the gate together with other writers."""
    with _opened(layout, _GATE) as fd:
        _wait(fd, on_wait, exclusive=False)
        yield


@contextmanager
def index(layout: Layout, wait: float) -> Iterator[None]:
    """Hold the right to open or make the index. Raises `TimeoutError`, an `OSError`."""

    def too_long(waited: float) -> None:
        if waited > wait:
            raise TimeoutError(errno.ETIMEDOUT, "another process is making the index", str(layout.index))

    with folders.opened_lock(layout.lock("index")) as fd:
        _wait(fd, too_long, exclusive=True)
        yield


def _wait(fd: int, on_wait: OnWait | None, *, exclusive: bool) -> None:
    since, told = time.monotonic(), 0.0
    while not _supported(lambda: fs.try_lock(fd, exclusive=exclusive), otherwise=True):
        interrupts.check()
        time.sleep(0.01)
        if time.monotonic() - since > told + BEAT:
            told = time.monotonic() - since
            if on_wait is not None:
                on_wait(told)


@contextmanager
def alone(layout: Layout, wait: float) -> Iterator[None]:
    """Hold the gate alone; `StoreBusy` when others have not left it after `wait` seconds."""
    with _opened(layout, _GATE) as fd:
        until = time.monotonic() + wait
        while not _supported(lambda: fs.try_lock(fd, exclusive=True), otherwise=None):
            if time.monotonic() > until:
                raise StoreBusy(f"the store {layout.root} is being written to: try again when no run is using it")
            time.sleep(0.02)
        yield


@contextmanager
def _opened(layout: Layout, name: str) -> Iterator[int]:
    with ExitStack() as stack:
        with named("write", layout.root):
            fd = stack.enter_context(folders.opened_lock(layout.lock(name)))
        yield fd


def _supported(attempt: Callable[[], bool], *, otherwise: bool | None) -> bool:
    """What `attempt` says, or `otherwise` on a file system without locks, where nobody can be alone."""
    try:
        return attempt()
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    if otherwise is None:
        raise StoreError("this file system has no file locks, so it is not known whether the store is in use")
    return otherwise


@contextmanager
def _one_per_thread() -> Iterator[None]:
    if getattr(_here, "held", False):
        raise RuntimeError("`computing` inside `computing` could wait for itself: leave the first one before")
    _here.held = True
    try:
        yield
    finally:
        _here.held = False
