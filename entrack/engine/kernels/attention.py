"""Attention: one forward pass with edits in force, by plain matrix products, which give the weights that fused ways
to compute attention do not."""

from __future__ import annotations

import torch
from torch import Tensor

from entrack.engine.context import Context
from entrack.engine.inputs import Arrays, Inputs
from entrack.engine.kernels.evaluate import Changes
from entrack.engine.tracing import Read
from entrack.plan.steps import Attention
from entrack.sites import Part, Site


def attention(context: Context, step: Attention, inputs: Inputs) -> Arrays:
    """-> `attention` float32 (layer, head, prompt)"""
    changes, reader = Changes.of(context, step, inputs), context.tensor(step.reader)
    reads = [Read(Site(layer, Part.ATTENTION), reader, weights=True) for layer in context.layers]
    with context.model.eager():
        ran = context.forward(step.batch, changes.sets, reads, blocked=changes.blocked, logits=False)
    read = _read(step).to(context.model.device)
    several = []
    for layer in context.layers:
        weights = ran.values[Site(layer, Part.ATTENTION)].float()  # (prompt, head, token read)
        context.check_finite(weights, layer, "an attention")
        several.append((weights * read[:, None]).sum(-1).T)
    return {"attention": torch.stack(several).cpu().numpy()}


def _read(step: Attention) -> Tensor:
    """Which tokens are read, each once. -> float32 (prompt, token)"""
    wanted = torch.zeros(step.batch.prompts, step.batch.length)
    for prompt, tokens in enumerate(step.read):
        wanted[prompt, list(tokens)] = 1
    return wanted
