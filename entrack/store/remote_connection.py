"""A remote's files, asked for with patience: an operation gives what it gives, or has failed and says nothing else."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from entrack import interrupts
from entrack.store.remote_patience import TICK, Health, NoAnswer, Patience, run_within
from entrack.store.remote_place import Beat, NotThere, Place

T = TypeVar("T")


class Failed(Exception):
    """It could not be done, or was not tried so soon after a failure; `Health` has taken note of it."""


class Connection:
    """One operation at a time on a `Place`. Nothing that it raises comes through but `Failed` and an interrupt."""

    def __init__(self, place: Place, patience: Patience) -> None:
        self._place, self._patience = place, patience
        self._turn, self.health = threading.Lock(), Health(patience)
        self._connected = False

    def read(self, name: str, most: int) -> bytes | None:
        """See `Place.read`."""
        return self._called(lambda beat: self._place.read(name, most, beat), most)

    def size(self, name: str) -> int | None:
        """See `Place.size`."""
        return self._called(lambda _: self._place.size(name), 0)

    def write(self, name: str, data: bytes) -> None:
        """See `Place.write`."""
        more = len(data) / self._patience.slowest
        self._called(lambda _: self._place.write(name, data), len(data), more)

    def _called(self, operation: Callable[[Beat], T], size: int, more: float = 0.0) -> T:
        with self._turn_taken():
            if self.health.left_alone or self.health.pause:
                raise Failed
            return self._tried(operation, size, more)

    def _tried(self, operation: Callable[[Beat], T], size: int, more: float) -> T:
        quiet = (self._patience.quiet if self._connected else self._patience.connecting) + more
        began = time.monotonic()
        try:
            found = run_within(operation, quiet, quiet + size / self._patience.slowest)
        except Exception as error:
            self._connected = False
            self._place.reopen()
            self.health.failed(why(error), time.monotonic() - began)
            raise Failed from None
        more += len(found) / self._patience.slowest if isinstance(found, bytes) else 0.0
        more += 0.0 if self._connected else self._patience.connecting
        self._connected = True
        self.health.answered(time.monotonic() - began - more)
        return found

    @contextmanager
    def _turn_taken(self) -> Iterator[None]:
        while not self._turn.acquire(timeout=TICK):
            interrupts.check()
        try:
            yield
        finally:
            self._turn.release()


def why(error: Exception) -> str:
    """What went wrong, in words of ours: what a library says may hold a URL with a password."""
    status = getattr(error, "status", None)
    if isinstance(error, NoAnswer | TimeoutError) or "Timeout" in type(error).__name__:
        return "it does not answer in time"
    if isinstance(status, int):
        return f"the server answers {status:d}"
    if isinstance(error, NotThere):
        return str(error)
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return f"the connection fails ({type(error).__name__})"
