"""Loss: a forward pass with edits in force, read at the token before each that is wanted."""

from __future__ import annotations

import torch

from entrack.engine.context import Context
from entrack.engine.inputs import Arrays, Inputs
from entrack.engine.kernels.evaluate import Changes
from entrack.plan.steps import Loss


def loss(context: Context, step: Loss, inputs: Inputs) -> Arrays:
    """-> `loss` float32 (prompt), in nats"""
    changes, own = Changes.of(context, step, inputs), context.tokens(step.batch)
    losses = torch.zeros(own.shape, device=own.device)
    before = sorted({token - 1 for tokens in step.tokens for token in tokens})
    for tokens, logits in context.logits_at(step.batch, before, changes.sets, blocked=changes.blocked):
        context.check_logits(step.batch, logits.flatten(1))
        after = context.tensor(tokens) + 1
        losses[:, after] = -logits.float().log_softmax(-1).gather(-1, own[:, after, None])[..., 0]
    means = [losses[prompt, list(tokens)].mean() for prompt, tokens in enumerate(step.tokens)]
    return {"loss": torch.stack(means).clamp(min=0).cpu().numpy()}
