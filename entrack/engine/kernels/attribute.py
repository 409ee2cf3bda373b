"""Attribute: what the path patch of each head or MLP would change, estimated from gradients (attribution patching;
docs/semantics.md).

The passes of a path patch with every sender a variable at once: at their token all heads give clean + a (alternate -
clean), all MLPs what they compute there, and a (alternate - clean) beside it; everything else is as in the two passes
of a hop. How an outcome moves with what each sender gives is one gradient, and

    estimate of a sender = gradient . (alternate - clean)        at a = 0, or its mean over points in between.

An asked word needs the gradient of its logit, and all of them together that of log sum exp of the logits, which makes
logits log probabilities.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from attrs import frozen
from torch import Tensor

from entrack.engine.context import Context
from entrack.engine.gradients import gradients
from entrack.engine.inputs import Arrays, Inputs, captured
from entrack.engine.receivers import receive, receiving
from entrack.engine.tracing import Read
from entrack.engine.writes import How, Write
from entrack.plan.steps import Attribute
from entrack.plan.steps.attribute import PREFIX
from entrack.sites import Part, Site

Given = Mapping[Part, Tensor]
"""Of each part that sends, in the layers (layer, row, ...): what heads give (head, d_head), or what is added to what
MLPs give (d_model)."""
Passes = Callable[[Given, Tensor], Tensor]
"""From what senders are given at their token, in the prompts (row), to the logits at the end of the hop (row,
vocabulary). Can be differentiated by what is given."""


def attribute(context: Context, step: Attribute, inputs: Inputs) -> Arrays:
    """-> as `Attribute` says"""
    prompts = context.tensor(range(step.batch.prompts))
    estimates = Estimates.of(context, step, {part: _clean(context, step, part) for part in step.senders}, inputs)
    estimates.put(prompts, lambda given, _: _two_passes(context, step, given))
    return estimates.arrays()


def _clean(context: Context, step: Attribute, part: Part) -> Tensor:
    """A part that sends, in a clean run, at the senders' token. -> (layer, prompt, ...)"""
    if part is Part.OUTPUT:
        return context.clean_heads(step.batch)[:, context.tensor(range(step.batch.prompts)), context.tensor(step.at)]
    return torch.stack(list(context.clean(step.batch, part, context.layers, step.at).values()))


def _two_passes(context: Context, step: Attribute, given: Given) -> Tensor:
    """Full passes of the whole batch. -> (prompt, vocabulary)"""
    at, token = context.tensor(step.at), context.tensor(range(step.batch.length))
    here, since = token == at[:, None], token >= at[:, None]
    clean, sites = context.clean_heads(step.batch), [Site(layer, Part.OUTPUT) for layer in context.layers]
    sets = [Write(site, since[:, :, None, None], clean[site.layer]) for site in sites]
    if Part.OUTPUT in given:
        sets += [Write(site, here[:, :, None, None], given[Part.OUTPUT][site.layer][:, None]) for site in sites]
    if Part.MLP in given:
        sets += [added(layer, here, given[Part.MLP][layer]) for layer in context.layers]
    receivers = receiving(step.receivers, context.model.facts)
    context.forwards += (2 if receivers else 1) * 2 * backwards(step)
    reads = [Read(site, at, computed=True) for site in receivers]
    sent = context.forward(step.batch, sets, reads, gradient=True)
    if not receivers:
        return sent.logits
    takes = [receive(context.model, site, heads, here, sent.values[site]) for site, heads in receivers.items()]
    return context.logits(step.batch, takes, gradient=True)


def added(layer: int, here: Tensor, more: Tensor) -> Write:
    """An MLP that gives `more` (row, d_model) than it computes, `here`, bool (row, token)."""
    return Write(Site(layer, Part.MLP), here[..., None], more[:, None], How.ADD)


def backwards(step: Attribute) -> int:
    """How many backward passes a point takes: one for each asked word, and one for all of them."""
    return len(step.asked[0]) + 1


def points(steps: int) -> tuple[float, ...]:
    """Where between clean (0) and alternate (1) gradients are taken: in the middles of equal parts, or at clean."""
    return tuple((part + 0.5) / steps for part in range(steps)) or (0.0,)


@frozen(eq=False)
class Estimates:
    """The estimates of a step, exactly 0 until they are put in.

    `start` is what senders are given in a clean run: what heads give, and nothing beside what MLPs compute; `change` is
    what the alternate adds to it, float32 (layer, prompt, ...) for each part; `moved` is how the logits asked for and
    log sum exp of all would move, float32 (k + 1, layer, prompt, ...), for each head or MLP.
    """

    context: Context
    step: Attribute
    start: Given
    change: Given
    moved: Given

    @classmethod
    def of(cls, context: Context, step: Attribute, clean: Given, inputs: Inputs) -> Estimates:
        """`clean` is what all senders give in a clean run."""
        captures = {Part.OUTPUT: step.alternate, Part.MLP: step.mlps}
        change = {
            part: context.tensor(captured(inputs, ref, part)) - clean[part].float()
            for part, ref in captures.items()
            if ref is not None
        }
        start = {
            part: clean[part].float() if part is Part.OUTPUT else torch.zeros_like(value)
            for part, value in change.items()
        }
        moved = {part: value.new_zeros(backwards(step), *value.shape[:-1]) for part, value in change.items()}
        return cls(context, step, start, change, moved)

    def put(self, prompts: Tensor, passes: Passes) -> None:
        """Estimate for these prompts. Raises NotFinite."""
        start, change = ({part: value[:, prompts] for part, value in of.items()} for of in (self.start, self.change))
        gradients = [
            self._gradients({part: start[part] + share * change[part] for part in start}, prompts, passes)
            for share in points(self.step.steps)
        ]
        for part in start:
            moved = (torch.stack([each[part] for each in gradients]).mean(0) * change[part]).sum(-1)
            bad = ~moved.isfinite()
            if bad.any():
                _, layer, row, *_ = bad.nonzero()[0].tolist()
                raise self.context.not_finite(layer, int(prompts[row]), "a gradient")
            self.moved[part][:, :, prompts] = moved

    def arrays(self) -> Arrays:
        """-> as `Attribute` says"""
        return {name: array for part, moved in self.moved.items() for name, array in _arrays(part, moved).items()}

    def _gradients(self, given: Given, prompts: Tensor, passes: Passes) -> Given:
        """-> float32 (k + 1, layer, row, ...), for each part"""
        with torch.enable_grad():
            given = {part: value.detach().requires_grad_() for part, value in given.items()}
            logits = passes(given, prompts).float()
            self.context.check_logits(self.step.batch, logits, prompts)
            outcomes = [
                *logits.gather(1, self.context.tensor(self.step.asked)[prompts]).unbind(1),
                logits.logsumexp(-1),
            ]
            by, dtype = tuple(given.values()), self.context.model.dtype
            found = [gradients(outcome, by, dtype, again=True) for outcome in outcomes]
            return {part: torch.stack(each) for part, each in zip(given, zip(*found, strict=True), strict=True)}


def _arrays(part: Part, moved: Tensor) -> Arrays:
    """`moved` (k + 1, layer, prompt, ...) as `logit`, `log_probability` float32 (layer, ..., prompt, k)"""
    moved = moved.moveaxis((2, 0), (-2, -1))
    logit, whole = moved[..., :-1], moved[..., -1:]
    return {
        f"{PREFIX[part]}logit": logit.contiguous().cpu().numpy(),
        f"{PREFIX[part]}log_probability": (logit - whole).cpu().numpy(),
    }
