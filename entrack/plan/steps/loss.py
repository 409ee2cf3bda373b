"""A loss: how well the model predicts tokens of the prompts themselves, with edits in force."""

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
from entrack.plan.value_forms import Array, Form


@tagged("loss", "model batch tokens edits")
@frozen
class Loss:
    """The mean loss over some `tokens` of each prompt, one or more: of token t it is - log P(t | the tokens before), so
    none is the first. -> `loss` float32 (prompt), in nats
    """

    model: ModelKey
    batch: Batch
    tokens: tuple[Indices, ...] = field(repr=False)
    edits: tuple[Edit, ...] = ()


def _expand(step: Loss) -> Iterator[ForwardPass]:
    yield run(step, Role.EDITED)


def _form(step: Loss) -> Form:
    return {"loss": Array("float32", (step.batch.prompts,), 0)}


def _nbytes(step: Loss, nodes: Mapping[str, object]) -> int:
    return 4 * step.batch.prompts


LOSS = StepKind(
    Loss,
    "a loss over tokens of the prompts",
    1,
    _expand,
    _form,
    _nbytes,
    parts={**edits.PARTS, "tokens": "positions"},
    branches={"edits": "edits", **edits.BRANCHES},
)
