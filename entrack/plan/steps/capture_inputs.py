"""What heads read: queries at a position, keys or values at every token."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import frozen

from entrack.address import tagged
from entrack.models.key import ModelKey
from entrack.plan.batch import Batch, Indices
from entrack.plan.refs import Heads
from entrack.plan.schedule import Every, ForwardPass, Place, Role
from entrack.plan.steps.kind import StepKind
from entrack.plan.steps.runs import layers_of, many_heads, only, run
from entrack.plan.value_forms import Array, Form, of_heads
from entrack.sites import Component


@tagged("capture-inputs", "model batch component at heads")
@frozen
class CaptureInputs:
    """A component of all heads. A query at one token per prompt, keys and values at every token, before rotary
    embedding.

    -> `query` float32 (layer, prompt, head, d_head), or `key` or `value` float32 (layer, prompt, token, key/value head,
    d_head); of some `heads` only, (head, prompt, d_head) or (head, prompt, token, d_head) in their order, of a key or
    value that of the head that serves it.
    """

    model: ModelKey
    batch: Batch
    component: Component
    at: Indices
    heads: Heads | None = None


def _expand(step: CaptureInputs) -> Iterator[ForwardPass]:
    tokens = only(step.at) if step.component is Component.QUERY else Every()
    read = tuple(Place(layer, tokens) for layer in layers_of(step.model, step.heads))
    yield run(step, Role.CLEAN, read=read, logits=False)


def _form(step: CaptureInputs) -> Form:
    return {step.component.value: Array("float32", of_heads(_shape(step), step.heads))}


def _shape(step: CaptureInputs) -> tuple[int, ...]:
    """Of all heads."""
    facts, batch = step.model.facts, step.batch
    if step.component is Component.QUERY:
        return (facts.layers, batch.prompts, facts.heads, facts.d_head)
    return (facts.layers, batch.prompts, batch.length, facts.key_value_heads, facts.d_head)


def _nbytes(step: CaptureInputs, nodes: Mapping[str, object]) -> int:
    facts, query = step.model.facts, step.component is Component.QUERY
    every = facts.layers * (facts.heads if query else facts.key_value_heads)
    tokens = 1 if query else step.batch.length
    return 4 * step.batch.prompts * tokens * facts.d_head * many_heads(step.heads, every, nodes)


CAPTURE_INPUTS = StepKind(CaptureInputs, "what heads read", 1, _expand, _form, _nbytes, parts={"at": "positions"})
