"""Edits of what sites give: sets whose target is sites themselves, or all heads elsewhere, as values to set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import assert_never

import torch
from torch import Tensor

from entrack.engine.context import Context
from entrack.engine.inputs import Inputs, bound, captured, mean
from entrack.engine.tracing import Write
from entrack.model_config import ModelFacts
from entrack.plan.steps import At, Batch, Elsewhere, FromCapture, FromMean, FromZero, Indices, Set
from entrack.plan.steps.edits import part_of
from entrack.sites import PER_HEAD, SHARED, Part, Site


def output_sets(context: Context, batch: Batch, edits: Iterable[Set], inputs: Inputs) -> Iterator[Write]:
    """In the order of the edits, so that the later one holds."""
    for edit in edits:
        match edit.target:
            case At(sites, at):
                masks = site_masks(context, batch, bound(sites), at)
            case Elsewhere():
                masks = {site: ~mask for site, mask in _kept(context, batch, edit.target).items()}
            case _ as other:
                assert_never(other)
        values = values_of(context, edit, inputs) if masks else {}
        for site, mask in masks.items():
            yield Write(site, mask, values[site.layer])


def site_masks(context: Context, batch: Batch, sites: Iterable[Site], at: Indices | None) -> dict[Site, Tensor]:
    """True for these sites at the token `at` of each prompt, or at every token, by the part of a layer that they are
    of. -> bool (prompt, token, head, 1), or (prompt, token, 1) for a part without heads"""
    masks: dict[Site, Tensor] = {}
    rows: tuple[Tensor | slice, ...] = (
        (slice(None), slice(None)) if at is None else (torch.arange(batch.prompts), torch.tensor(at))
    )
    for site in sites:
        heads = (context.model.facts.heads,) if site.part in PER_HEAD else ()
        empty = torch.zeros(batch.prompts, batch.length, *heads, 1, dtype=torch.bool)
        own = () if site.index is None else (site.index,)
        masks.setdefault(Site(site.layer, site.part), empty)[(*rows, *own)] = True
    return {site: mask.to(context.model.device) for site, mask in masks.items()}


def _kept(context: Context, batch: Batch, target: Elsewhere) -> dict[Site, Tensor]:
    nothing = torch.zeros(1, 1, 1, 1, dtype=torch.bool, device=context.model.device)
    kept = {Site(layer, Part.OUTPUT): nothing for layer in context.layers}
    for one in target.kept:
        for site, mask in site_masks(context, batch, bound(one.sites), one.at).items():
            kept[site] = kept[site] | mask
    return kept


def values_of(context: Context, edit: Set, inputs: Inputs) -> Tensor | Mapping[int, Tensor]:
    """What a target is set to, by layer. -> (prompt, token, head or key/value head, d_head), or (prompt, token,
    d_model) for a part without heads, or what broadcasts to it"""
    part = Part.OUTPUT if isinstance(edit.target, Elsewhere) else part_of(edit.target)
    match edit.source:
        case FromCapture(capture):
            values = context.tensor(captured(inputs, capture, part))
            values = values if _every_token(edit.target, part) else values[:, :, None]
            if isinstance(edit.target, Elsewhere) or values.dim() == 5:
                return values
            return by_layer(values, bound(edit.target.sites), part, context.model.facts)
        case FromMean() as source:
            return context.activations.get(
                (context.model.key, source), lambda: (context.tensor(mean(inputs, source)),)
            )[0][:, None]
        case FromZero():
            axes = 4 if part in PER_HEAD else 3
            return torch.zeros(len(context.layers), *(1,) * axes, device=context.model.device)
        case _ as other:
            assert_never(other)


def _every_token(target: At | Elsewhere, part: Part) -> bool:
    """Whether what a target is set to has an axis of tokens."""
    return isinstance(target, Elsewhere) or target.at is None or part in SHARED


def by_layer(values: Tensor, sites: Iterable[Site], part: Part, facts: ModelFacts) -> Mapping[int, Tensor]:
    """Values of some sites (site, prompt, token, d_head or d_model) by layer, of a per-head part as values of all its
    heads, zero where there is none. -> (prompt, token, head or key/value head, d_head), or (prompt, token, d_model)"""
    if part not in PER_HEAD:
        return {site.layer: value for value, site in zip(values, sites, strict=True)}
    count, index = (facts.key_value_heads, facts.key_value_head) if part in SHARED else (facts.heads, int)
    layers: dict[int, Tensor] = {}
    for value, site in zip(values, sites, strict=True):
        all_heads = layers.setdefault(site.layer, value.new_zeros(*value.shape[:-1], count, value.shape[-1]))
        all_heads[..., index(site.head), :] = value
    return layers
