"""Sums of head outputs over a batch, which means are made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import frozen

from entrack.address import tagged
from entrack.models.key import ModelKey
from entrack.plan.batch import Batch
from entrack.plan.schedule import Every, ForwardPass, Place, Role
from entrack.plan.steps.kind import StepKind
from entrack.plan.steps.runs import run
from entrack.plan.value_forms import Array, Form


@tagged("sum-outputs", "model batch")
@frozen
class SumOutputs:
    """Head outputs summed over a batch, at each token. -> `sum` float64 (layer, token, head, d_head), `count` int64
    ()."""

    model: ModelKey
    batch: Batch


def _expand(step: SumOutputs) -> Iterator[ForwardPass]:
    read = tuple(Place(layer, Every()) for layer in range(step.model.facts.layers))
    yield run(step, Role.CLEAN, read=read, logits=False)


def _form(step: SumOutputs) -> Form:
    facts, count = step.model.facts, float(step.batch.prompts)
    return {
        "sum": Array("float64", (facts.layers, step.batch.length, facts.heads, facts.d_head)),
        "count": Array("int64", (), count, count),
    }


def _nbytes(step: SumOutputs, nodes: Mapping[str, object]) -> int:
    facts = step.model.facts
    return 8 * facts.layers * step.batch.length * facts.heads * facts.d_head


SUM_OUTPUTS = StepKind(SumOutputs, "sums for a mean", 1, _expand, _form, _nbytes)
