"""A guard round one attack: what it must not do is seen by Python's own audit, and what it may cost is measured.

Seen are code that is run (a canary file appears, a module of the attack is imported), pickles, processes, connections,
and files that are opened outside. An audit hook cannot be taken away again, so there is one for the whole process,
which is asleep in between.
"""

from __future__ import annotations

import os
import re
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import define, field
from canary import APART, is_worker

SECONDS = 10.0
"""Of the processor. Two would do on a quiet machine, and `make stress` says how many it took; this is for what never
ends."""
BYTES = 300 << 20
FORBIDDEN = (
    "pickle.find_class",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.fork",
    "os.forkpty",
    "subprocess.Popen",
    "socket.connect",
    "socket.getaddrinfo",
    "socket.gethostbyname",
    "socket.sendto",
    "urllib.Request",
    "webbrowser.open",
    "ctypes.dlopen",
)


@define
class Guard:
    """What happened while it was awake."""

    canary: Path
    """A folder in which planted code would leave a file."""
    secret: Path
    """A file that no spec and no model may read."""
    awake: bool = False
    seen: list[str] = field(factory=list)

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.awake:
            return
        if (
            event in FORBIDDEN
            and not (event == "subprocess.Popen" and any(is_worker(arguments, worker) for worker in APART.values()))
        ) or (event == "import" and "evil" in str(arguments[0])):
            self.seen.append(f"{event} {arguments!r}"[:200])
        if (
            event == "open"
            and isinstance(arguments[0], str | bytes)
            and os.fsdecode(arguments[0]).startswith(str(self.secret))
        ):
            self.seen.append(f"open {arguments[0]!r}")
        if event == "exec" and "evil" in getattr(arguments[0], "co_filename", ""):
            self.seen.append("exec")

    @contextmanager
    def watching(self, seconds: float = SECONDS, bytes: int = BYTES) -> Iterator[None]:
        """Asserts that nothing forbidden happens, and that time of the processor and memory stay within bounds."""
        self.seen.clear()
        before, start = _peak_from_here(), time.process_time()
        limits = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (_status("VmSize") + 4 * bytes, limits[1]))
        self.awake = True
        try:
            yield
        finally:
            self.awake = False
            resource.setrlimit(resource.RLIMIT_AS, limits)
        taken, grown = time.process_time() - start, _status("VmHWM") - before
        assert not self.seen, self.seen
        assert not list(self.canary.iterdir()), "planted code was run"
        assert taken < seconds, f"{taken:.1f} s"
        assert grown < bytes, f"{grown >> 20} MB"

    def payload(self, name: str = "ran") -> str:
        """A line of Python that leaves a file in the canary's folder."""
        return f"open({str(self.canary / name)!r}, 'w').close()"


class Pickled:
    """Unpickled, it leaves a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.path), "w")


def guard_of_process(canary: Path, secret: Path) -> Guard:
    guard = Guard(canary, secret)
    sys.addaudithook(guard.hook)
    return guard


def _peak_from_here() -> int:
    """Resets the process's peak of memory. -> the bytes it has now"""
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def _status(what: str) -> int:
    found = re.search(rf"{what}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found.group(1)) << 10
