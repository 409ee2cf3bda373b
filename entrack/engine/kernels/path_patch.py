"""PathPatch: the two passes of a hop for each sender of a layer (docs/semantics.md)."""

from __future__ import annotations

from torch import Tensor

from entrack.engine.context import Context
from entrack.engine.inputs import Arrays, Inputs, captured, senders
from entrack.engine.outcomes import Outcomes
from entrack.engine.receivers import receive, receiving
from entrack.engine.tracing import Read
from entrack.engine.writes import Write
from entrack.plan.steps import PathPatch, Statistic
from entrack.sites import Part, Site


def path_patch(context: Context, step: PathPatch, inputs: Inputs) -> Arrays:
    """-> `top` int64 (sender, prompt); `logit`, `log_probability` float32 (sender, prompt, k); and statistics"""
    asked = context.tensor(step.asked)
    clean = context.clean_logits(step.batch) if Statistic.KL_FROM_CLEAN in step.also else None
    several = []
    for sender in senders(step):
        logits = _patched_logits(context, step, inputs, sender)
        context.check_logits(step.batch, logits)
        several.append(Outcomes.of(logits, asked, step.also, clean))
    return Outcomes.stack(several).arrays()


def _patched_logits(context: Context, step: PathPatch, inputs: Inputs, sender: int) -> Tensor:
    """The two passes of docs/semantics.md for one sender. -> (prompt, vocabulary)"""
    batch, at = step.batch, context.tensor(step.at)
    clean, token = context.clean_heads(batch), context.tensor(range(batch.length))
    here, since = token == at[:, None], token >= at[:, None]
    hold = [Write(Site(layer, Part.OUTPUT), since[:, :, None, None], clean[layer]) for layer in context.layers]
    send = _sent(context, step, here, context.tensor(captured(inputs, step.alternate, step.part)), sender)
    if not step.receivers:
        return context.logits(batch, [*hold, send])
    receivers = receiving(step.receivers, context.model.facts)
    read = context.forward(batch, [*hold, send], [Read(site, at, computed=True) for site in receivers]).values
    takes = [receive(context.model, site, heads, here, read[site]) for site, heads in receivers.items()]
    return context.logits(batch, takes)


def _sent(context: Context, step: PathPatch, here: Tensor, alternate: Tensor, sender: int) -> Write:
    """What is set in the first pass: one head, or the MLP, to the alternate's, `here`, bool (prompt, token).
    `alternate` is (layer, prompt, head, d_head) or (layer, prompt, d_model)."""
    values = alternate[step.layer][:, None]
    if step.part is not Part.OUTPUT:
        return Write(step.site, here[..., None], values)
    named = context.tensor(range(context.model.facts.heads))[:, None] == sender
    return Write(step.site, here[:, :, None, None] & named, values)
