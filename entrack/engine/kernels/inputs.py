"""Edits of inputs: SetInputs, as values to set and outputs to hold.

An edit changes what its heads do at one token per prompt, their `at`. A key or value is shared by all heads that its
key/value head serves, so all of these are meant. At every other token their outputs are held at the clean run's of the
model that is edited.

Several edits, in all their prompts: a head's output at a token is held if one of them holds it and none of them has it
as its own, so that groups at different positions, and several components of one head, can be set at once. Where key or
value of two groups overlap, the later edit's stands; from one donor they are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from torch import Tensor

from entrack.engine.context import Context
from entrack.engine.inputs import Inputs, bound, component
from entrack.engine.kernels.outputs import by_layer, head_masks
from entrack.engine.receivers import PARTS
from entrack.engine.tracing import Write
from entrack.families.places import SHARED, Part, Place
from entrack.plan.steps import Batch, SetInputs
from entrack.sites import Head


def input_sets(context: Context, batch: Batch, edits: Iterable[SetInputs], inputs: Inputs) -> Iterator[Write]:
    """What is read, in the order of the edits; then the outputs that are held."""
    edited: dict[int, Tensor] = {}
    for edit in edits:
        part, heads = PARTS[edit.component], _served(context, edit)
        values = _values(context, edit, inputs)
        for layer, here in head_masks(context, batch, heads, edit.at).items():
            edited[layer] = edited[layer] | here if layer in edited else here
            if part in SHARED:
                yield Write(Place(layer, part), _upto(context, here), values[layer])
            else:
                yield Write(Place(layer, part), here, values[layer][:, None])
    clean = context.clean_heads(batch) if edited else None
    for layer, here in edited.items():
        assert clean is not None
        yield Write(Place(layer, Part.OUTPUT), here.any(1, keepdim=True) & ~here, clean[layer])


def _values(context: Context, edit: SetInputs, inputs: Inputs) -> Tensor | Mapping[int, Tensor]:
    """What is read, by layer. -> (prompt, ..., head or key/value head, d_head)"""
    values, part = context.tensor(component(inputs, edit.inputs, edit.component)), PARTS[edit.component]
    if values.dim() == (5 if part in SHARED else 4):
        return values
    return by_layer(
        values, bound(edit.heads), context.model.heads(part), context.model.facts if part in SHARED else None
    )


def _served(context: Context, edit: SetInputs) -> tuple[Head, ...]:
    """The heads that read what is set: with a key or value, all that share the key/value heads."""
    heads = bound(edit.heads)
    if PARTS[edit.component] not in SHARED:
        return heads
    return tuple(
        sorted({Head(head.layer, other) for head in heads for other in context.model.facts.sharers(head.head)})
    )


def _upto(context: Context, here: Tensor) -> Tensor:
    """From heads at their token to their key/value heads at every token up to it. -> bool (prompt, token, key/value
    head, 1)"""
    prompts, tokens, _, _ = here.shape
    shared = here.view(prompts, tokens, context.model.facts.key_value_heads, -1, 1).any(3)
    at_or_after = shared.flip(1).cumsum(1).flip(1)
    return at_or_after > 0
