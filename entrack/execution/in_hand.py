"""What an executor has in hand: steps that were submitted and have not come back. No thread is started here: whoever
finishes a step puts it into a queue, from which the coordinator takes."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from queue import Empty, SimpleQueue

from entrack import interrupts
from entrack.execution.dispatch import Where
from entrack.execution.executor import Outcome
from entrack.frozen import frozen

LOOK = 0.2
"""Seconds after which an interrupt is looked for that was put off."""
interrupts.put_off_in(Future.add_done_callback)  # its lock would stay held, and whoever finishes the step wait for it


@frozen
class _Submitted:
    id: str
    address: str
    where: Where


class InHand:
    """Steps by the futures of their outcomes."""

    def __init__(self) -> None:
        self._submitted: dict[Future[Outcome], _Submitted] = {}
        self._finished: SimpleQueue[Future[Outcome]] = SimpleQueue()
        self._left: deque[Where] = deque()
        self._addresses: set[str] = set()
        self.held: Counter[Where] = Counter()
        """The models and batches that are worked on, and how often."""

    def __len__(self) -> int:
        return len(self._submitted)

    def has(self, address: str) -> bool:
        """Whether a step with this address is among them."""
        return address in self._addresses

    def put(self, id: str, address: str, where: Where, future: Future[Outcome]) -> None:
        self._submitted[future] = _Submitted(id, address, where)
        if self._left:
            self._left.popleft()
        self._addresses.add(address)
        self.held[where] += 1
        future.add_done_callback(self._finished.put)

    def take(self) -> tuple[str, Future[Outcome]]:
        """The next that is finished; waits for it, and sees an interrupt meanwhile."""
        while (taken := self.take_until(lambda: False)) is None:
            pass
        return taken

    def take_until(self, until: Callable[[], bool]) -> tuple[str, Future[Outcome]] | None:
        """The same; None where something else is to be done before one is finished."""
        while True:
            with suppress(Empty):
                future = self._finished.get(timeout=LOOK)
                one = self._came_back(future)
                return one.id, future
            interrupts.check()
            if until():
                return None

    def _came_back(self, future: Future[Outcome]) -> _Submitted:
        one = self._submitted.pop(future)
        self._addresses.remove(one.address)
        self.held[one.where] -= 1
        if not self.held[one.where]:
            del self.held[one.where]
        self._left.append(one.where)
        return one

    @property
    def near(self) -> Where | None:
        """The model and batch of the step that came back first of those in whose place none has been begun yet: who
        had it is free for another."""
        return self._left[0] if self._left else None
