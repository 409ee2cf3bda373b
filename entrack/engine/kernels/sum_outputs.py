"""SumOutputs: a part of each layer in a clean run, summed over the prompts of a batch."""

from __future__ import annotations

import numpy as np
import torch

from entrack.engine.context import Context
from entrack.engine.inputs import Arrays, Inputs
from entrack.engine.settings import exact
from entrack.engine.tracing import Read
from entrack.plan.steps import SumOutputs
from entrack.sites import Site


def sum_outputs(context: Context, step: SumOutputs, inputs: Inputs) -> Arrays:
    """-> `sum` float64 (layer, token, head, d_head) or (layer, token, d_model or d_mlp), `count` int64 ()"""
    sites = [Site(layer, step.part) for layer in context.layers]
    values = context.forward(step.batch, reads=map(Read, sites)).values
    for site, value in values.items():
        context.check(value, site.layer, step.part)
    total = torch.stack([exact(values[site]).sum(dim=0, dtype=torch.float64) for site in sites])
    return {"sum": total.cpu().numpy(), "count": np.array(step.batch.prompts, dtype=np.int64)}
