"""Sums over a batch of what stands at a part, which means are made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod

from entrack.address import tagged
from entrack.frozen import frozen
from entrack.models.key import ModelKey
from entrack.plan.batch import Batch
from entrack.plan.schedule import Every, ForwardPass, Place, Role
from entrack.plan.steps.capture import width
from entrack.plan.steps.kind import StepKind
from entrack.plan.steps.runs import run
from entrack.plan.value_forms import Array, Form
from entrack.sites import Part


@tagged("sum-outputs", "model batch part")
@frozen
class SumOutputs:
    """A part summed over a batch, at each token. -> `sum` float64 (layer, token, head, d_head), or (layer, token,
    d_model or d_mlp) for a part without heads; `count` int64 ()."""

    model: ModelKey
    batch: Batch
    part: Part = Part.OUTPUT


def _expand(step: SumOutputs) -> Iterator[ForwardPass]:
    read = tuple(Place(layer, Every(), step.part) for layer in range(step.model.facts.layers))
    yield run(step, Role.CLEAN, read=read, logits=False)


def _form(step: SumOutputs) -> Form:
    count = float(step.batch.prompts)
    return {"sum": Array("float64", _shape(step)), "count": Array("int64", (), count, count)}


def _shape(step: SumOutputs) -> tuple[int, ...]:
    return (step.model.facts.layers, step.batch.length, *width(step.model.facts, step.part))


def _nbytes(step: SumOutputs, nodes: Mapping[str, object]) -> int:
    return 8 * prod(_shape(step))


SUM_OUTPUTS = StepKind(SumOutputs, "sums for a mean", 1, _expand, _form, _nbytes, parts={"part": "component"})
