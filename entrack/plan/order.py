"""Order: the nodes of a plan so that a model is read once for as many steps as possible.

before: base, tuned, base, tuned      (cell after cell)
after:  base, base, tuned, tuned      (each still after what it needs)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from entrack.models.model import ModelKey
from entrack.plan.plan import needs
from entrack.plan.steps import Node, Select


def by_model(nodes: Mapping[str, Node]) -> Iterator[str]:
    """The identifiers of all nodes, each after those it needs, changing the model only when nothing else can be done."""
    waiting = dict(nodes)
    done: set[str] = set()
    model: ModelKey | None = None
    while waiting:
        ready = list(_ready(waiting, done, model))
        if ready:
            for id in ready:
                waiting.pop(id, None)
            yield from ready
        else:
            model = next(_model(node) for node in waiting.values() if _model(node) is not None and all(need in done for need in needs(node)))


def _ready(waiting: Mapping[str, Node], done: set[str], model: ModelKey | None) -> Iterator[str]:
    """In one pass, what can be done with a model or with none; a node counts as done for those after it."""
    for id, node in waiting.items():
        if _model(node) in (None, model) and all(need in done for need in needs(node)):
            done.add(id)
            yield id


def _model(node: Node) -> ModelKey | None:
    return None if isinstance(node, Select) else node.model
