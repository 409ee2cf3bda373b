"""Lens: one forward pass with edits in force, and the final norm and unembedding of the residual stream before each
layer."""

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
    kept, place = torch.unique(at, return_inverse=True)
    ran = context.forward(
        step.batch, changes.sets, [Read(site, at) for site in sites], blocked=changes.blocked, logits_at=kept
    )
    said = _at(ran.logits, place)
    clean = _at(context.logits(step.batch, logits_at=kept), place) if _needs_clean(step) else said
    asked, several = context.tensor(step.asked), []
    for layer, logits in enumerate((*(context.model.unembedded(ran.values[site]) for site in sites), said)):
        context.check(logits, layer, "a logit lens")
        several.append(Outcomes.of(logits, asked, step.also, clean))
    return Outcomes.stack(several).arrays()


def _needs_clean(step: Lens) -> bool:
    return bool(step.edits) and Statistic.KL_FROM_CLEAN in step.also


def _at(logits: Tensor, place: Tensor) -> Tensor:
    """Of logits (prompt, token, vocabulary) those at one token of each prompt. -> (prompt, vocabulary)"""
    return logits[torch.arange(len(place), device=place.device), place]
