"""Edits of what heads read: sets whose target `reads`, as values to set and outputs to hold.

An edit changes what its heads do at one token per prompt, or some, their `at`. A key or value is shared by all heads
that its key/value head serves, so all of these are meant. At every other token their outputs are held at the clean
run's of the model that is edited.

Several edits, in all their prompts: a head's output at a token is held if one of them holds it and none of them has it
as its own, so that groups at different positions, and several components of one head, can be set at once. Where key or
value of two groups overlap, the later edit's stands; from one donor they are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from torch import Tensor

from entrack.engine.context import Context
from entrack.engine.inputs import Inputs, bound
from entrack.engine.kernels.outputs import site_masks, values_of
from entrack.engine.writes import Write
from entrack.plan.steps import At, Batch, Set
from entrack.plan.steps.edits import part_of
from entrack.sites import SHARED, Site


def input_sets(context: Context, batch: Batch, edits: Iterable[Set], inputs: Inputs) -> Iterator[Write]:
    """What is read, in the order of the edits; then the outputs that are held."""
    edited: dict[Site, Tensor] = {}
    for edit in edits:
        assert isinstance(edit.target, At)  # no other target reads
        part, heads = part_of(edit.target), _served(context, edit.target)
        masks = site_masks(context, batch, heads, edit.target.at)
        values = values_of(context, batch, edit.target, edit.source, inputs) if masks else None
        for outputs, here in masks.items():
            assert values is not None
            edited[outputs] = edited[outputs] | here if outputs in edited else here
            mask = _upto(context, here) if part in SHARED else here
            yield Write(Site(outputs.layer, part), mask, values(Site(outputs.layer, part)))
    clean = context.clean_heads(batch) if edited else None
    for outputs, here in edited.items():
        assert clean is not None
        yield Write(outputs, here.any(1, keepdim=True) & ~here, clean[outputs.layer])


def _served(context: Context, target: At) -> tuple[Site, ...]:
    """The heads that read what is set: with a key or value, all that share the key/value heads."""
    heads = bound(target.sites)
    if target.reads not in SHARED:
        return heads
    sharers = context.model.facts.sharers
    return tuple(sorted({Site.of_head(head.layer, other) for head in heads for other in sharers(head.head)}))


def _upto(context: Context, here: Tensor) -> Tensor:
    """From heads at their token to their key/value heads at every token up to it. -> bool (prompt, token, key/value
    head, 1)"""
    prompts, tokens, _, _ = here.shape
    shared = here.view(prompts, tokens, context.model.facts.key_value_heads, -1, 1).any(3)
    at_or_after = shared.flip(1).cumsum(1).flip(1)
    return at_or_after > 0
