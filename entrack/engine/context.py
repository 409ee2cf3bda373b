"""A session: what a kernel works with. A loaded model, its clean runs remembered, and a tally of what was run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
from attrs import define, field, frozen
from torch import Tensor

from entrack.engine import tracing
from entrack.engine.activation_cache import ActivationCache
from entrack.engine.cache_layers import taken, taking
from entrack.engine.errors import NotFinite
from entrack.engine.loaded_model import LoadedModel
from entrack.engine.microbatch import in_microbatches, rows_of_options, rows_of_read, rows_of_set
from entrack.engine.tracing import Read, Trace, at_tokens
from entrack.engine.writes import Write
from entrack.plan.passes.share_clean_runs import fits, part_bytes, whole_bytes
from entrack.plan.schedule import Schedule
from entrack.plan.steps import Batch, Indices, Position, Spans, Step
from entrack.sites import Part, Site

NUMBERS_AT_ONCE = 1 << 27
"""Logits that are kept at a time, where they are wanted of several tokens."""

NAMES = {
    Part.OUTPUT: "a head output",
    Part.ATTENTION: "an attention output",
    Part.MLP: "an MLP output",
    Part.RESIDUAL: "the residual stream",
    Part.MID: "the residual stream inside the layer",
    Part.POST: "the residual stream after the layer",
}
"""What a part is called where it is not finite."""


@frozen(eq=False)
class FullRun:
    """A whole run, clean or with all heads held: the layers' inputs, attention and MLP outputs (layer, prompt, token,
    d_model), z (layer, prompt, token, head, d_head), keys after rotary embedding and values (layer, prompt,
    key/value head, token, d_head), and the logits at the last token (prompt, vocabulary)."""

    residual: Tensor
    attention: Tensor
    z: Tensor
    mlp: Tensor
    keys: Tensor
    values: Tensor
    logits: Tensor

    def at(self, tokens: Tensor) -> tuple[Tensor, ...]:
        """What there is of it at one token per prompt: what `RunAtTokens` holds."""
        prompts = torch.arange(len(tokens), device=tokens.device)
        parts = (self.residual, self.attention, self.z, self.mlp)
        return (*(part[:, prompts, tokens] for part in parts), self.logits)


@frozen(eq=False)
class RunAtTokens:
    """A clean run at one token per prompt: the layers' inputs, attention and MLP outputs (layer, prompt, d_model), z
    (layer, prompt, head, d_head), and the logits at the last token (prompt, vocabulary)."""

    residual: Tensor
    attention: Tensor
    z: Tensor
    mlp: Tensor
    logits: Tensor


KEPT = (Part.RESIDUAL, Part.ATTENTION, Part.OUTPUT, Part.MLP)
"""The parts that are kept of a run, in the order in which these have them."""


@frozen(eq=False)
class FixedHeads:
    """What all heads are set to in a whole run, and the name that the run goes by."""

    key: str
    sets: tuple[Write, ...]


@define(eq=False)
class Context:
    """Execution context of one step: model, activation cache and optimised schedule. `forwards` counts in full
    forward passes of one batch."""

    step: Step
    model: LoadedModel
    activations: ActivationCache
    schedule: Schedule
    whole_runs: bool = True
    """Whether whole runs are remembered; the reference executor does without."""
    forwards: float = field(default=0.0, init=False)

    @property
    def layers(self) -> range:
        return range(self.model.facts.layers)

    def tensor(self, values: object) -> Tensor:
        """Integers or booleans, or an array from the store, on the model's device."""
        return torch.as_tensor(values, device=self.model.device)

    def tokens(self, batch: Batch) -> Tensor:
        return self.tensor(batch.tokens)

    def forward(self, batch: Batch, sets: Iterable[Write] = (), reads: Iterable[Read] = (), **options: Any) -> Trace:
        """One full forward pass, with the options of `tracing.forward`, on as many prompts at a time as fit into
        memory.

        Whether its logits are finite is for `check_logits` to say.
        """
        self.forwards += 1
        tokens, sets, reads = self.tokens(batch), tuple(sets), tuple(reads)
        if options.get("cache") is not None or options.get("gradient"):
            return tracing.forward(self.model, tokens, sets=sets, reads=reads, **options)

        def run(rows: slice) -> Trace:
            given, wanted = [rows_of_set(one, rows) for one in sets], [rows_of_read(one, rows) for one in reads]
            return tracing.forward(self.model, tokens[rows], sets=given, reads=wanted, **rows_of_options(options, rows))

        return in_microbatches(batch.prompts, run)

    def logits(self, batch: Batch, sets: Iterable[Write] = (), **options: Any) -> Tensor:
        """Logits at the last token of a full forward pass. -> (prompt, vocabulary), or as the options say"""
        return self.forward(batch, sets, **options).logits

    def logits_at(
        self, batch: Batch, tokens: Sequence[int], sets: Iterable[Write] = (), **options: Any
    ) -> Iterator[tuple[Sequence[int], Tensor]]:
        """Logits at these tokens of every prompt, of as many tokens at a time as have room: a full forward pass for
        each part. -> the tokens of a part, and (prompt, token, vocabulary)"""
        sets, many = tuple(sets), max(1, NUMBERS_AT_ONCE // (batch.prompts * self.model.facts.vocabulary))
        for start in range(0, len(tokens), many):
            part = tokens[start : start + many]
            yield part, self.logits(batch, sets, logits_at=self.tensor(part), **options)

    def clean_logits(self, batch: Batch) -> Tensor:
        """Logits at the last token without any change. -> (prompt, vocabulary)"""

        def make() -> tuple[Tensor]:
            return (self.logits(batch),)

        return self.activations.get((self.model.key, batch, "logits"), make)[0]

    def whole(self, batch: Batch, held: FixedHeads | None = None) -> FullRun | None:
        """A clean run, or one with all heads `held`; None where it is too large to be remembered. Raises NotFinite."""
        if not self.whole_runs or not fits(self.model.facts, self.model.key.dtype, batch, self.activations.most):
            return None

        def make() -> tuple[Tensor, ...]:
            cache = taking(self.model)
            ran = self.forward(
                batch,
                held.sets if held else (),
                [Read(Site(layer, part)) for layer in self.layers for part in KEPT],
                cache=cache,
            )
            values, logits = dict(ran.values), ran.logits
            del ran  # each part is let go of when it is stacked, so that there are not two of everything
            residual, attention, z, mlp = (
                torch.stack([values.pop(Site(layer, part)) for layer in self.layers]) for part in KEPT
            )
            self.check_layers(z)
            keys, read = (torch.stack(taken(cache, side)) for side in ("keys", "values"))
            return residual, attention, z, mlp, keys, read, logits

        return FullRun(
            *self.activations.get(
                (self.model.key, batch, "whole", held.key if held else None),
                make,
                whole_bytes(self.model.facts, self.model.key.dtype, batch),
            )
        )

    def clean(self, batch: Batch, part: Part, layers: Iterable[int], at: Position = None) -> Mapping[int, Tensor]:
        """A part of these layers in a clean run, by layer: from what is remembered of it, or from a pass of its own.
        -> (prompt, token, head, d_head), (prompt, token, d_model) or (prompt, token, d_mlp); at one token per prompt
        without the axis of tokens, of a span with its tokens"""
        if part is Part.OUTPUT and at is not None and not isinstance(at, Spans):
            return dict(enumerate(self.clean_at(batch, at).z))
        tokens = None if at is None else self.tensor(at.at if isinstance(at, Spans) else at)
        wanted = tuple(layers)
        every = self._remembered(batch, part, wanted)
        if every is None:
            return self._read(batch, part, wanted, tokens)
        return every if tokens is None else {layer: at_tokens(value, tokens) for layer, value in every.items()}

    def _read(
        self, batch: Batch, part: Part, layers: tuple[int, ...], tokens: Tensor | None = None
    ) -> dict[int, Tensor]:
        """A part of these layers in a clean run, by a pass."""
        reads = [Read(Site(layer, part), tokens) for layer in layers]
        values = self.forward(batch, reads=reads, logits=False).values if reads else {}
        return {site.layer: value for site, value in values.items()}

    def _remembered(self, batch: Batch, part: Part, layers: tuple[int, ...]) -> Mapping[int, Tensor] | None:
        """A part of these layers at every token, from the whole run or what is kept beside it; None where too little
        can be remembered, or where a run is not finite."""
        match part:
            case Part.MID | Part.NEURON:
                return self._beside_whole(batch, part, self.layers)
            case Part.POST:
                last = self._beside_whole(batch, part, self.layers[-1:]) if self.layers[-1] in layers else {}
                before_next = tuple(layer + 1 for layer in layers if layer + 1 in self.layers)
                whole = self._of_whole(batch, Part.RESIDUAL, before_next) if before_next else {}
                if whole is None or last is None:
                    return None
                return {**{layer - 1: value for layer, value in whole.items()}, **last}
            case _:
                return self._of_whole(batch, part, layers)

    def _of_whole(self, batch: Batch, part: Part, layers: tuple[int, ...]) -> Mapping[int, Tensor] | None:
        """A part that whole runs keep, or that follows from what they keep."""
        try:
            whole = self.whole(batch)
        except NotFinite:
            return None
        if whole is None:
            return None
        kept = dict(zip(KEPT, (whole.residual, whole.attention, whole.z, whole.mlp), strict=True))
        if part in kept:
            return {layer: kept[part][layer] for layer in layers}
        normed = {layer: self.model.normed(layer, whole.residual[layer]) for layer in layers}
        if part is Part.NORMED:
            return normed
        return {layer: self.model.project(Site(layer, part), value) for layer, value in normed.items()}

    def _beside_whole(self, batch: Batch, part: Part, layers: range) -> Mapping[int, Tensor] | None:
        """A part of layers that whole runs do not keep, from one pass; None where both together cannot be kept."""
        facts, dtype = self.model.facts, self.model.key.dtype
        size = part_bytes(facts, dtype, batch, part, len(layers))
        if not self.whole_runs or whole_bytes(facts, dtype, batch) + size > self.activations.most:
            return None

        def make() -> tuple[Tensor, ...]:
            return tuple(self._read(batch, part, tuple(layers)).values())

        return dict(zip(layers, self.activations.get((self.model.key, batch, part), make, size), strict=True))

    def clean_heads(self, batch: Batch) -> Tensor:
        """z of a clean run at all tokens. -> (layer, prompt, token, head, d_head). Raises NotFinite."""

        def make() -> tuple[Tensor]:
            ran = self.forward(batch, reads=[Read(Site(layer, Part.OUTPUT)) for layer in self.layers])
            z = self.stack(ran.values, Part.OUTPUT)
            self.check_layers(z)
            return (z,)

        return self.activations.get((self.model.key, batch, "heads"), make)[0]

    def clean_at(self, batch: Batch, at: Indices) -> RunAtTokens:
        """A clean run at the token `at` of each prompt. Raises NotFinite."""

        def make() -> tuple[Tensor, ...]:
            tokens, whole = self.tensor(at), self.whole(batch)
            if whole is not None:
                return whole.at(tokens)
            reads = [Read(Site(layer, part), tokens) for layer in self.layers for part in KEPT]
            ran = self.forward(batch, reads=reads)
            residual, attention, z, mlp = (self.stack(ran.values, part) for part in KEPT)
            self.check_layers(z)
            return residual, attention, z, mlp, ran.logits

        return RunAtTokens(*self.activations.get((self.model.key, batch, "at", at), make))

    def stack(self, values: Mapping[Site, Tensor], part: Part) -> Tensor:
        return torch.stack([values[Site(layer, part)] for layer in self.layers])

    def check_layers(self, z: Tensor) -> None:
        for layer in self.layers:
            self.check(z[layer], layer)

    def check(self, value: Tensor, layer: int, part: Part = Part.OUTPUT) -> None:
        """Raise NotFinite unless all of a layer's part (prompt, ...) is finite."""
        self.check_finite(value, layer, NAMES.get(part, f"a {part.value}"))

    def check_finite(self, value: Tensor, layer: int, what: str) -> None:
        """Raise NotFinite unless all of `what` was computed of a layer (prompt, ...) is finite."""
        bad = ~value.flatten(1).isfinite().all(-1)
        if bad.any():
            raise self.not_finite(layer, int(bad.nonzero()[0]), what)

    def check_logits(self, batch: Batch, logits: Tensor, prompts: Tensor | None = None) -> None:
        """Raise NotFinite unless all of (row, vocabulary) is finite. `prompts` says which prompt a row is of."""
        bad = ~logits.isfinite().all(-1)
        if bad.any():
            row = int(bad.nonzero()[0])
            prompt = row if prompts is None else int(prompts[row])
            raise self.not_finite(self._first_bad_layer(batch, prompt), prompt, "the outcome")

    def not_finite(self, layer: int | None, prompt: int, what: str) -> NotFinite:
        """The error that `what` is not finite, in this step and number type."""
        return NotFinite(type(self.step).__name__, layer, prompt, what, self.model.key.dtype)

    def _first_bad_layer(self, batch: Batch, prompt: int) -> int | None:
        """The first layer that turns a clean run's finite residual into one that is not. Only run when all is lost."""
        tokens = self.tokens(Batch((batch.tokens[prompt],)))
        ran = tracing.forward(self.model, tokens, reads=[Read(Site(layer, Part.RESIDUAL)) for layer in self.layers])
        for layer in self.layers[1:]:
            if not ran.values[Site(layer, Part.RESIDUAL)].isfinite().all():
                return layer - 1
        return None
