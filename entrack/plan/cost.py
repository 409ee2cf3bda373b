"""Cost: what a plan asks for, before a weight is read - forward passes of the reference executor, token-layers,
bytes to be stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import frozen

from entrack.plan.expand import expand, senders_of
from entrack.plan.passes import optimise
from entrack.plan.plan import Plan
from entrack.plan.steps import (
    Attribute,
    Capture,
    CaptureInputs,
    Choice,
    Chosen,
    Evaluate,
    Heads,
    Node,
    PathPatch,
    Select,
    SumOutputs,
    TrainMask,
)
from entrack.sites import Component

OUTCOME_BYTES = 16
"""Per prompt: the argmax, and a logit and log probability per asked word (counted for one)."""


@frozen
class Cost:
    """`forwards` are full forward passes of one batch; `token_layers` tokens times layers of these; `bytes` what is
    stored."""

    steps: int
    forwards: int
    token_layers: int
    bytes: int


def cost(plan: Plan, ids: Iterable[str]) -> Cost:
    """The cost of some steps of a plan."""
    nodes = [plan.nodes[id] for id in ids]
    return Cost(
        len(nodes),
        sum(map(forwards_of, nodes)),
        sum(map(work_of, nodes)),
        sum(bytes_of(node, plan.nodes) for node in nodes),
    )


def forwards_of(node: Node) -> int:
    """Full forward passes of a batch that the reference executor makes; a backward pass counts for two."""
    return 0 if isinstance(node, Choice) else sum(run.forwards for run in expand(node).runs)


def work_of(node: Node) -> int:
    """Token-layers of these passes."""
    return 0 if isinstance(node, Choice) else sum(run.token_layers for run in expand(node).runs)


def left_of(node: Node) -> int:
    """Token-layers that are left after the compiler's passes. A clean run that many steps share counts where it is
    all there is to do."""
    if isinstance(node, Choice):
        return 0
    runs = optimise(expand(node)).runs
    return sum(run.token_layers for run in runs if run.shared is None or len(runs) == 1)


def bytes_of(node: Node, nodes: Mapping[str, Node]) -> int:
    """Bytes of the value, without the few hundred of its header. `nodes` are those of the plan."""
    match node:
        case Capture(model):
            return (
                4
                * node.batch.prompts
                * model.facts.d_head
                * _heads(node.heads, model.facts.layers * model.facts.heads, nodes)
            )
        case CaptureInputs(model):
            query = node.component is Component.QUERY
            every = model.facts.layers * (model.facts.heads if query else model.facts.key_value_heads)
            tokens = 1 if query else node.batch.length
            return 4 * node.batch.prompts * tokens * model.facts.d_head * _heads(node.heads, every, nodes)
        case SumOutputs():
            facts = node.model.facts
            return 8 * facts.layers * node.batch.length * facts.heads * facts.d_head
        case Evaluate():
            return OUTCOME_BYTES * node.batch.prompts
        case PathPatch():
            return OUTCOME_BYTES * node.batch.prompts * senders_of(node)
        case Attribute(model):
            return 8 * model.facts.layers * model.facts.heads * node.batch.prompts * len(node.asked[0])
        case TrainMask():
            return 4 * node.epochs * len(node.train) * 2
    return 0


def _heads(heads: Heads | None, every: int, nodes: Mapping[str, Node]) -> int:
    """How many heads; of those that a selection keeps, at most as many."""
    if heads is None:
        return every
    if isinstance(heads, Chosen):
        select = nodes.get(heads.id)
        return select.keep if isinstance(select, Select) else every
    return len(heads)
