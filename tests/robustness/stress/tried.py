"""What came of trying a promise: how many cases, which failed, which were slower than promised."""

from __future__ import annotations

import linecache
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from attrs import define, field, frozen

SHOWN = 20
"""Failures that are kept in words; all are counted."""


@frozen
class Tried:
    """`failures` and `late` are in words; `note` has figures that were measured on the way, or what could not be
    tried here."""

    cases: int
    failures: tuple[str, ...] = ()
    late: tuple[str, ...] = ()
    note: str = ""


@define
class Tally:
    """Counts cases as they are tried. What a case raises is its failure, and the next one is tried."""

    cases: int = 0
    failures: list[str] = field(factory=list)
    late: list[str] = field(factory=list)
    notes: list[str] = field(factory=list)

    @contextmanager
    def case(self, name: str, cases: int = 1) -> Iterator[None]:
        """`cases` is 0 for what is looked at besides."""
        self.cases += cases
        try:
            yield
        except Exception as error:
            self.failures.append(f"{name}: {_why(error)}")

    @contextmanager
    def timed(self, what: str, most: float, each: int = 1) -> Iterator[None]:
        """A figure to report, of the clock and of the processor. It is late when the processor's, which does not
        depend on what else the machine does, is over what was promised."""
        clock, processor = time.perf_counter(), time.process_time()
        yield
        taken, worked = (time.perf_counter() - clock) / each, (time.process_time() - processor) / each
        self.figure(f"{what} {_seconds(taken, most)}, {_seconds(worked, most)} of CPU", worked, most)

    def figure(self, said: str, seconds: float, most: float) -> None:
        self.notes.append(said)
        if seconds > most:
            self.late.append(f"{said}, over {most:g} s")

    @property
    def tried(self) -> Tried:
        more = len(self.failures) - SHOWN
        words = [*self.failures[:SHOWN], *([f"and {more} more"] if more > 0 else [])]
        return Tried(self.cases, tuple(words), tuple(self.late), "; ".join(self.notes))


def _seconds(seconds: float, most: float) -> str:
    return f"{seconds * 1000:.2f} ms" if most < 0.1 else f"{seconds:.2f} s"


def _why(error: Exception) -> str:
    """The line that failed and what it said, in one line."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    line = linecache.getline(frame.filename, frame.lineno or 0).strip()
    return f"{type(error).__name__} at {frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} `{line}` {error}".replace(
        "\n", " "
    )[:600]
