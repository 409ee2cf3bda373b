"""Heartbeat: a line on stderr when a command has been silent for a while, computing or waiting for a lock, disk or
download.

The first comes after `FIRST` seconds, each later one after twice as long as the one before, at most `LONGEST`: a minute
has five lines, an hour some sixty. A wait that begins is said within `FIRST` seconds too, but no oftener than every
`APART`. While a bar is drawn, nothing is said. They are said by a thread, so that none of the many places that may take
long needs to think of it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Condition, Thread
from typing import TextIO

from entrack.diagnostics.escape import clip

FIRST, LONGEST, APART = 2.0, 60.0, 10.0
WIDEST = 300
FAMILIES = ("cache", "models")
"""Commands that have commands."""
Describe = Callable[[float], str]
"""What is being done, given the seconds since the start, as a line."""


class Beat:
    """Says now and then what is being done. Nothing is said before `start`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._changed = clock, Condition()
        self._began = self._said = clock()
        self._due, self._pause, self._silent = self._began + FIRST, FIRST, False
        self.describe: Describe = at_work(())

    def start(self, arguments: Sequence[str], stream: TextIO | None = None) -> None:
        """Begin to say what the command with these arguments does. Where no thread can be had, nothing is said."""
        self.describe = at_work(arguments)
        with suppress(RuntimeError):
            Thread(target=self._live, args=(stream or sys.stderr,), daemon=True).start()

    def again(self) -> None:
        """Count from now: another piece of work begins."""
        with self._changed:
            self._began = self._said = self._clock()
            self._due, self._pause, self._silent = self._began + FIRST, FIRST, False
            self._changed.notify()

    def waits(self) -> None:
        """Something that may take long begins: say it soon."""
        with self._changed:
            self._due = min(
                self._due, max(self._clock() + FIRST, self._said + APART if self._said > self._began else 0.0)
            )
            self._changed.notify()

    def silent(self, *, drawn: bool = True) -> None:
        """Whether something else shows what is being done."""
        self._silent = drawn

    def line(self) -> str | None:
        """What is to be said now, and None until it is due."""
        now = self._clock()
        if now < self._due:
            return None
        self._pause = min(2 * self._pause, LONGEST)
        self._due, self._said = now + self._pause, now
        return None if self._silent else clip(self.describe(now - self._began), WIDEST)

    def _live(self, stream: TextIO) -> None:
        with suppress(Exception):  # a stream that is closed: there is nobody to tell
            while True:
                with self._changed:
                    self._changed.wait(max(0.01, self._due - self._clock()))
                    said = self.line()
                if said is not None:
                    stream.write(said + "\n")
                    stream.flush()


def at_work(arguments: Sequence[str]) -> Describe:
    """What is said of a command that says nothing of itself."""
    words = [word for word in arguments if not word.startswith("-")]
    command = " ".join(["entrack", *words[: 2 if words[:1] and words[0] in FAMILIES else 1]])
    return lambda seconds: f"after {seconds:.0f} s: `{command}` is still at work"


BEAT = Beat()
"""That of this process."""
