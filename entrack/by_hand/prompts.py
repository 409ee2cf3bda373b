"""Prompts in hand: what a spec draws, as tensors on the model's device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from attrs import evolve, field

from entrack.arguments import text
from entrack.check.resolved import Population
from entrack.errors import ArgumentError, unknown
from entrack.frozen import frozen
from entrack.plan.builder import batches
from entrack.prompts.tokenise import Prompt, PromptPair, measured_prompts

if TYPE_CHECKING:
    from torch import Tensor


@frozen(eq=False)
class PromptsInHand:
    """Prompts of a task, an alternate or a desideratum, in the order in which entrack measures them; `pairs` are the
    originals with their counterfactuals. Nothing is padded: prompts of several lengths run as `batches`."""

    population: Population
    pairs: tuple[PromptPair, ...] = field(repr=False)
    prompts: tuple[Prompt, ...] = field(repr=False)
    _tensor: Callable[[object], Tensor] = field(repr=False, alias="tensor")

    @classmethod
    def of(
        cls, population: Population, pairs: tuple[PromptPair, ...], tensor: Callable[[object], Tensor]
    ) -> PromptsInHand:
        return cls(population, pairs, measured_prompts(population, pairs), tensor)

    def __repr__(self) -> str:
        of = self.population.alternate or self.population.task
        return f"<PromptsInHand: {len(self):,} of {of.name}>"

    def __len__(self) -> int:
        return len(self.prompts)

    @property
    def texts(self) -> tuple[str, ...]:
        """The prompts as texts."""
        return tuple(prompt.text for prompt in self.prompts)

    @property
    def tokens(self) -> Tensor:
        """Token ids. -> int64 (prompt, token). Raises ArgumentError for prompts of several lengths."""
        lengths = sorted({len(prompt.token_ids) for prompt in self.prompts})
        if len(lengths) > 1:
            raise ArgumentError(
                f"these prompts have {', '.join(map(str, lengths))} tokens, and entrack pads nothing: "
                "go through `batches`, which have one length each"
            )
        return self._tensor([prompt.token_ids for prompt in self.prompts])

    @property
    def batches(self) -> tuple[PromptsInHand, ...]:
        """The prompts as entrack runs them: at most 50 together, of one length, whose counterfactuals and spans have
        one length too."""
        originals = tuple(pair.original for pair in self.pairs)
        alternates = tuple(pair.alternate for pair in self.pairs if pair.alternate is not None)
        beside = [prompts for prompts in (originals, alternates) if prompts]
        spans = [tuple(len(prompt.spans[name]) for prompt in self.prompts) for name in self.prompts[0].spans]
        return tuple(self._some(places) for places in batches(self.prompts, beside, common=spans))

    @property
    def positions(self) -> tuple[str, ...]:
        """The names of the positions that these prompts have."""
        first = self.prompts[0]
        return (*first.positions, *first.spans)

    def at(self, position: str) -> Tensor:
        """The token at a named position, counted from 0. -> int64 (prompt), or (prompt, k) of a span. Raises
        UnknownName, and ArgumentError for a span of several lengths."""
        if text(position, "position") not in self.positions:
            raise unknown("these prompts have no position", position, self.positions)
        if position in self.prompts[0].positions:
            return self._tensor([prompt.positions[position] for prompt in self.prompts])
        rows = [prompt.spans[position] for prompt in self.prompts]
        if len({len(row) for row in rows}) > 1:
            raise ArgumentError(f"the span {position} has several lengths in these prompts: go through `batches`")
        return self._tensor(rows)

    def word(self, name: str) -> Tensor:
        """The first token of a word of the task, such as `wrong`, after each prompt: what entrack tells a word by. ->
        int64 (prompt). Raises UnknownName."""
        known = [word for word in self.prompts[0].ids if all(prompt.ids.get(word) for prompt in self.prompts)]
        if text(name, "name") not in known:
            raise unknown("these prompts have no word with a token,", name, known)
        return self._tensor([prompt.ids[name][0] for prompt in self.prompts])

    @property
    def answers(self) -> Tensor:
        """The first token of each answer; of a desideratum, of its target. -> int64 (prompt)"""
        alternate = self.population.alternate
        return self.word("answer" if alternate is None or alternate.target is None else "target")

    @property
    def original(self) -> PromptsInHand:
        """The prompts that the alternates were drawn from; of others these themselves."""
        alternate = self.population.alternate
        own = evolve(self.population, alternate=None) if alternate and alternate.target is None else self.population
        return evolve(self, population=own, prompts=tuple(pair.original for pair in self.pairs))

    @property
    def counterfactual(self) -> PromptsInHand:
        """The alternate of each prompt. Raises ArgumentError where there are none."""
        alternate = self.population.alternate
        if alternate is None or self.pairs[0].alternate is None:
            raise ArgumentError(
                f"prompts of the task {self.population.task.name} have no counterfactuals: ask for those of an "
                "alternate, and take their `original`"
            )
        drawn = evolve(self.population, alternate=evolve(alternate, target=None))
        found = tuple(pair.alternate for pair in self.pairs if pair.alternate is not None)
        return evolve(self, population=drawn, prompts=found)

    def _some(self, places: Sequence[int]) -> PromptsInHand:
        pairs, prompts = tuple(self.pairs[place] for place in places), tuple(self.prompts[place] for place in places)
        return evolve(self, pairs=pairs, prompts=prompts)
