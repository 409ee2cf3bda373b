"""The roster of workers that come and go: who is here, who is free, and which of them a step goes to.

Kinds of workers that others start - Dask, Ray, a queue of jobs - tell it who has come and who is gone; it gives each
step to the free worker that has its batch, else its model, else none yet, and each free worker the step that suits it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition

from attrs import define, field

from entrack.engine.errors import EngineError
from entrack.events import Watcher, WorkerNotTaken, WorkersHere, unwatched
from entrack.execution.dispatch import Where, where
from entrack.plan.steps import Step
from entrack.workers.errors import WorkerLost, WorkerRefused

LOOK = 1.0
"""Seconds between two looks of who waits: nobody has to wake it."""


@define(eq=False)
class Seat:
    """A worker, by its name; the model and batch that it had `last`, and the digests of the inputs
    that it keeps. `gone` once it is here no more: `expected` where it had said that it would go."""

    name: str
    last: Where | None = None
    kept: set[str] = field(factory=set, repr=False)
    gone: bool = False
    expected: bool = False

    def suits(self, at: Where) -> tuple[bool, bool, bool]:
        """How well a step goes here; more is better."""
        return self.last == at, self.last is not None and self.last[0] == at[0], self.last is None


@define(eq=False)
class _Request:
    where: Where
    seat: Seat | None = None


class Roster:
    """Of `wanted` workers, where it is known how many will come. For many threads."""

    def __init__(self, wanted: int = 0, watcher: Watcher = unwatched) -> None:
        self.wanted, self._watch = wanted, watcher
        self._changed = Condition()
        self._seats: dict[str, Seat] = {}
        self._free: list[Seat] = []
        self._requests: list[_Request] = []
        self._refused: dict[str, str] = {}
        self._asked: set[str] = set()
        self._closed: EngineError | None = None

    def __len__(self) -> int:
        """How many are here."""
        return len(self._seats)

    def asks(self, name: str) -> bool:
        """A worker has come, and is asked who it is; False where that has been done."""
        with self._changed:
            new = name not in self._seats and name not in self._refused and name not in self._asked
            self._asked.add(name)
            return new and not self._closed

    def joins(self, name: str) -> None:
        """A worker is here, and as this process is."""
        with self._changed:
            if name not in self._asked:
                return  # gone again
            self._asked.discard(name)
            seat = self._seats[name] = Seat(name)
            self._frees(seat)
        self._tell()

    def refuses(self, name: str, why: str) -> None:
        """A worker is here, and is never given a step."""
        with self._changed:
            self._asked.discard(name)
            self._refused[name] = why
            self._changed.notify_all()
        self._watch(WorkerNotTaken(name, why))

    def leaves(self, name: str, *, expected: bool) -> None:
        """A worker is here no more."""
        with self._changed:
            self._asked.discard(name)
            self._refused.pop(name, None)
            seat = self._seats.pop(name, None)
            if seat is None:
                return
            seat.gone, seat.expected = True, expected
            self._free = [other for other in self._free if other is not seat]
            self._changed.notify_all()
        self._tell()

    def close(self, why: EngineError | None = None) -> None:
        """Nobody is given anything any more, and who waits is told `why`, by default that it is over."""
        with self._changed:
            self._closed = self._closed or why or WorkerLost("the workers have been let go")
            for seat in self._seats.values():
                seat.gone = True
            self._changed.notify_all()

    @contextmanager
    def seat(self, step: Step) -> Iterator[Seat]:
        """A worker for a step, once one is free. Raises WorkerRefused where all who are here are refused, and, where
        nobody is given anything any more, why."""
        seat = self._taken(step)
        try:
            yield seat
        finally:
            with self._changed:
                if not seat.gone:
                    self._frees(seat)

    def wait(self, seat: Seat, done: Callable[[], bool]) -> bool:
        """Until a worker has done something (True), or is gone (False). Whoever knows that it has calls `wake`."""
        with self._changed:
            while not (finished := done()) and not seat.gone:
                self._changed.wait(LOOK)
            return finished

    def wake(self, _: object = None) -> None:
        """Something may have been done."""
        with self._changed:
            self._changed.notify_all()

    def _taken(self, step: Step) -> Seat:
        request = _Request(where(step))
        with self._changed:
            if self._free:
                request.seat = max(self._free, key=lambda seat: seat.suits(request.where))
                self._free.remove(request.seat)
            else:
                self._requests.append(request)
            try:
                while request.seat is None or request.seat.gone:
                    request.seat = self._waited(request)
            finally:
                self._requests = [other for other in self._requests if other is not request]
            request.seat.last = request.where
            return request.seat

    def _waited(self, request: _Request) -> Seat | None:
        if self._closed:
            raise self._closed
        if self._refused and not self._seats and not self._asked:
            raise WorkerRefused(next(iter(self._refused.values())))
        if request.seat is not None:  # it has gone before it was used
            self._requests.insert(0, request)
            request.seat = None
        self._changed.wait(LOOK)
        return request.seat

    def _frees(self, seat: Seat) -> None:
        if self._requests:
            best = max(self._requests, key=lambda request: seat.suits(request.where))
            self._requests.remove(best)
            best.seat = seat
            self._changed.notify_all()
        else:
            self._free.append(seat)

    def _tell(self) -> None:
        if not self._closed:
            self._watch(WorkersHere(len(self._seats), self.wanted))
