"""Capture and SumOutputs: what stands at sites in a clean run, at one token per prompt or at every token, or summed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from entrack.engine.context import Context
from entrack.engine.inputs import Arrays, Inputs, bound
from entrack.engine.tracing import Read
from entrack.model_config import ModelFacts
from entrack.plan.steps import Capture, SumOutputs
from entrack.sites import PER_HEAD, SHARED, Part, Site

NAMES = {
    Part.OUTPUT: "a head output",
    Part.ATTENTION: "an attention output",
    Part.MLP: "an MLP output",
    Part.RESIDUAL: "the residual stream",
}


def capture(context: Context, step: Capture, inputs: Inputs) -> Arrays:
    """-> one array, called like the part, float32 (layer, prompt, token, head, d_head) or as `Capture` says"""
    sites = None if step.sites is None else bound(step.sites)
    layers = context.layers if sites is None else sorted({site.layer for site in sites})
    values = _clean(context, step, layers)
    found = (
        torch.stack([values[layer] for layer in layers])
        if sites is None
        else _of(values, sites, step.model.facts, step.part)
    )
    return {step.part.value: found.float().cpu().numpy()}


def _clean(context: Context, step: Capture, layers: Iterable[int]) -> Mapping[int, Tensor]:
    """The part of these layers in a clean run: the outputs of heads at a token are those of a run that is shared."""
    if step.part is Part.OUTPUT and step.at is not None:
        return dict(enumerate(context.clean_at(step.batch, step.at).z))
    at = None if step.at is None else context.tensor(step.at)
    reads = [Read(Site(layer, step.part), at) for layer in layers]
    values = context.forward(step.batch, reads=reads, logits=False).values if reads else {}
    _check(context, values)
    return {site.layer: value for site, value in values.items()}


def _of(values: Mapping[int, Tensor], sites: Sequence[Site], facts: ModelFacts, part: Part) -> Tensor:
    """The values (prompt, ..., head or key/value head, d_head), or (prompt, ..., d_model), of layers, of each site. ->
    (site, prompt, ..., d_head or d_model)"""
    index = facts.key_value_head if part in SHARED else int
    rows = [values[site.layer][..., index(site.head), :] if part in PER_HEAD else values[site.layer] for site in sites]
    return torch.stack(rows) if rows else torch.empty(0)


def _check(context: Context, values: Mapping[Site, Tensor]) -> None:
    for site, value in values.items():
        context.check(value, site.layer, NAMES.get(site.part, f"a {site.part.value}"))


def sum_outputs(context: Context, step: SumOutputs, inputs: Inputs) -> Arrays:
    """-> `sum` float64 (layer, token, head, d_head) or (layer, token, d_model), `count` int64 ()"""
    sites = [Site(layer, step.part) for layer in context.layers]
    values = context.forward(step.batch, reads=map(Read, sites)).values
    _check(context, values)
    total = torch.stack([values[site].sum(dim=0, dtype=torch.float64) for site in sites])
    return {"sum": total.cpu().numpy(), "count": np.array(step.batch.prompts, dtype=np.int64)}
