"""Edits of outputs: SetHeads and SetElsewhere, as values to set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import torch
from torch import Tensor

from entrack.engine.access import Place, Set
from entrack.engine.arch import Part
from entrack.engine.inputs import Inputs, bound, captured, mean
from entrack.engine.session import Session
from entrack.facts import ModelFacts
from entrack.plan.steps import Batch, FromCapture, FromMean, FromZero, Indices, SetElsewhere, SetHeads
from entrack.sites import Head


def output_sets(session: Session, batch: Batch, edits: Iterable[SetHeads | SetElsewhere], inputs: Inputs) -> Iterator[Set]:
    """In the order of the edits, so that the later one holds."""
    for edit in edits:
        match edit:
            case SetHeads():
                masks = head_masks(session, batch, bound(edit.heads), edit.at)
            case SetElsewhere():
                masks = {layer: ~mask for layer, mask in _kept(session, batch, edit).items()}
        values = _values(session, edit, inputs)
        for layer, mask in masks.items():
            yield Set(Place(layer, Part.OUTPUT), mask, values[layer])


def head_masks(session: Session, batch: Batch, heads: Iterable[Head], at: Indices) -> dict[int, Tensor]:
    """True for these heads at the token `at` of each prompt, by layer. -> bool (prompt, token, head, 1) each"""
    masks: dict[int, Tensor] = {}
    prompts, tokens = torch.arange(batch.prompts), torch.tensor(at)
    for head in heads:
        empty = torch.zeros(batch.prompts, batch.length, session.model.facts.heads, 1, dtype=torch.bool)
        masks.setdefault(head.layer, empty)[prompts, tokens, head.head] = True
    return {layer: mask.to(session.model.device) for layer, mask in masks.items()}


def _kept(session: Session, batch: Batch, edit: SetElsewhere) -> dict[int, Tensor]:
    nothing = torch.zeros(1, 1, 1, 1, dtype=torch.bool, device=session.model.device)
    kept = dict.fromkeys(session.layers, nothing)
    for one in edit.kept:
        for layer, mask in head_masks(session, batch, bound(one.heads), one.at).items():
            kept[layer] = kept[layer] | mask
    return kept


def by_layer(values: Tensor, heads: Iterable[Head], count: int, facts: ModelFacts | None = None) -> Mapping[int, Tensor]:
    """Values of some heads (head, prompt, ..., d_head) as values of all `count` heads of their layers, zero where there is none.

    With `facts`, each is of the key/value head that serves it. -> (prompt, ..., head, d_head) by layer
    """
    layers: dict[int, Tensor] = {}
    for value, head in zip(values, heads, strict=True):
        all_heads = layers.setdefault(head.layer, value.new_zeros(*value.shape[:-1], count, value.shape[-1]))
        all_heads[..., head.head if facts is None else facts.key_value_head(head.head), :] = value
    return layers


def _values(session: Session, edit: SetHeads | SetElsewhere, inputs: Inputs) -> Tensor | Mapping[int, Tensor]:
    """What heads are set to. -> (layer, prompt, token, head, d_head), or what broadcasts to it"""
    match edit.source:
        case FromCapture(capture):
            z = session.tensor(captured(inputs, capture))
            if z.dim() == 4 or isinstance(edit, SetElsewhere):
                return z[:, :, None]
            return {layer: value[:, None] for layer, value in by_layer(z, bound(edit.heads), session.model.facts.heads).items()}
        case FromMean() as source:
            return session.memo.get((session.model.key, source), lambda: (session.tensor(mean(inputs, source)),))[0][:, None]
        case FromZero():
            return torch.zeros(len(session.layers), 1, 1, 1, 1, device=session.model.device)
