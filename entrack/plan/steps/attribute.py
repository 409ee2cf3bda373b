"""Attribution patching: path patching of all heads, estimated from gradients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import frozen

from entrack.address import tagged
from entrack.models.key import ModelKey
from entrack.plan.batch import Batch, Indices
from entrack.plan.refs import Ref
from entrack.plan.schedule import ForwardPass
from entrack.plan.steps.hop import Receivers, hop, reaches_nothing
from entrack.plan.steps.kind import StepKind
from entrack.plan.value_forms import Array, Form


@tagged("attribute", "model batch asked at alternate receivers steps")
@frozen
class Attribute:
    """What one hop of path patching would give for every head of every layer, estimated from gradients (definition:
    docs/semantics.md).

    The fields are those of `PathPatch`; `steps` are the points between clean and alternate at which the gradient is
    taken, 0 for the clean run itself. Attribution patching: Nanda 2023, arXiv:2310.10348; with integrated gradients,
    arXiv:2403.17806. -> `logit`, `log_probability` float32 (layer, head, prompt, k): the estimated change of each.
    """

    model: ModelKey
    batch: Batch
    asked: tuple[tuple[int, ...], ...]
    at: Indices
    alternate: Ref
    receivers: tuple[Receivers, ...]
    steps: int = 0


def _expand(step: Attribute) -> Iterator[ForwardPass]:
    return hop(step, range(step.model.facts.layers), times=max(1, step.steps), backward=len(step.asked[0]) + 1)


def _form(step: Attribute) -> Form:
    facts = step.model.facts
    change = Array("float32", (facts.layers, facts.heads, step.batch.prompts, len(step.asked[0])))
    return {"logit": change, "log_probability": change}


def _nbytes(step: Attribute, nodes: Mapping[str, object]) -> int:
    facts = step.model.facts
    return 8 * facts.layers * facts.heads * step.batch.prompts * len(step.asked[0])


def _known_zero(step: Attribute) -> bool:
    return reaches_nothing(step, 0)


ATTRIBUTE = StepKind(
    Attribute,
    "an estimate of path patching",
    1,
    _expand,
    _form,
    _nbytes,
    parts={"at": "positions", "steps": "gradient"},
    known_zero=_known_zero,
)
