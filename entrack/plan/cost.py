"""Cost: what a plan asks for, before a weight is read - forward passes of the plain executor, token-layers, bytes to be stored."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from entrack.plan.plan import Plan
from entrack.plan.steps import Capture, Evaluate, Node, PathPatch, Select, SumOutputs

OUTCOME_BYTES = 16
"""Per prompt: the argmax, and a logit and log probability per asked word (counted for one)."""


@frozen
class Cost:
    """`forwards` are full forward passes of one batch; `token_layers` tokens times layers of these; `bytes` what is stored."""

    steps: int
    forwards: int
    token_layers: int
    bytes: int


def cost(plan: Plan, ids: Iterable[str]) -> Cost:
    """The cost of some steps of a plan."""
    nodes = [plan.nodes[id] for id in ids]
    return Cost(len(nodes), sum(map(forwards_of, nodes)), sum(map(work_of, nodes)), sum(map(bytes_of, nodes)))


def forwards_of(node: Node) -> int:
    """Full forward passes of a batch that the plain executor makes: one, or one or two per head of a path patch."""
    match node:
        case Select():
            return 0
        case PathPatch():
            return node.model.facts.heads * (2 if node.receivers else 1) + 1
    return 1


def work_of(node: Node) -> int:
    """Token-layers of these passes."""
    if isinstance(node, Select):
        return 0
    return forwards_of(node) * node.batch.prompts * node.batch.length * node.model.facts.layers


def bytes_of(node: Node) -> int:
    """Bytes of the value, without the few hundred of its header."""
    match node:
        case Capture():
            facts = node.model.facts
            return 4 * facts.layers * node.batch.prompts * facts.heads * facts.d_head
        case SumOutputs():
            facts = node.model.facts
            return 8 * facts.layers * node.batch.length * facts.heads * facts.d_head
        case Evaluate():
            return OUTCOME_BYTES * node.batch.prompts
        case PathPatch():
            return OUTCOME_BYTES * node.batch.prompts * node.model.facts.heads
    return 0
