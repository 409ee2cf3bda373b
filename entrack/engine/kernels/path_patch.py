"""PathPatch: the two passes of a hop for each sender of a layer (docs/semantics.md)."""

from __future__ import annotations

from torch import Tensor

from entrack.engine.context import Context
from entrack.engine.inputs import Arrays, Inputs, captured, senders
from entrack.engine.outcomes import Outcomes
from entrack.engine.receivers import among, receiving
from entrack.engine.tracing import Read, Write
from entrack.plan.steps import PathPatch, Statistic
from entrack.sites import Part, Site


def path_patch(context: Context, step: PathPatch, inputs: Inputs) -> Arrays:
    """-> `top` int64 (sender, prompt); `logit`, `log_probability` float32 (sender, prompt, k); and statistics"""
    asked = context.tensor(step.asked)
    clean = context.clean_logits(step.batch) if Statistic.KL_FROM_CLEAN in step.also else None
    several = []
    for head in senders(step):
        logits = _patched_logits(context, step, inputs, head)
        context.check_logits(step.batch, logits)
        several.append(Outcomes.of(logits, asked, step.also, clean))
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
        Write(site, here & among(context.model, site, heads), read[site][:, None]) for site, heads in receivers.items()
    ]
    return context.logits(batch, receive)
