"""Attribution patching, for the senders of all layers at once: the two passes of a path patch, differentiated.

Sent: a chain of norms and MLPs at one token, where each attention gives its clean output and what its heads' changes
add, and each MLP what it computes and its own change. Received: the pass goes on from the lowest receiver's layer and
the first sender's token, on the clean residual, keys and values.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from attrs import frozen
from torch import Tensor

from entrack.engine import tracing
from entrack.engine.context import Context, RunAtTokens
from entrack.engine.inputs import Arrays, Inputs
from entrack.engine.kernels.attribute import Estimates, Given, added, backwards
from entrack.engine.kernels.attribute import attribute as reference
from entrack.engine.microbatch import in_chunks
from entrack.engine.prefix_cache import PrefixCache, PrefixSpec
from entrack.engine.receivers import receive, receiving, seen_at, seen_by
from entrack.engine.tracing import Read, ResumeAt
from entrack.plan.schedule import ForwardPass, From, Role
from entrack.plan.steps import Attribute
from entrack.sites import Part, Site


def attribute(context: Context, step: Attribute, inputs: Inputs) -> Arrays:
    """-> as `Attribute` says"""
    sent, received = context.schedule.run(Role.SENT), context.schedule.run(Role.RECEIVED)
    if sent is not None and sent.attention:
        return reference(context, step, inputs)
    here = context.clean_at(step.batch, step.at)
    context.check_logits(step.batch, here.logits)
    estimates = Estimates.of(context, step, {Part.OUTPUT: here.z, Part.MLP: here.mlp}, inputs)
    if sent is None:
        return estimates.arrays()
    passes = _Passes.of(context, step, here, sent, received)
    last = received or sent
    for group in last.groups or (passes.prompts,):
        in_chunks(
            context.tensor(group), last.at_once or len(group), lambda prompts: estimates.put(prompts, passes.logits)
        )
    return estimates.arrays()


@frozen(eq=False)
class _Passes:
    """One step made ready. `receivers` are those that some sender can reach."""

    context: Context
    step: Attribute
    here: RunAtTokens
    sent: ForwardPass
    received: ForwardPass | None
    receivers: Mapping[Site, tuple[int, ...]]

    @classmethod
    def of(
        cls, context: Context, step: Attribute, here: RunAtTokens, sent: ForwardPass, received: ForwardPass | None
    ) -> _Passes:
        facts = context.model.facts
        receivers = {
            site: heads
            for site, heads in receiving(step.receivers, facts).items()
            if any(facts.reaches(sender, site) for sender in step.lowest)
        }
        return cls(context, step, here, sent, received, receivers)

    @property
    def prompts(self) -> tuple[int, ...]:
        """Those that there is something to estimate for: only the last token's senders can reach the logits."""
        last = self.step.batch.length - 1
        return tuple(prompt for prompt, token in enumerate(self.step.at) if self.received or token == last)

    def logits(self, given: Given, prompts: Tensor) -> Tensor:
        """What the model says when the senders are `given` this. -> (row, vocabulary)"""
        if self.received is None:
            return self._send(given, prompts, []).logits
        seen = self._send(given, prompts, sorted(set(map(seen_at, self.receivers)))).values
        model = self.context.model
        return self._receive(self.received, prompts, {site: seen_by(model, site, seen) for site in self.receivers})

    def _send(self, given: Given, prompts: Tensor, sites: list[Site]) -> tracing.Trace:
        """The first pass, at one token. -> the `sites`, (row, 1, d_model) each, or the logits if there are none"""
        batch, facts = self.step.batch, self.context.model.facts
        whole, here = batch.prompts * batch.length * facts.layers, self.context.tensor([[True]])
        more = given.get(Part.MLP)
        self.context.forwards += len(prompts) * len(self.sent.layers) / whole * (1 + 2 * backwards(self.step))
        return tracing.forward(
            self.context.model,
            torch.zeros(len(prompts), 1, dtype=torch.int64),
            start=ResumeAt(self.sent.first, self.here.residual[self.sent.first, prompts, None]),
            held={layer: self._attention(layer, given, prompts) for layer in self.sent.layers},
            sets=[] if more is None else [added(layer, here, more[layer]) for layer in self.sent.layers],
            reads=[Read(site, computed=True) for site in sites],
            logits=not sites,
            gradient=True,
        )

    def _attention(self, layer: int, given: Given, prompts: Tensor) -> Tensor:
        """What a layer's attention gives when its heads do as they are given. -> (row, 1, d_model)"""
        if Part.OUTPUT not in given:
            return self.here.attention[layer, prompts, None]
        change = given[Part.OUTPUT][layer] - self.here.z[layer, prompts].float()
        moved = change.to(self.context.model.dtype).flatten(1)
        return (self.here.attention[layer, prompts] + moved @ self.context.model.output_weight(layer).T)[:, None]

    def _receive(self, received: ForwardPass, prompts: Tensor, read: Mapping[Site, Tensor]) -> Tensor:
        """The second pass: the receivers take what was `read`, (row, head, d_head) or (row, d_model) each. -> (row,
        vocabulary)"""
        context, batch = self.context, self.step.batch
        starts = received.tokens.at if isinstance(received.tokens, From) else (0,) * batch.prompts
        since = starts[int(prompts[0])]  # of one group, which starts together
        here = context.tensor(range(since, batch.length)) == context.tensor(self.step.at)[prompts, None]
        sets = [receive(context.model, site, self.receivers[site], here, read[site]) for site in read]
        kept = PrefixCache.of(context, PrefixSpec(batch, min(starts), max(starts), (received.first,)))
        return kept.go_on(context, received.first, since, prompts=prompts, sets=sets, gradient=backwards(self.step))
