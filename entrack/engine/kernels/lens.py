"""Lens: a forward pass with edits in force, the final norm and unembedding of the residual stream before each layer,
and what the model itself says."""

from __future__ import annotations

import torch
from torch import Tensor

from entrack.engine.context import Context
from entrack.engine.inputs import Arrays, Inputs
from entrack.engine.kernels.evaluate import Changes
from entrack.engine.outcomes import Outcomes
from entrack.engine.tracing import Read
from entrack.plan.steps import Lens, Statistic
from entrack.sites import Part, Site


def lens(context: Context, step: Lens, inputs: Inputs) -> Arrays:
    """-> `top` int64 (layer + 1, prompt); `logit`, `log_probability` float32 (layer + 1, prompt, k); and statistics"""
    changes, at = Changes.of(context, step, inputs), context.tensor(step.at)
    sites = [Site(layer, Part.RESIDUAL) for layer in context.layers]
    reads = [Read(site, at) for site in sites]
    ran = context.forward(step.batch, changes.sets, reads, blocked=changes.blocked, logits=False)
    said = _said(context, step, changes)
    clean = _said(context, step, Changes([], {})) if _needs_clean(step) else said
    asked, several = context.tensor(step.asked), []
    for layer, logits in enumerate((*(context.model.unembedded(ran.values[site]) for site in sites), said)):
        context.check_finite(logits, layer, "a logit lens")
        several.append(Outcomes.of(logits, asked, step.also, clean))
    return Outcomes.stack(several).arrays()


def _needs_clean(step: Lens) -> bool:
    return bool(step.edits) and Statistic.KL_FROM_CLEAN in step.also


def _said(context: Context, step: Lens, changes: Changes) -> Tensor:
    """What the model says at the step's token of each prompt. -> (prompt, vocabulary)"""
    said: dict[int, Tensor] = {}
    for tokens, logits in context.logits_at(step.batch, sorted(set(step.at)), changes.sets, blocked=changes.blocked):
        said |= {prompt: logits[prompt, tokens.index(at)] for prompt, at in enumerate(step.at) if at in tokens}
    return torch.stack([said[prompt] for prompt in range(step.batch.prompts)])
