"""A capture: what stands at sites in a clean run. Edits and path patching take their values from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod

from entrack.address import tagged
from entrack.frozen import frozen
from entrack.model_config import ModelFacts
from entrack.models.key import ModelKey
from entrack.plan.batch import Batch, Position, Spans
from entrack.plan.refs import Sites
from entrack.plan.schedule import ForwardPass, Place, Role
from entrack.plan.steps.kind import StepKind
from entrack.plan.steps.runs import layers_of, many_sites, run, tokens_at
from entrack.plan.value_forms import Array, Form, count
from entrack.sites import PER_HEAD, SHARED, Part


@tagged("capture", "model batch at sites part")
@frozen
class Capture:
    """A part of every layer, or of some `sites`: at the token or the span `at` of each prompt, or, without one, at
    every token. Queries, keys and values are those before rotary embedding.

    -> one array, called like the part, float32 (layer, prompt, token, head, d_head): without the axis of tokens where
    one token is said, with key/value heads for a key or value, and with d_model (d_mlp for neurons) instead of the last
    two for a part without heads. Of some sites, (site, prompt, token, d_head or d_model) in their order; of a key or
    value, that of the head that serves it; of sites that are one neuron each, with 1 as the last axis.
    """

    model: ModelKey
    batch: Batch
    at: Position
    sites: Sites | None = None
    part: Part = Part.OUTPUT


def width(facts: ModelFacts, part: Part) -> tuple[int, ...]:
    """The last axes of a part: (head, d_head) or (key/value head, d_head), (d_mlp) or (d_model)."""
    if part is Part.NEURON:
        return (facts.d_mlp,)
    if part not in PER_HEAD:
        return (facts.d_model,)
    return (facts.key_value_heads if part in SHARED else facts.heads, facts.d_head)


def _expand(step: Capture) -> Iterator[ForwardPass]:
    read = tuple(Place(layer, tokens_at(step.at), step.part) for layer in layers_of(step.model, step.sites))
    yield run(step, Role.CLEAN, read=read, logits=False)


def _form(step: Capture) -> Form:
    return {step.part.value: Array("float32", _shape(step))}


def _shape(step: Capture) -> tuple[int, ...]:
    inner = (step.batch.prompts, *_tokens(step))
    if step.sites is None:
        return (step.model.facts.layers, *inner, *width(step.model.facts, step.part))
    many = count(step.sites)
    return (many, *inner, _width_of_a_site(step)) if many else (0,)


def _tokens(step: Capture) -> tuple[int, ...]:
    """The axis of tokens, where there is one."""
    match step.at:
        case None:
            return (step.batch.length,)
        case Spans():
            return (step.at.many,)
        case _:
            return ()


def _width_of_a_site(step: Capture) -> int:
    one = isinstance(step.sites, tuple) and step.part is Part.NEURON and step.sites[0].index is not None
    return 1 if one else width(step.model.facts, step.part)[-1]


def _nbytes(step: Capture, nodes: Mapping[str, object]) -> int:
    heads = width(step.model.facts, step.part)[:-1]
    many = many_sites(step.sites, step.model.facts.layers * prod(heads), nodes)
    return 4 * step.batch.prompts * prod(_tokens(step)) * _width_of_a_site(step) * many if many else 0


CAPTURE = StepKind(
    Capture,
    "activations of a clean run",
    1,
    _expand,
    _form,
    _nbytes,
    parts={"at": "positions", "part": "component", "sites": "heads"},
)
