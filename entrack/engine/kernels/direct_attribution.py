"""Direct attribution: a forward pass with edits in force, and what each part writes to the residual stream times what a
logit reads there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from entrack.engine.context import Context
from entrack.engine.inputs import Arrays, Inputs
from entrack.engine.kernels.evaluate import Changes
from entrack.engine.tracing import Read
from entrack.engine.writes import Write
from entrack.plan.steps import DirectAttribution
from entrack.sites import STREAM, Part, Site

EMBEDDED = Site(0, Part.RESIDUAL)
WRITERS = (Part.ATTENTION, Part.MLP)


def direct_attribution(context: Context, step: DirectAttribution, inputs: Inputs) -> Arrays:
    """-> `output` float32 (layer, head, prompt, k); `attention`, `mlp` float32 (layer, prompt, k); `embedding`, `bias`
    float32 (prompt, k)"""
    changes, last = Changes.of(context, step, inputs), Site(context.layers[-1], Part.POST)
    sites = [EMBEDDED, last, *(Site(layer, part) for layer in context.layers for part in (Part.OUTPUT, *WRITERS))]
    at = context.tensor(step.at)
    reads = [Read(site, at) for site in sites]
    ran = context.forward(step.batch, changes.sets, reads, blocked=changes.blocked, logits=False)
    values = {site: value.float() for site, value in ran.values.items()}
    along, bias = context.model.read_by(context.tensor(step.asked), values[last])
    embedded = _not_written(context, values, values[last]) if _changes_stream(changes.sets) else values[EMBEDDED]
    found = {
        "output": _by_layer(context, values, along, Part.OUTPUT).movedim(-1, 1),
        **{part.value: _by_layer(context, values, along, part) for part in WRITERS},
        "embedding": _product(along, embedded),
        "bias": bias,
    }
    return {name: value.cpu().numpy() for name, value in found.items()}


def _changes_stream(sets: Sequence[Write]) -> bool:
    """Whether an edit sets or adds something in the residual stream that neither embedding nor layers wrote."""
    return any(one.site.part in STREAM and one.site != EMBEDDED for one in sets)


def _not_written(context: Context, values: Mapping[Site, Tensor], final: Tensor) -> Tensor:
    """What stands in the last residual stream that no attention or MLP wrote. -> (prompt, d_model)"""
    return final - sum(values[Site(layer, part)] for layer in context.layers for part in WRITERS)


def _by_layer(context: Context, values: Mapping[Site, Tensor], along: Tensor, part: Part) -> Tensor:
    """What a part of each layer adds to logits. -> (layer, prompt, k), of heads (layer, prompt, k, head)"""
    several = []
    for layer in context.layers:
        value = values[Site(layer, part)]
        added = _of_heads(context, layer, value, along) if part is Part.OUTPUT else _product(along, value)
        context.check_finite(added, layer, "a direct logit attribution")
        several.append(added)
    return torch.stack(several)


def _of_heads(context: Context, layer: int, z: Tensor, along: Tensor) -> Tensor:
    """What heads (prompt, head, d_head) add to logits. -> (prompt, k, head)"""
    read = context.model.by_head(Part.OUTPUT, along @ context.model.output_weight(layer).float())
    return (read * z[:, None]).sum(-1)


def _product(along: Tensor, value: Tensor) -> Tensor:
    """What vectors (prompt, d_model) add to logits. -> (prompt, k)"""
    return (along @ value[..., None])[..., 0]
