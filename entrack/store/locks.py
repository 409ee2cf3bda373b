"""Who may do what at the same time.

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
from contextlib import contextmanager
from typing import TYPE_CHECKING

from entrack import interrupts
from entrack.store import files
from entrack.store.base import OnWait
from entrack.store.errors import StoreBusy, StoreError, name_error, named
from entrack.store.layout import Layout

if TYPE_CHECKING:
    from filelock import FileLock

BEAT = 1.0
_NO_LOCKS = (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK)
_here = threading.local()


@contextmanager
def step(layout: Layout, address: str, on_wait: OnWait | None) -> Iterator[None]:
    """Hold the right to compute `address`; `on_wait(seconds)` is called every `BEAT` while another holds it."""
    with _one_per_thread():
        lock = files.file_lock(layout.lock(address[:3]))
        try:
            _take(lock, layout, on_wait)
            yield
        finally:
            lock.release()


def _take(lock: FileLock, layout: Layout, on_wait: OnWait | None) -> None:
    from filelock import Timeout

    since = time.monotonic()
    while not lock.is_locked:
        try:
            interrupts.check()
            lock.acquire(timeout=BEAT, poll_interval=0.01)
        except Timeout:  # an OSError too, so it is caught first
            _tell(on_wait, since)
        except OSError as error:
            raise name_error(error, "write", layout.root) from error


@contextmanager
def shared(layout: Layout, on_wait: OnWait | None = None) -> Iterator[None]:
    """Hold the gate together with other writers."""
    with _gate(layout) as fd:
        since, told = time.monotonic(), 0.0
        while not _supported(lambda: files.try_lock(fd, exclusive=False), otherwise=True):
            interrupts.check()
            time.sleep(0.01)
            if time.monotonic() - since > told + BEAT:
                told = _tell(on_wait, since)
        yield


@contextmanager
def alone(layout: Layout, wait: float) -> Iterator[None]:
    """Hold the gate alone; `StoreBusy` when others have not left it after `wait` seconds."""
    with _gate(layout) as fd:
        until = time.monotonic() + wait
        while not _supported(lambda: files.try_lock(fd, exclusive=True), otherwise=None):
            if time.monotonic() > until:
                raise StoreBusy(f"the store {layout.root} is being written to: try again when no run is using it")
            time.sleep(0.02)
        yield


@contextmanager
def _gate(layout: Layout) -> Iterator[int]:
    with named("write", layout.root):
        fd = files.open_lock(layout.lock("gate"))
    try:
        yield fd
    finally:
        files.close(fd)


def _supported(attempt: Callable[[], bool], otherwise: bool | None) -> bool:
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


def _tell(on_wait: OnWait | None, since: float) -> float:
    waited = time.monotonic() - since
    if on_wait is not None:
        on_wait(waited)
    return waited
