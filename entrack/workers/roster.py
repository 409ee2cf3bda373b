"""The roster of workers that come and go: who is here, who is free, and which of them a step goes to.

Kinds of workers that others start - Dask, Ray, a queue of jobs - tell it who has come and who is gone; processes of
this machine are all here from the beginning. It gives each step to the free worker that has its batch, else its model,
else none yet, and each free worker the step that suits it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Lock

from attrs import define, field

from entrack.engine.errors import EngineError
from entrack.events import Watcher, WorkerNotTaken, WorkersHere, unwatched
from entrack.execution.dispatch import Where, where
from entrack.plan.steps import Step
from entrack.workers.errors import WorkerLost, WorkerRefused


@define(eq=False)
class Seat:
    """A worker, by its name; the model and batch that it had `last`, and the digests of the inputs that it keeps.
    `gone` once it is here no more: `expected` where it had said that it would go."""

    name: str
    last: Where | None = None
    kept: set[str] = field(factory=set, repr=False)
    gone: bool = False
    expected: bool = False
    news: Event = field(factory=Event, repr=False)
    """Who waits for it looks again."""

    def goes(self, *, expected: bool) -> None:
        self.gone, self.expected = True, expected
        self.news.set()

    def wait(self, done: Callable[[], bool]) -> bool:
        """Until it has done something (True), or is gone (False). Whoever knows that it has done it calls `wake`."""
        while not (finished := done()) and not self.gone:
            self.news.wait()
            self.news.clear()
        return finished

    def wake(self, _: object = None) -> None:
        """It may have done something."""
        self.news.set()

    def suits(self, at: Where) -> tuple[bool, bool, bool]:
        """How well a step goes here; more is better."""
        return self.last == at, self.last is not None and self.last[0] == at[0], self.last is None


@define(eq=False)
class _Request:
    where: Where
    seat: Seat | None = None
    news: Event = field(factory=Event, repr=False)


class Roster:
    """Of `wanted` workers, where it is known how many will come. For many threads."""

    def __init__(self, wanted: int = 0, watcher: Watcher = unwatched) -> None:
        self.wanted, self._watch = wanted, watcher
        self._changing = Lock()
        self._seats: dict[str, Seat] = {}
        self._free: list[Seat] = []
        self._requests: list[_Request] = []
        self._refused: dict[str, str] = {}
        self._asked: set[str] = set()
        self._closed: EngineError | None = None
        self._tell()

    def __len__(self) -> int:
        """How many are here."""
        return len(self._seats)

    def asks(self, name: str) -> bool:
        """A worker has come, and is asked who it is; False where that has been done."""
        with self._changing:
            new = not self._closed and not any(name in known for known in (self._seats, self._refused, self._asked))
            if new:
                self._asked.add(name)
            return new

    def joins(self, name: str) -> None:
        """A worker is here, and as this process is."""
        with self._changing:
            if name not in self._asked:
                return  # gone again
            self._asked.discard(name)
            seat = self._seats[name] = Seat(name)
            self._frees(seat)
        self._tell()

    def refuses(self, name: str, why: str) -> None:
        """A worker is here, and is never given a step."""
        with self._changing:
            self._asked.discard(name)
            self._refused[name] = why
            self._wake()
        self._watch(WorkerNotTaken(name, why))

    def leaves(self, name: str, *, expected: bool) -> None:
        """A worker is here no more."""
        with self._changing:
            self._asked.discard(name)
            self._refused.pop(name, None)
            seat = self._seats.pop(name, None)
            self._wake()
            if seat is None:
                return
            seat.goes(expected=expected)
            self._free = [other for other in self._free if other is not seat]
        self._tell()

    def close(self, why: EngineError | None = None) -> None:
        """Nobody is given anything any more, and who waits is told `why`, by default that it is over."""
        with self._changing:
            self._closed = self._closed or why or WorkerLost("the workers have been let go")
            for seat in self._seats.values():
                seat.goes(expected=False)
            self._wake()

    @contextmanager
    def seat(self, step: Step) -> Iterator[Seat]:
        """A worker for a step, once one is free. Raises WorkerRefused where all who are here are refused, and, where
        nobody is given anything any more, why."""
        seat = self._taken(step)
        try:
            yield seat
        finally:
            with self._changing:
                if not seat.gone:
                    self._frees(seat)

    def _taken(self, step: Step) -> Seat:
        request = _Request(where(step))
        while (seat := self._given(request)) is None:
            request.news.wait()
            request.news.clear()
        seat.last = request.where
        return seat

    def _given(self, request: _Request) -> Seat | None:
        """The worker that a request is given; None where it has to wait."""
        with self._changing:
            self._requests = [other for other in self._requests if other is not request]
            if self._closed:
                raise self._closed
            if request.seat is not None and not request.seat.gone:
                return request.seat
            if self._free:
                seat = max(self._free, key=lambda seat: seat.suits(request.where))
                self._free.remove(seat)
                return seat
            if len(self._refused) >= max(1, self.wanted) and not self._seats and not self._asked:
                raise WorkerRefused(next(iter(self._refused.values())))
            request.seat = None
            self._requests.append(request)
            return None

    def _frees(self, seat: Seat) -> None:
        if self._requests:
            best = max(self._requests, key=lambda request: seat.suits(request.where))
            self._requests.remove(best)
            best.seat = seat
            best.news.set()
        else:
            self._free.append(seat)

    def _wake(self) -> None:
        """Those who wait for a worker look again."""
        for request in self._requests:
            request.news.set()

    def _tell(self) -> None:
        if not self._closed:
            self._watch(WorkersHere(len(self._seats), self.wanted))
