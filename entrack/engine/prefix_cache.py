"""Runs that are kept, and passes that go on from there: what lies before and below the first change is computed once.

A whole run - clean, or with all heads held - is kept with all that a later pass may need of it, if that fits into the
memo; else, of a clean run, only what a `PrefixSpec` names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import torch
from attrs import frozen
from torch import Tensor

from entrack.engine import tracing
from entrack.engine.cache_layers import Prefix, taken, taking
from entrack.engine.context import Context
from entrack.engine.tracing import Read, ResumeAt
from entrack.engine.writes import Write
from entrack.model_config import ModelFacts
from entrack.plan.steps import Batch
from entrack.sites import Part, Site

SIDES: tuple[Literal["keys"], Literal["values"]] = ("keys", "values")


@frozen
class PrefixSpec:
    """What is kept of a clean run: the tokens from `since` on at the inputs of `layers`, of which the first is the
    lowest ever asked for, and keys and values of the tokens before `until`."""

    batch: Batch
    since: int
    until: int
    layers: tuple[int, ...]

    def bytes(self, facts: ModelFacts, itemsize: int) -> int:
        """What a `PrefixCache` of it holds."""
        keys_and_values = 2 * self.until * facts.key_value_heads * facts.d_head * (facts.layers - self.layers[0])
        residuals = (self.batch.length - self.since) * facts.d_model * len(self.layers)
        return itemsize * self.batch.prompts * (keys_and_values + residuals)


@frozen(eq=False)
class PrefixCache:
    """A clean run's residuals at some layers (prompt, token, d_model), tokens `since` on, and keys and values
    (prompt, head, token, d_head)."""

    batch: Batch
    since: int
    residuals: Mapping[int, Tensor]
    before: Mapping[int, tuple[Tensor, Tensor]]

    @classmethod
    def of(cls, context: Context, cut: PrefixSpec) -> PrefixCache:
        """From the whole clean run, where that is kept; else from the memo, or one full forward pass."""
        whole = context.whole(cut.batch)
        if whole is not None:
            return cls(
                cut.batch,
                0,
                dict(enumerate(whole.residual)),
                dict(enumerate(zip(whole.keys, whole.values, strict=True))),
            )
        return cls.exactly(context, cut)

    @classmethod
    def exactly(cls, context: Context, cut: PrefixSpec, *, remember: bool = True) -> PrefixCache:
        """Nothing but the cut, from the memo or one full forward pass."""

        def make() -> tuple[Tensor, ...]:
            return _run(context, cut)

        flat = (
            context.activations.get(
                (context.model.key, "kept", cut), make, cut.bytes(context.model.facts, context.model.dtype.itemsize)
            )
            if remember
            else make()
        )
        read, first = flat[len(cut.layers) :], cut.layers[0]
        pairs = zip(read[: len(read) // 2], read[len(read) // 2 :], strict=True)
        before = {first + i: pair for i, pair in enumerate(pairs)}
        return cls(cut.batch, cut.since, dict(zip(cut.layers, flat[: len(cut.layers)], strict=True)), before)

    def go_on(
        self,
        context: Context,
        layer: int,
        since: int,
        *,
        prompts: Tensor | None = None,
        sets: Iterable[Write] = (),
        blocked: Mapping[int, Tensor] | None = None,
        gradient: int = 0,
    ) -> Tensor:
        """Logits at the last token of a pass on `prompts` (row; default: each once) with changes from `layer` and the
        token `since` on.

        Masks, values and what is blocked begin at `since`. `gradient` says how many backward passes will follow. ->
        (row, vocabulary)
        """
        rows = torch.arange(self.batch.prompts, device=context.model.device) if prompts is None else prompts
        share = (
            len(rows) / self.batch.prompts * (1 - since / self.batch.length) * (1 - layer / context.model.facts.layers)
        )
        context.forwards += share * (1 + 2 * gradient)
        residual = self.residuals[layer][:, since - self.since :]
        return tracing.forward(
            context.model,
            context.tokens(self.batch)[rows, since:],
            sets=sets,
            start=ResumeAt(layer, residual if prompts is None else residual[rows]),
            prefix=self._prefix(since, prompts) if since else None,
            blocked=blocked,
            gradient=gradient > 0,
        ).logits

    def _prefix(self, since: int, prompts: Tensor | None) -> Prefix:
        return Prefix(
            since,
            {layer: (keys[:, :, :since], values[:, :, :since]) for layer, (keys, values) in self.before.items()},
            prompts,
        )


def _run(context: Context, cut: PrefixSpec) -> tuple[Tensor, ...]:
    """The residuals; then, layer by layer from the lowest, keys, and then values, if there is anything before the
    cut."""
    cache = taking(context.model)
    sites = [Site(layer, Part.RESIDUAL) for layer in cut.layers]
    values = context.forward(cut.batch, reads=[Read(site) for site in sites], cache=cache).values
    residuals = [values[site][:, cut.since :].clone() for site in sites]
    if not cut.until:
        return tuple(residuals)
    return (*residuals, *(tensor for side in SIDES for tensor in taken(cache, side, cut.layers[0], cut.until)))
