"""Order: the nodes of a plan so that a model is read, and a batch's clean run made, once for as many steps as possible.

before: base batch 1, tuned batch 1, base batch 2, base batch 1, tuned batch 2      (cell after cell, layer after layer)
after:  base batch 1, base batch 1, base batch 2, tuned batch 1, tuned batch 2      (each still after what it needs)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping

from attrs import define, field

from entrack.models.key import ModelKey
from entrack.plan.steps import Choice, Node, kind_of

Where = tuple[ModelKey | None, str]
"""A model and the digest of a batch; none for what runs no model."""


def by_model(nodes: Mapping[str, Node], needs: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """The identifiers of all nodes, each after those it `needs`, changing the batch, and more so the model, only
    when nothing else can be done."""
    queue = _Queue.of(nodes, needs)
    at: Where | None = None
    while queue.ready:
        at = queue.nearest(at)
        while queue.ready.get(at):
            id = queue.ready[at].popleft()
            queue.done(id)
            yield id
        queue.ready.pop(at, None)


@define
class _Queue:
    """The nodes that can be done, by where; and what the others wait for."""

    nodes: Mapping[str, Node]
    ready: dict[Where, deque[str]] = field(factory=dict)
    waits: dict[str, int] = field(factory=dict)
    frees: dict[str, list[str]] = field(factory=dict)

    @classmethod
    def of(cls, nodes: Mapping[str, Node], needs: Mapping[str, tuple[str, ...]]) -> _Queue:
        queue = cls(nodes)
        for id, wanted in needs.items():
            queue.waits[id] = len(wanted)
            for need in wanted:
                queue.frees.setdefault(need, []).append(id)
            if not wanted:
                queue._put(id)
        return queue

    def nearest(self, at: Where | None) -> Where:
        """What runs no model; else the same model; else whatever was ready first."""
        free = next((where for where in self.ready if where[0] is None), None)
        same = next((where for where in self.ready if at is not None and where[0] == at[0]), None)
        return free or same or next(iter(self.ready))

    def done(self, id: str) -> None:
        for other in self.frees.get(id, ()):
            self.waits[other] -= 1
            if not self.waits[other]:
                self._put(other)

    def _put(self, id: str) -> None:
        self.ready.setdefault(_where(self.nodes[id]), deque()).append(id)


def _where(node: Node) -> Where:
    if isinstance(node, Choice):
        return None, ""
    batch = kind_of(node).batch(node)
    return node.model, "" if batch is None else batch.digest
