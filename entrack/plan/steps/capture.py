"""Head outputs at a position: what edits and path patching take their values from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import frozen

from entrack.address import tagged
from entrack.models.key import ModelKey
from entrack.plan.batch import Batch, Indices
from entrack.plan.refs import Heads
from entrack.plan.schedule import ForwardPass, Role
from entrack.plan.steps.kind import StepKind
from entrack.plan.steps.runs import at, layers_of, many_heads, run
from entrack.plan.value_forms import Array, Form, of_heads


@tagged("capture", "model batch at heads")
@frozen
class Capture:
    """Head outputs at one token per prompt. -> `z` float32 (layer, prompt, head, d_head); of some `heads` only,
    (head, prompt, d_head) in their order."""

    model: ModelKey
    batch: Batch
    at: Indices
    heads: Heads | None = None


def _expand(step: Capture) -> Iterator[ForwardPass]:
    yield run(step, Role.CLEAN, read=at(layers_of(step.model, step.heads), step.at), logits=False)


def _form(step: Capture) -> Form:
    facts = step.model.facts
    return {"z": Array("float32", of_heads((facts.layers, step.batch.prompts, facts.heads, facts.d_head), step.heads))}


def _nbytes(step: Capture, nodes: Mapping[str, object]) -> int:
    facts = step.model.facts
    return 4 * step.batch.prompts * facts.d_head * many_heads(step.heads, facts.layers * facts.heads, nodes)


CAPTURE = StepKind(Capture, "head outputs at a position", 1, _expand, _form, _nbytes, parts={"at": "positions"})
