"""Path patching, for all senders of a layer at once. A row is one (sender, prompt) whose change is not exactly
nothing; the other outcomes are the clean ones, bit for bit.

Sent: every head from the position on is held, so the sender's change meets norms and MLPs only, and only at one token:
a chain of length one, with the attentions replaced by their clean output, to which a head adds its change; an MLP that
sends is set.

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
from entrack.engine.receivers import receive, receiving, seen_at, seen_by
from entrack.engine.tracing import Read, ResumeAt
from entrack.engine.writes import Write
from entrack.plan.schedule import ForwardPass, From, Role
from entrack.plan.steps import PathPatch
from entrack.plan.steps.hop import reaches_nothing
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
    if sent is None or reaches_nothing(step, [step.site]):
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


@frozen(eq=False)
class _Patch:
    """One path patching step made ready.

    `given` (sender, prompt, d_model) is what the senders' attention gives instead, or their MLP; `sender`, a number
    among the senders, and `prompt` (row) are the rows to run.
    """

    context: Context
    step: PathPatch
    sent: ForwardPass
    received: ForwardPass | None
    receivers: Places
    here: RunAtTokens
    given: Tensor
    sender: Tensor
    prompt: Tensor

    @classmethod
    def of(cls, context: Context, step: PathPatch, inputs: Inputs, here: RunAtTokens) -> _Patch:
        sent, received = context.schedule.run(Role.SENT), context.schedule.run(Role.RECEIVED)
        assert sent is not None  # else nothing changes
        alternate = context.tensor(captured(inputs, step.alternate, step.part))[step.layer]
        given, moved = (
            _by_heads(context, step, here, alternate) if step.part is Part.OUTPUT else _by_mlp(step, here, alternate)
        )
        if received is None:
            moved &= context.tensor(step.at) == step.batch.length - 1
        sender, prompt = moved.nonzero(as_tuple=True)
        facts = context.model.facts
        receivers = {
            site: heads for site, heads in receiving(step.receivers, facts).items() if facts.reaches(step.site, site)
        }
        return cls(context, step, sent, received, receivers, here, given, sender, prompt)

    def logits(self, sender: Tensor, prompt: Tensor) -> Tensor:
        """What the model says when these rows' change is made. -> (row, vocabulary)"""
        if self.received is None:
            return self._send(sender, prompt).logits
        seen = self._send(sender, prompt, set(map(seen_at, self.receivers))).values
        return self._receive(
            self.received, prompt, {site: seen_by(self.context.model, site, seen) for site in self.receivers}
        )

    def _send(self, sender: Tensor, prompt: Tensor, sites: Collection[Site] = ()) -> tracing.Trace:
        """The first pass, at one token. -> the `sites`, (row, 1, d_model) each, or the logits if there are none"""
        here, model, given = self.here, self.context.model, self.given[sender, prompt, None]
        held = {layer: here.attention[layer, prompt, None] for layer in self.sent.layers}
        sets = []
        if self.step.part is Part.OUTPUT:
            held[self.step.layer] = given
        else:
            sets = [Write(self.step.site, torch.ones(1, 1, 1, dtype=torch.bool, device=model.device), given)]
        whole = self.step.batch.prompts * self.step.batch.length * model.facts.layers
        self.context.forwards += len(prompt) * len(self.sent.layers) / whole
        return tracing.forward(
            model,
            torch.zeros(len(prompt), 1, dtype=torch.int64),
            start=ResumeAt(self.sent.first, here.residual[self.sent.first, prompt, None]),
            held=held,
            sets=sets,
            reads=[Read(site, computed=True) for site in sites],
            logits=not sites,
        )

    def _receive(self, received: ForwardPass, prompt: Tensor, read: Mapping[Site, Tensor]) -> Tensor:
        """The second pass: the receivers take what was `read`, (row, head, d_head) or (row, d_model) each. -> (row,
        vocabulary)"""
        batch, at = self.step.batch, self.context.tensor(self.step.at)
        starts = received.tokens.at if isinstance(received.tokens, From) else (0,) * batch.prompts
        since = starts[int(prompt[0])]  # of one group, which starts together
        here = self.context.tensor(range(since, batch.length)) == at[prompt, None]
        sets = [receive(self.context.model, site, self.receivers[site], here, read[site]) for site in read]
        cut = PrefixSpec(batch, min(starts), max(starts), (received.first,))
        return PrefixCache.of(self.context, cut).go_on(self.context, received.first, since, prompts=prompt, sets=sets)


def _by_heads(context: Context, step: PathPatch, here: RunAtTokens, alternate: Tensor) -> tuple[Tensor, Tensor]:
    """What the attention gives when each head gives the alternate's z (prompt, head, d_head), and whether that is
    anything else. -> (sender, prompt, d_model), bool (sender, prompt)"""
    weight = context.model.by_head(Part.OUTPUT, context.model.output_weight(step.layer).float())
    change = torch.einsum("phd,ohd->hpo", alternate - here.z[step.layer].float(), weight)[context.tensor(senders(step))]
    return (here.attention[step.layer].float() + change).to(context.model.dtype), change.ne(0).any(-1)


def _by_mlp(step: PathPatch, here: RunAtTokens, alternate: Tensor) -> tuple[Tensor, Tensor]:
    """What the MLP gives, (prompt, d_model), and whether that is anything else. -> (sender, prompt, d_model), bool
    (sender, prompt)"""
    clean, many = here.mlp[step.layer], len(senders(step))
    given = alternate.to(clean.dtype).expand(many, *alternate.shape)
    return given, given.ne(clean).any(-1)
