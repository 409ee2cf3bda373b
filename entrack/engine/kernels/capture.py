"""Capture, CaptureInputs and SumOutputs: what heads give and read in a clean run, at one token per prompt or at all,
or summed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from entrack.engine.context import Context
from entrack.engine.inputs import Arrays, Inputs, bound
from entrack.engine.receivers import PARTS
from entrack.engine.tracing import Read
from entrack.families.places import SHARED, Part, Place
from entrack.model_config import ModelFacts
from entrack.plan.steps import Capture, CaptureInputs, SumOutputs
from entrack.sites import Head


def capture(context: Context, step: Capture, inputs: Inputs) -> Arrays:
    """-> `z` float32 (layer, prompt, head, d_head), or (head, prompt, d_head)"""
    z = context.clean_at(step.batch, step.at).z
    return {
        "z": (z if step.heads is None else _of(z, bound(step.heads), step.model.facts, Part.OUTPUT))
        .float()
        .cpu()
        .numpy()
    }


def capture_inputs(context: Context, step: CaptureInputs, inputs: Inputs) -> Arrays:
    """-> `query` float32 (layer, prompt, head, d_head), or `key` or `value` float32 (layer, prompt, token, key/value
    head, d_head); or by head"""
    part = PARTS[step.component]
    at = None if part in SHARED else context.tensor(step.at)
    heads = None if step.heads is None else bound(step.heads)
    layers = context.layers if heads is None else sorted({head.layer for head in heads})
    reads = [Read(Place(layer, part), at) for layer in layers]
    values = context.forward(step.batch, reads=reads, logits=False).values if reads else {}
    for read in reads:
        context.check(values[read.place], read.place.layer, f"a {step.component.value}")
    found = (
        context.stack(values, part)
        if heads is None
        else _of({place.layer: value for place, value in values.items()}, heads, step.model.facts, part)
    )
    return {step.component.value: found.float().cpu().numpy()}


def _of(values: Tensor | Mapping[int, Tensor], heads: Sequence[Head], facts: ModelFacts, part: Part) -> Tensor:
    """The values (prompt, ..., head or key/value head, d_head) of a layer, of each head. -> (head, prompt, ...,
    d_head)"""
    index = facts.key_value_head if part in SHARED else int
    rows = [values[head.layer][..., index(head.head), :] for head in heads]
    return torch.stack(rows) if rows else torch.empty(0)


def sum_outputs(context: Context, step: SumOutputs, inputs: Inputs) -> Arrays:
    """-> `sum` float64 (layer, token, head, d_head), `count` int64 ()"""
    reads = [Read(Place(layer, Part.OUTPUT)) for layer in context.layers]
    values = context.forward(step.batch, reads=reads).values
    for read in reads:
        context.check(values[read.place], read.place.layer)
    total = torch.stack([values[read.place].sum(dim=0, dtype=torch.float64) for read in reads])
    return {"sum": total.cpu().numpy(), "count": np.array(step.batch.prompts, dtype=np.int64)}
