"""A logit lens: what the model would say of the residual stream before each layer, with edits in force."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from entrack.address import tagged
from entrack.frozen import frozen
from entrack.models.key import ModelKey
from entrack.plan.batch import Batch, Indices
from entrack.plan.schedule import ForwardPass, Role
from entrack.plan.steps import edits
from entrack.plan.steps.edits import Edit
from entrack.plan.steps.kind import Comparison, StepKind
from entrack.plan.steps.runs import run
from entrack.plan.steps.statistic import Statistic, bytes_each, with_statistics
from entrack.plan.value_forms import OUTCOME_BYTES, Form


@tagged("lens", "model batch at asked edits also")
@frozen
class Lens:
    """Outcomes as an `Evaluate` has them, read at the token `at` of each prompt from the residual stream before each
    layer, through the final norm and the unembedding; last of all those of the model itself.

    -> `top` int64 (layer + 1, prompt); `logit`, `log_probability` float32 (layer + 1, prompt, k); and the statistics
    that are `also` wanted. A divergence is from the clean run's distribution at that token, after all layers.
    """

    model: ModelKey
    batch: Batch
    at: Indices
    asked: tuple[tuple[int, ...], ...]
    edits: tuple[Edit, ...] = ()
    also: tuple[Statistic, ...] = ()


def _expand(step: Lens) -> Iterator[ForwardPass]:
    yield run(step, Role.EDITED, logits=False)
    yield run(step, Role.EDITED)
    if step.edits and Statistic.KL_FROM_CLEAN in step.also:
        yield run(step, Role.CLEAN)


def _rows(step: Lens) -> tuple[int, int]:
    return step.model.facts.layers + 1, step.batch.prompts


def _form(step: Lens) -> Form:
    return with_statistics(_rows(step), len(step.asked[0]), step.model.facts.vocabulary, step.also)


def _nbytes(step: Lens, nodes: Mapping[str, object]) -> int:
    layers, prompts = _rows(step)
    return (OUTCOME_BYTES + bytes_each(step.also)) * layers * prompts


LENS = StepKind(
    Lens,
    "a logit lens",
    1,
    _expand,
    _form,
    _nbytes,
    Comparison.OUTCOMES,
    parts=edits.PARTS,
    branches={"edits": "edits", **edits.BRANCHES},
)
