"""Path patching, for all senders of a layer at once. A row is one (head, prompt) whose change is not exactly nothing;
the other outcomes are the clean ones, bit for bit.

Sent: every head from the position on is held, so the sender's change meets norms and MLPs only, and only at one token:
a chain of length one, with the attentions replaced by their clean output.

Received: nothing changes below the lowest receiver or before the first position, so the pass starts at that layer and
token, on the clean residual, keys and values.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import torch
from attrs import frozen
from torch import Tensor

from entrack.engine import tracing
from entrack.engine.context import Context, RunAtTokens
from entrack.engine.inputs import Arrays, Inputs, captured, senders
from entrack.engine.kernels.path_patch import path_patch as reference
from entrack.engine.microbatch import in_chunks
from entrack.engine.outcomes import Outcomes
from entrack.engine.prefix_cache import PrefixCache, PrefixSpec
from entrack.engine.receivers import among, receiving
from entrack.engine.tracing import Read, ResumeAt, Write
from entrack.plan.schedule import ForwardPass, From, Role
from entrack.plan.steps import PathPatch
from entrack.sites import Part, Site

Places = Mapping[Site, tuple[int, ...]]


def path_patch(context: Context, step: PathPatch, inputs: Inputs) -> Arrays:
    """-> `top` int64 (sender, prompt); `logit`, `log_probability` float32 (sender, prompt, k); and statistics"""
    sent = context.schedule.run(Role.SENT)
    if sent is not None and sent.attention:
        return reference(context, step, inputs)
    asked = context.tensor(step.asked)
    clean = context.clean_at(step.batch, step.at)
    context.check_logits(step.batch, clean.logits)
    outcomes = Outcomes.of(clean.logits, asked, step.also).repeated(len(senders(step)))
    if sent is None or not _reaches(sent, step):
        return outcomes.arrays()
    patch = _Patch.of(context, step, inputs, clean)

    def work(rows: Tensor) -> None:
        sender, prompt = patch.sender[rows], patch.prompt[rows]
        logits = patch.logits(sender, prompt)
        context.check_logits(step.batch, logits, prompt)
        outcomes.put((sender, prompt), Outcomes.of(logits, asked[prompt], step.also, clean.logits[prompt]))

    last = context.schedule.run(Role.RECEIVED) or sent
    for group in last.groups or (tuple(range(step.batch.prompts)),):
        rows = torch.isin(patch.prompt, context.tensor(group)).nonzero()[:, 0]
        in_chunks(rows, last.at_once or len(patch.sender), work)
    return outcomes.arrays()


def _reaches(sent: ForwardPass, step: PathPatch) -> bool:
    """Whether the senders' layer is below a receiver's, or there are none but the logits."""
    return not step.receivers or any(step.model.facts.sends(step.layer, site.layer) for site in sent.read)


@frozen(eq=False)
class _Patch:
    """One path patching step made ready.

    `delta` (sender, prompt, d_model) is what a sender's change adds to its attention's output; `sender`, a site among
    the senders, and `prompt` (row) are the rows to run.
    """

    context: Context
    step: PathPatch
    sent: ForwardPass
    received: ForwardPass | None
    receivers: Places
    here: RunAtTokens
    delta: Tensor
    sender: Tensor
    prompt: Tensor

    @classmethod
    def of(cls, context: Context, step: PathPatch, inputs: Inputs, here: RunAtTokens) -> _Patch:
        sent, received = context.schedule.run(Role.SENT), context.schedule.run(Role.RECEIVED)
        assert sent is not None  # else nothing changes
        alternate = context.tensor(captured(inputs, step.alternate))
        delta = _delta(context, step.layer, alternate[step.layer] - here.z[step.layer].float())[
            context.tensor(senders(step))
        ]
        moved = delta.ne(0).any(-1)
        if received is None:
            moved &= context.tensor(step.at) == step.batch.length - 1
        sender, prompt = moved.nonzero(as_tuple=True)
        reached = {site.layer for site in sent.read if context.model.facts.sends(step.layer, site.layer)}
        receivers = {
            site: heads
            for site, heads in receiving(step.receivers, context.model.facts).items()
            if site.layer in reached
        }
        return cls(context, step, sent, received, receivers, here, delta, sender, prompt)

    def logits(self, sender: Tensor, prompt: Tensor) -> Tensor:
        """What the model says when these rows' change is made. -> (row, vocabulary)"""
        if self.received is None:
            return self._send(sender, prompt).logits
        normed = {site: Site(site.layer, Part.NORMED) for site in self.receivers}
        seen = self._send(sender, prompt, set(normed.values())).values
        project = self.context.model.project
        return self._receive(
            self.received, prompt, {site: project(site, seen[normed[site]]) for site in self.receivers}
        )

    def _send(self, sender: Tensor, prompt: Tensor, sites: Collection[Site] = ()) -> tracing.Trace:
        """The first pass, at one token. -> the `sites`, (row, 1, d_model) each, or the logits if there are none"""
        here, model, changed = self.here, self.context.model, self.step.layer
        held = {layer: here.attention[layer, prompt, None] for layer in self.sent.layers}
        held[changed] = (held[changed].float() + self.delta[sender, prompt, None]).to(model.dtype)
        whole = self.step.batch.prompts * self.step.batch.length * model.facts.layers
        self.context.forwards += len(prompt) * len(self.sent.layers) / whole
        return tracing.forward(
            model,
            torch.zeros(len(prompt), 1, dtype=torch.int64),
            start=ResumeAt(self.sent.first, here.residual[self.sent.first, prompt, None]),
            held=held,
            reads=[Read(site) for site in sites],
            logits=not sites,
        )

    def _receive(self, received: ForwardPass, prompt: Tensor, read: Mapping[Site, Tensor]) -> Tensor:
        """The second pass: the receivers take what was `read`, (row, 1, head, d_head) each. -> (row, vocabulary)"""
        batch, at = self.step.batch, self.context.tensor(self.step.at)
        starts = received.tokens.at if isinstance(received.tokens, From) else (0,) * batch.prompts
        since = starts[int(prompt[0])]  # of one group, which starts together
        here = self.context.tensor(range(since, batch.length)) == at[prompt, None]
        sets = [
            Write(site, here[:, :, None, None] & among(self.context.model, site, self.receivers[site]), read[site])
            for site in read
        ]
        cut = PrefixSpec(batch, min(starts), max(starts), (received.first,))
        return PrefixCache.of(self.context, cut).go_on(self.context, received.first, since, prompts=prompt, sets=sets)


def _delta(context: Context, layer: int, moved: Tensor) -> Tensor:
    """What a change of z (prompt, head, d_head) adds to the attention's output, by head. -> (head, prompt, d_model)"""
    weight = context.model.by_head(Part.OUTPUT, context.model.output_weight(layer).float())
    return torch.einsum("phd,ohd->hpo", moved, weight)
