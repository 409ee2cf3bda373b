"""The standard streams of a process, whatever it was started with: closed, full, without a reader, or not ready.

- A closed stream is opened on nothing, before any file could take its number: else a result's bytes might land in a
  store's file.
- A reader who has gone (`| head`) is no failure: what else would be printed is dropped.
- Output that cannot be written is said once, as `OutputLost`; what is printed after that is dropped, so that Python can
  leave in peace.
- Messages that cannot be said are dropped: there is nobody to tell.
"""

from __future__ import annotations

import os
import select
import sys
from contextlib import suppress
from io import BufferedWriter, FileIO, TextIOWrapper
from typing import Any, TextIO

STREAMS = (0, 1, 2)
SIZES = ("COLUMNS", "LINES")


class OutputLost(OSError):
    """Standard output cannot be written; the error is the system's."""


class Outlet(FileIO):
    """A file descriptor to write to. `written` are the bytes that it took."""

    def __init__(self, descriptor: int, *, needed: bool) -> None:
        super().__init__(descriptor, "wb", closefd=False)
        self._needed, self._lost, self.written = needed, False, 0

    def write(self, data: Any) -> int:
        """Raises OutputLost, once, where the output is needed."""
        try:
            taken = None if not self._lost else memoryview(data).nbytes
            while taken is None:  # a descriptor that does not block, and is not ready
                taken = super().write(data)
                if taken is None:
                    select.select([], [self.fileno()], [])
        except OSError as error:
            self._lost = True
            if self._needed and not isinstance(error, BrokenPipeError):
                raise OutputLost(error.errno, error.strerror) from error
            return memoryview(data).nbytes
        self.written += 0 if self._lost else taken
        return taken


def secure() -> None:
    """Make the standard streams of this process what is said above. Streams that a test has put there stay."""
    _occupy()
    for name in SIZES:
        if not (os.environ.get(name, "0").isascii() and os.environ.get(name, "0").isdigit()):
            del os.environ[name]  # no number: who reads it may fail
    if sys.stdout is sys.__stdout__:
        sys.stdout = _text(sys.stdout, 1, needed=True)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _text(sys.stderr, 2, needed=False)


def printed() -> bool:
    """Whether standard output has taken anything."""
    outlet = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return isinstance(outlet, Outlet) and outlet.written > 0


def _occupy() -> None:
    for descriptor in STREAMS:
        try:
            os.fstat(descriptor)
        except OSError:
            with suppress(OSError):
                os.open(os.devnull, os.O_RDWR)  # the lowest number that is free, which is this one


def _text(before: TextIO | None, descriptor: int, *, needed: bool) -> TextIO:
    """A stream in the encoding of the one before. Letters that it lacks are shown as their numbers."""
    encoding = before.encoding if before is not None else "utf-8"
    try:
        outlet = Outlet(descriptor, needed=needed)
    except OSError:  # a folder, or nothing that could be opened
        outlet = Outlet(os.open(os.devnull, os.O_WRONLY), needed=needed)
    lines = not needed or outlet.isatty()
    return TextIOWrapper(BufferedWriter(outlet), encoding=encoding, errors="backslashreplace", line_buffering=lines)
