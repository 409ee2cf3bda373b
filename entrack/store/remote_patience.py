"""How long a remote is waited for: one operation so long, and all that went wrong together so long; then it is left
alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from entrack import interrupts
from entrack.frozen import frozen

T = TypeVar("T")
TICK = 0.05
"""Seconds between two looks at whether a wait is over, or interrupted."""


@frozen
class Patience:
    """`quiet` seconds without a sign of life, and `connecting` seconds while a connection is made, are a failure; so is
    a file that comes more slowly than `slowest` (bytes per second). An answer is slow after `soon` seconds, beside what
    its bytes may take. After `failures` in a row (one less where it has never answered), `lost` seconds in all that
    failures, pauses and slow answers took, or `wrong` wrong values in a row, nothing more is asked. Between failures in
    a row there is a `pause` (seconds), a longer one each time. That something is not there is believed for `missing`
    seconds."""

    quiet: float = 5.0
    connecting: float = 8.0
    soon: float = 1.0
    slowest: float = 100_000.0
    failures: int = 3
    lost: float = 60.0
    wrong: int = 20
    pause: float = 1.0
    missing: float = 60.0


class NoAnswer(Exception):
    """It took too long."""


class _Abandoned(Exception):
    """Nobody waits for this operation any more."""


class _Operation(Generic[T]):
    def __init__(self, operation: Callable[[Callable[[], None]], T]) -> None:
        self._operation = operation
        self._done, self._given_up = threading.Event(), False
        self._began = self._beaten = time.monotonic()
        self._found: T | None = None
        self._error: Exception | None = None

    def run(self) -> None:
        try:
            self._found = self._operation(self._beat)
        except Exception as error:
            self._error = error
        except BaseException as error:  # a task that a library cancelled, say: no interrupt comes to this thread
            self._error = RuntimeError(type(error).__name__)
        self._done.set()

    def outcome(self, quiet: float, most: float) -> T:
        try:
            while not self._done.wait(TICK):
                interrupts.check()
                now = time.monotonic()
                if now - self._beaten > quiet or now - self._began > most:
                    raise NoAnswer
        except BaseException:
            self._given_up = True
            raise
        if self._error is not None:
            raise self._error
        return self._found  # type: ignore[return-value]  # what the operation gave

    def _beat(self) -> None:
        if self._given_up:
            raise _Abandoned
        self._beaten = time.monotonic()


def run_within(operation: Callable[[Callable[[], None]], T], quiet: float, most: float) -> T:
    """What an operation gives, or raises, in a thread of its own, which is left behind when it takes too long: NoAnswer
    after `quiet` seconds without a beat, or `most` in all."""
    running = _Operation(operation)
    threading.Thread(target=running.run, daemon=True).start()
    return running.outcome(quiet, most)


class Health:
    """Whether a remote is still asked."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._failures, self._wrong, self._lost = 1, 0, 0.0
        self._tried, self._until = 0, 0.0
        self.left_alone = self.last = ""
        """Why it is not; why something failed last."""

    @property
    def pause(self) -> float:
        """Seconds for which nothing is to be asked, after a failure."""
        return 0.0 if self.left_alone else max(0.0, self._until - time.monotonic())

    def answered(self, seconds: float) -> None:
        self._failures = self._tried = 0
        self._lost += max(0.0, seconds - self._patience.soon)
        self._give_up("it answers slowly")

    def doubt(self) -> None:
        """Another that asked the same remote has given up: one failure is enough."""
        self._failures = max(self._failures, self._patience.failures - 1)

    def sound(self) -> None:
        self._wrong = 0

    def wrong(self) -> None:
        self._wrong += 1
        if self._wrong >= self._patience.wrong:
            self.left_alone = f"the last {self._wrong} values that it gave were wrong"

    def failed(self, why: str, seconds: float) -> None:
        self._failures, self._tried = self._failures + 1, self._tried + 1
        pause = self._tried * self._patience.pause
        self._lost += seconds + pause
        self._until = time.monotonic() + pause
        self.last = why
        if self._failures >= self._patience.failures:
            self.left_alone = f"{why}, {self._tried} times in a row" if self._tried > 1 else why
        else:
            self._give_up(why)

    def _give_up(self, why: str) -> None:
        if self._lost >= self._patience.lost:
            self.left_alone = f"{why}; waiting for it has taken {self._lost:.0f} s"
