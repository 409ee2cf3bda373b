"""A capture: what stands at sites in a clean run. Edits and path patching take their values from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import frozen

from entrack.address import tagged
from entrack.model_config import ModelFacts
from entrack.models.key import ModelKey
from entrack.plan.batch import Batch, Indices
from entrack.plan.refs import Sites
from entrack.plan.schedule import Every, ForwardPass, Place, Role
from entrack.plan.steps.kind import StepKind
from entrack.plan.steps.runs import layers_of, many_sites, only, run
from entrack.plan.value_forms import Array, Form, count
from entrack.sites import PER_HEAD, SHARED, Part


@tagged("capture", "model batch at sites part")
@frozen
class Capture:
    """A part of every layer, or of some `sites`: at the token `at` of each prompt, or, without one, at every token.
    Queries, keys and values are those before rotary embedding.

    -> one array, called like the part, float32 (layer, prompt, token, head, d_head): without the axis of tokens where
    one is said, with key/value heads for a key or value, and with d_model instead of the last two for a part without
    heads. Of some sites, (site, prompt, token, d_head or d_model) in their order; of a key or value, that of the head
    that serves it.
    """

    model: ModelKey
    batch: Batch
    at: Indices | None
    sites: Sites | None = None
    part: Part = Part.OUTPUT


def width(facts: ModelFacts, part: Part) -> tuple[int, ...]:
    """The last axes of a part: (head, d_head) or (key/value head, d_head), or (d_model)."""
    if part not in PER_HEAD:
        return (facts.d_model,)
    return (facts.key_value_heads if part in SHARED else facts.heads, facts.d_head)


def _expand(step: Capture) -> Iterator[ForwardPass]:
    tokens = Every() if step.at is None else only(step.at)
    read = tuple(Place(layer, tokens, step.part) for layer in layers_of(step.model, step.sites))
    yield run(step, Role.CLEAN, read=read, logits=False)


def _form(step: Capture) -> Form:
    return {step.part.value: Array("float32", _shape(step))}


def _shape(step: Capture) -> tuple[int, ...]:
    tokens = (step.batch.length,) if step.at is None else ()
    inner = (step.batch.prompts, *tokens)
    if step.sites is None:
        return (step.model.facts.layers, *inner, *width(step.model.facts, step.part))
    many = count(step.sites)
    return (many, *inner, width(step.model.facts, step.part)[-1]) if many else (0,)


def _nbytes(step: Capture, nodes: Mapping[str, object]) -> int:
    tokens = step.batch.length if step.at is None else 1
    *heads, size = width(step.model.facts, step.part)
    every = step.model.facts.layers * (heads[0] if heads else 1)
    return 4 * step.batch.prompts * tokens * size * many_sites(step.sites, every, nodes)


CAPTURE = StepKind(
    Capture,
    "activations of a clean run",
    1,
    _expand,
    _form,
    _nbytes,
    parts={"at": "positions", "part": "component", "sites": "heads"},
)
