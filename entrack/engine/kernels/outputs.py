"""Edits of outputs: SetHeads and SetElsewhere, as values to set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import assert_never

import torch
from torch import Tensor

from entrack.engine.context import Context
from entrack.engine.inputs import Inputs, bound, captured, mean
from entrack.engine.tracing import Write
from entrack.families.places import Part, Place
from entrack.model_config import ModelFacts
from entrack.plan.steps import Batch, FromCapture, FromMean, FromZero, Indices, SetElsewhere, SetHeads
from entrack.sites import Head


def output_sets(
    context: Context, batch: Batch, edits: Iterable[SetHeads | SetElsewhere], inputs: Inputs
) -> Iterator[Write]:
    """In the order of the edits, so that the later one holds."""
    for edit in edits:
        match edit:
            case SetHeads():
                masks = head_masks(context, batch, bound(edit.heads), edit.at)
            case SetElsewhere():
                masks = {layer: ~mask for layer, mask in _kept(context, batch, edit).items()}
            case _:
                assert_never(edit)
        values = _values(context, edit, inputs)
        for layer, mask in masks.items():
            yield Write(Place(layer, Part.OUTPUT), mask, values[layer])


def head_masks(context: Context, batch: Batch, heads: Iterable[Head], at: Indices) -> dict[int, Tensor]:
    """True for these heads at the token `at` of each prompt, by layer. -> bool (prompt, token, head, 1) each"""
    masks: dict[int, Tensor] = {}
    prompts, tokens = torch.arange(batch.prompts), torch.tensor(at)
    for head in heads:
        empty = torch.zeros(batch.prompts, batch.length, context.model.facts.heads, 1, dtype=torch.bool)
        masks.setdefault(head.layer, empty)[prompts, tokens, head.head] = True
    return {layer: mask.to(context.model.device) for layer, mask in masks.items()}


def _kept(context: Context, batch: Batch, edit: SetElsewhere) -> dict[int, Tensor]:
    nothing = torch.zeros(1, 1, 1, 1, dtype=torch.bool, device=context.model.device)
    kept = dict.fromkeys(context.layers, nothing)
    for one in edit.kept:
        for layer, mask in head_masks(context, batch, bound(one.heads), one.at).items():
            kept[layer] = kept[layer] | mask
    return kept


def by_layer(
    values: Tensor, heads: Iterable[Head], count: int, facts: ModelFacts | None = None
) -> Mapping[int, Tensor]:
    """Values of some heads (head, prompt, ..., d_head) as values of all `count` heads of their layers, zero where there
    is none.

    With `facts`, each is of the key/value head that serves it. -> (prompt, ..., head, d_head) by layer
    """
    layers: dict[int, Tensor] = {}
    for value, head in zip(values, heads, strict=True):
        all_heads = layers.setdefault(head.layer, value.new_zeros(*value.shape[:-1], count, value.shape[-1]))
        all_heads[..., head.head if facts is None else facts.key_value_head(head.head), :] = value
    return layers


def _values(context: Context, edit: SetHeads | SetElsewhere, inputs: Inputs) -> Tensor | Mapping[int, Tensor]:
    """What heads are set to. -> (layer, prompt, token, head, d_head), or what broadcasts to it"""
    match edit.source:
        case FromCapture(capture):
            z = context.tensor(captured(inputs, capture))
            if z.dim() == 4 or isinstance(edit, SetElsewhere):
                return z[:, :, None]
            return {
                layer: value[:, None]
                for layer, value in by_layer(z, bound(edit.heads), context.model.facts.heads).items()
            }
        case FromMean() as source:
            return context.activations.get(
                (context.model.key, source), lambda: (context.tensor(mean(inputs, source)),)
            )[0][:, None]
        case FromZero():
            return torch.zeros(len(context.layers), 1, 1, 1, 1, device=context.model.device)
        case _ as other:
            assert_never(other)
