"""Dispatch: which of the nodes that are ready is begun next, where several steps are in hand at once.

before: ready are four layers of a hop on each of two batches, a selection waits for all of them, and a measure
after:  batch 1 layer 0, batch 2 layer 0, batch 1 layer 1, ...                  (each worker stays with its batch)
        the measure                                                             (nothing waits for it)

First comes what the longest path waits behind; of several, what the worker that has become free has been working on,
so that its model and its clean run serve again. What a run finds does not depend on it.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Mapping
from heapq import heappop, heappush

from entrack.execution.scheduler import Scheduler
from entrack.plan.plan import Plan
from entrack.plan.steps import Choice, Step, kind_of

Where = tuple[str, str]
"""A model and a batch, by their digests: a clean run."""
Entry = tuple[int, int, str]
"""Work that waits behind a node, negative; its place in the scheduler's order; the node."""


class Dispatch:
    """The nodes that a scheduler says are ready and nobody has begun. `works` says how much work each node is."""

    def __init__(self, scheduler: Scheduler, works: Mapping[str, int]) -> None:
        self._scheduler, self._works = scheduler, works
        self._fill()

    def take(self, near: Where | None, held: Collection[Where]) -> str | None:
        """The next to begin, for who has been working at `near`, while others work at `held`; None where nothing is
        ready."""
        self._hear()
        if self._choices:
            return self._choices.popleft()
        if not self._groups:
            return None
        first = self._first()
        if near in self._groups and self._groups[near][0][0] == first:
            return self._taken(near)
        at = min(
            (one for one, group in self._groups.items() if group[0][0] == first),
            key=lambda one: (near is not None and one[0] != near[0], one in held, self._groups[one][0][1]),
        )
        return self._taken(at)

    def _first(self) -> int:
        """The work behind the nodes that most waits behind, negative."""
        while not self._counts[self._ranks[0]]:
            heappop(self._ranks)
        return self._ranks[0]

    def put_back(self, id: str) -> None:
        """A node that was taken is not finished."""
        self._put(id)

    def _taken(self, at: Where) -> str:
        group = self._groups[at]
        rank, _, id = heappop(group)
        self._counts[rank] -= 1
        if not group:
            del self._groups[at]
        return id

    def _hear(self) -> None:
        """What has become ready since."""
        news = self._scheduler.news()
        if news is None:
            self._fill()
            return
        for id in news:
            self._put(id)

    def _fill(self) -> None:
        self._scheduler.news()
        self._behind = behind(self._scheduler.plan, self._works)
        self._groups: dict[Where, list[Entry]] = {}
        self._choices: deque[str] = deque()
        self._ranks: list[int] = []
        """Work behind nodes, negative, the most first; and how many nodes have it."""
        self._counts: Counter[int] = Counter()
        for id in self._scheduler.ready():
            self._put(id)

    def _put(self, id: str) -> None:
        node = self._scheduler.plan.nodes[id]
        if isinstance(node, Choice):
            self._choices.append(id)
        else:
            entry = (-self._behind[id], self._scheduler.place(id), id)
            heappush(self._groups.setdefault(where(node), []), entry)
            if not self._counts[entry[0]]:
                heappush(self._ranks, entry[0])
            self._counts[entry[0]] += 1


def where(step: Step) -> Where:
    """What a step is worked on with; a step without a batch of its own has the empty text as one."""
    batch = kind_of(step).batch(step)
    return step.model.digest, "" if batch is None else batch.digest


def behind(plan: Plan, works: Mapping[str, int]) -> dict[str, int]:
    """For each node the work on the longest path of those that wait for it, without its own."""
    found = dict.fromkeys(plan.nodes, 0)
    for id in reversed(tuple(plan.nodes)):
        own = found[id] + works.get(id, 0)
        for need in plan.needs[id]:
            found[need] = max(found[need], own)
    return found
