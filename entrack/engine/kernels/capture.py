"""Capture: what stands at sites in a clean run, at one token per prompt, at some, or at every token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from entrack.engine.context import Context
from entrack.engine.inputs import Arrays, Inputs, bound
from entrack.model_config import ModelFacts
from entrack.plan.steps import Capture
from entrack.sites import PER_HEAD, SHARED, Part, Site


def capture(context: Context, step: Capture, inputs: Inputs) -> Arrays:
    """-> one array, called like the part, float32 (layer, prompt, token, head, d_head) or as `Capture` says"""
    sites = None if step.sites is None else bound(step.sites)
    layers = context.layers if sites is None else sorted({site.layer for site in sites})
    values = context.clean(step.batch, step.part, layers, step.at)
    for layer, value in values.items():
        context.check(value, layer, step.part)
    found = (
        torch.stack([values[layer] for layer in layers])
        if sites is None
        else _of(values, sites, step.model.facts, step.part)
    )
    return {step.part.value: found.float().cpu().numpy()}


def _of(values: Mapping[int, Tensor], sites: Sequence[Site], facts: ModelFacts, part: Part) -> Tensor:
    """The values (prompt, ..., head or key/value head, d_head), or (prompt, ..., d_model or d_mlp), of layers, of each
    site. -> (site, prompt, ..., d_head or d_model or d_mlp, or 1 of one neuron)"""
    rows = [_at_site(values[site.layer], site, facts, part) for site in sites]
    return torch.stack(rows) if rows else torch.empty(0)


def _at_site(value: Tensor, site: Site, facts: ModelFacts, part: Part) -> Tensor:
    if part in PER_HEAD:
        return value[..., facts.key_value_head(site.head) if part in SHARED else site.head, :]
    return value if site.index is None else value[..., site.index, None]
