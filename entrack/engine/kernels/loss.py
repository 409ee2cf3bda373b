"""Loss: one forward pass with edits in force, read at the token before each that is wanted."""

from __future__ import annotations

import torch

from entrack.engine.context import Context
from entrack.engine.inputs import Arrays, Inputs
from entrack.engine.kernels.evaluate import Changes
from entrack.plan.steps import Loss


def loss(context: Context, step: Loss, inputs: Inputs) -> Arrays:
    """-> `loss` float32 (prompt), in nats"""
    changes = Changes.of(context, step, inputs)
    before = sorted({token - 1 for tokens in step.tokens for token in tokens})
    logits = context.logits(
        step.batch, changes.sets, blocked=changes.blocked, logits_at=context.tensor(tuple(before))
    ).float()  # (prompt, token before, vocabulary)
    context.check_logits(step.batch, logits.flatten(1))
    means = []
    for prompt, tokens in enumerate(step.tokens):
        rows = logits[prompt, [before.index(token - 1) for token in tokens]].log_softmax(-1)
        own = context.tensor([step.batch.tokens[prompt][token] for token in tokens])
        means.append(-rows.gather(-1, own[:, None]).mean())
    return {"loss": torch.stack(means).clamp(min=0).cpu().numpy()}
