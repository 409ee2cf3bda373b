"""The reference executor: one full forward pass per variant. Slow and obviously right; every faster way must equal
it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from entrack.engine.context import Context
from entrack.engine.inputs import Arrays, Inputs, captured, senders
from entrack.engine.kernels.attribute import attribute
from entrack.engine.kernels.capture import capture, sum_outputs
from entrack.engine.kernels.evaluate import evaluate
from entrack.engine.kernels.train_mask import train_mask
from entrack.engine.outcomes import Outcomes
from entrack.engine.receivers import receiving
from entrack.engine.tracing import Read, Write
from entrack.plan.steps import Attribute, Capture, Evaluate, PathPatch, SumOutputs, TrainMask
from entrack.sites import Part, Site


def path_patch(context: Context, step: PathPatch, inputs: Inputs) -> Arrays:
    """-> `top` int64 (sender, prompt); `logit`, `log_probability` float32 (sender, prompt, k)"""
    asked = context.tensor(step.asked)
    several = []
    for head in senders(step):
        logits = _patched_logits(context, step, inputs, head)
        context.check_logits(step.batch, logits)
        several.append(Outcomes.of(logits, asked))
    return Outcomes.stack(several).arrays()


def _patched_logits(context: Context, step: PathPatch, inputs: Inputs, head: int) -> Tensor:
    """The two passes of docs/semantics.md for one sender. -> (prompt, vocabulary)"""
    batch, facts = step.batch, context.model.facts
    clean = context.clean_heads(batch)
    alternate = context.tensor(captured(inputs, step.alternate))[:, :, None]
    at = context.tensor(step.at)
    token = context.tensor(range(batch.length))[None, :, None, None]
    is_sender = context.tensor(range(facts.heads))[None, None, :, None] == head
    here = token == at[:, None, None, None]

    hold = [Write(Site(layer, Part.OUTPUT), token >= at[:, None, None, None], clean[layer]) for layer in context.layers]
    send = Write(Site(step.layer, Part.OUTPUT), here & is_sender, alternate[step.layer])
    if not step.receivers:
        return context.logits(batch, [*hold, send])

    receivers = receiving(step.receivers, facts)
    read = context.forward(batch, [*hold, send], [Read(site, at) for site in receivers]).values
    receive = [
        Write(site, here & _among(context, heads, context.model.heads(site.part)), read[site][:, None])
        for site, heads in receivers.items()
    ]
    return context.logits(batch, receive)


def _among(context: Context, heads: tuple[int, ...], count: int) -> Tensor:
    return context.tensor([head in heads for head in range(count)])[None, None, :, None]


Kernel = Callable[[Context, Any, Inputs], Arrays]
"""A kernel takes the kind of step it stands beside in a table."""

KERNELS: Mapping[type, Kernel] = {
    Capture: capture,
    SumOutputs: sum_outputs,
    Evaluate: evaluate,
    PathPatch: path_patch,
    Attribute: attribute,
    TrainMask: train_mask,
}
