"""Cost: what a plan asks for, before a weight is read - forward passes of the plain executor, token-layers, bytes to be stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import frozen

from entrack.plan.plan import Plan
from entrack.plan.steps import Capture, CaptureInputs, Evaluate, MaskBatch, Node, PathPatch, Screened, Select, SumOutputs, TrainMask
from entrack.sites import Component

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
            return _senders(node) * (2 if node.receivers else 1) + 1
        case TrainMask():
            return sum(runs for runs, _ in _mask_runs(node))
    return 1


def work_of(node: Node) -> int:
    """Token-layers of these passes."""
    match node:
        case Select():
            return 0
        case TrainMask():
            return sum(runs * _tokens(batch) for runs, batch in _mask_runs(node)) * node.model.facts.layers
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
            return OUTCOME_BYTES * node.batch.prompts * _senders(node)
        case CaptureInputs():
            facts = node.model.facts
            if node.component is Component.QUERY:
                return 4 * facts.layers * node.batch.prompts * facts.heads * facts.d_head
            return 4 * facts.layers * node.batch.prompts * node.batch.length * facts.key_value_heads * facts.d_head
        case TrainMask():
            return 4 * node.epochs * len(node.train) * 2
    return 0


def _senders(node: PathPatch) -> int:
    """How many heads are patched. In which layers those of a screen will be is not known: they are counted evenly."""
    match node.senders:
        case None:
            return node.model.facts.heads
        case Screened(_, most):
            each, rest = divmod(most, node.model.facts.layers)
            return min(node.model.facts.heads, each + (node.layer < rest))
    return len(node.senders)


def _mask_runs(node: TrainMask) -> Iterator[tuple[int, MaskBatch]]:
    """How often each batch is run: a backward pass counts for two; each check runs all validation batches; alternates run once."""
    checks = -(-node.epochs * len(node.train) // node.check_every)
    for batch in node.train:
        yield 3 * node.epochs + 1, batch
    for batch in node.validate:
        yield checks + 1, batch


def _tokens(batch: MaskBatch) -> int:
    return batch.original.prompts * batch.original.length
