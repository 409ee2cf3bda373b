"""Attribute: what the path patch of each head would change, estimated from gradients (attribution patching;
docs/semantics.md).

The passes of a path patch with every sender a variable at once: at their token all heads give clean + a (alternate -
clean), everything else is as in the two passes of a hop. How an outcome moves with each head's output is one gradient,
and

    estimate of a head = gradient . (alternate - clean)        at a = 0, or its mean over points in between.

An asked word needs the gradient of its logit, and all of them together that of log sum exp of the logits, which makes
logits log probabilities.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from attrs import frozen
from torch import Tensor

from entrack.engine.context import Context
from entrack.engine.errors import NotFinite
from entrack.engine.inputs import Arrays, Inputs, captured
from entrack.engine.receivers import among, receiving
from entrack.engine.tracing import Read, Write
from entrack.plan.steps import Attribute
from entrack.sites import Part, Site

Passes = Callable[[Tensor, Tensor], Tensor]
"""From what the heads of all layers give at their token (layer, row, head, d_head), in the prompts (row), to the
logits at the end of the hop (row, vocabulary). Can be differentiated by what they give."""


def attribute(context: Context, step: Attribute, inputs: Inputs) -> Arrays:
    """-> `logit`, `log_probability` float32 (layer, head, prompt, k)"""
    prompts = context.tensor(range(step.batch.prompts))
    z = context.clean_heads(step.batch)[:, prompts, context.tensor(step.at)].float()
    estimates = Estimates.of(context, step, z, context.tensor(captured(inputs, step.alternate)) - z)
    estimates.put(prompts, lambda given, _: _two_passes(context, step, given))
    return estimates.arrays()


def _two_passes(context: Context, step: Attribute, given: Tensor) -> Tensor:
    """Full passes of the whole batch. -> (prompt, vocabulary)"""
    at, token = context.tensor(step.at), context.tensor(range(step.batch.length))[None, :, None, None]
    here, since = token == at[:, None, None, None], token >= at[:, None, None, None]
    clean, sites = context.clean_heads(step.batch), [Site(layer, Part.OUTPUT) for layer in context.layers]
    hold = [Write(site, since, clean[site.layer]) for site in sites]
    send = [Write(site, here, given[site.layer][:, None]) for site in sites]
    receivers = receiving(step.receivers, context.model.facts)
    context.forwards += (2 if receivers else 1) * 2 * backwards(step)
    sent = context.forward(step.batch, [*hold, *send], [Read(site, at) for site in receivers], gradient=True)
    if not receivers:
        return sent.logits
    receive = [
        Write(site, here & among(context.model, site, heads), sent.values[site][:, None])
        for site, heads in receivers.items()
    ]
    return context.logits(step.batch, receive, gradient=True)


def backwards(step: Attribute) -> int:
    """How many backward passes a point takes: one for each asked word, and one for all of them."""
    return len(step.asked[0]) + 1


def points(steps: int) -> tuple[float, ...]:
    """Where between clean (0) and alternate (1) gradients are taken: in the middles of equal parts, or at clean."""
    return tuple((part + 0.5) / steps for part in range(steps)) or (0.0,)


@frozen(eq=False)
class Estimates:
    """The estimates of a step, exactly 0 until they are put in.

    `z` is what heads give in a clean run and `change` what the alternate adds to it, float32 (layer, prompt, head,
    d_head); `moved` is how the logits asked for and log sum exp of all would move, float32 (k + 1, layer, prompt,
    head).
    """

    context: Context
    step: Attribute
    z: Tensor
    change: Tensor
    moved: Tensor

    @classmethod
    def of(cls, context: Context, step: Attribute, z: Tensor, change: Tensor) -> Estimates:
        return cls(context, step, z, change, z.new_zeros(backwards(step), *z.shape[:-1]))

    def put(self, prompts: Tensor, passes: Passes) -> None:
        """Estimate for these prompts. Raises NotFinite."""
        z, change = self.z[:, prompts], self.change[:, prompts]
        gradients = [self._gradients(z + share * change, prompts, passes) for share in points(self.step.steps)]
        moved = (torch.stack(gradients).mean(0) * change).sum(-1)
        bad = ~moved.isfinite()
        if bad.any():
            _, layer, row, _ = bad.nonzero()[0].tolist()
            raise NotFinite(type(self.step).__name__, layer, int(prompts[row]), "a gradient")
        self.moved[:, :, prompts] = moved

    def arrays(self) -> Arrays:
        """-> `logit`, `log_probability` float32 (layer, head, prompt, k)"""
        moved = self.moved.permute(1, 3, 2, 0)
        logit, whole = moved[..., :-1], moved[..., -1:]
        return {"logit": logit.contiguous().cpu().numpy(), "log_probability": (logit - whole).cpu().numpy()}

    def _gradients(self, given: Tensor, prompts: Tensor, passes: Passes) -> Tensor:
        """-> float32 (k + 1, layer, row, head, d_head)"""
        with torch.enable_grad():
            given = given.detach().requires_grad_()
            logits = passes(given, prompts).float()
            self.context.check_logits(self.step.batch, logits, prompts)
            outcomes = [
                *logits.gather(1, self.context.tensor(self.step.asked)[prompts]).unbind(1),
                logits.logsumexp(-1),
            ]
            return torch.stack(
                [torch.autograd.grad(outcome.sum(), given, retain_graph=True)[0] for outcome in outcomes]
            )
