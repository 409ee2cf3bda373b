"""Attention read: from one token of each prompt to others, by layer and head, with edits in force."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import field

from entrack.address import tagged
from entrack.frozen import frozen
from entrack.models.key import ModelKey
from entrack.plan.batch import Batch, Indices
from entrack.plan.schedule import ForwardPass, Role
from entrack.plan.steps import edits
from entrack.plan.steps.edits import Edit
from entrack.plan.steps.kind import StepKind
from entrack.plan.steps.runs import run
from entrack.plan.value_forms import ROUNDED, Array, Form


@tagged("attention", "model batch reader read edits")
@frozen
class Attention:
    """How much of its attention each head gives, at the token `reader` of each prompt, to the tokens `read`: the sum
    of their weights after the softmax. -> `attention` float32 (layer, head, prompt), 0 to 1
    """

    model: ModelKey
    batch: Batch
    reader: Indices
    read: tuple[Indices, ...] = field(repr=False)
    edits: tuple[Edit, ...] = ()


def _expand(step: Attention) -> Iterator[ForwardPass]:
    yield run(step, Role.EDITED)


def _form(step: Attention) -> Form:
    facts = step.model.facts
    return {"attention": Array("float32", (facts.layers, facts.heads, step.batch.prompts), 0, 1 + ROUNDED)}


def _nbytes(step: Attention, nodes: Mapping[str, object]) -> int:
    return 4 * step.model.facts.layers * step.model.facts.heads * step.batch.prompts


ATTENTION = StepKind(
    Attention,
    "attention between tokens",
    1,
    _expand,
    _form,
    _nbytes,
    parts=edits.PARTS,
    branches={"edits": "edits", **edits.BRANCHES},
)
