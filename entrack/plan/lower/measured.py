"""The prompts that a model is measured on, as acts and their sources see them."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve

from entrack import budget
from entrack.check.resolved import Population, Where
from entrack.frozen import frozen
from entrack.plan.steps import Position, Spans
from entrack.prompts.tokenise import Prompt

Places = tuple[int, ...]
A_PLACE = 2
"""Parts of a step that are made as quickly as an edit of it is begun."""


@frozen
class Measured:
    """Prompts that a model is measured on. `name` says for what, `draw` which draw of everything random this is.

    Where whole words are measured a prompt stands there once for each of its words, followed by the word's tokens;
    `numbers` say which prompt of the population each is.
    """

    name: str
    model: str
    population: Population
    prompts: tuple[Prompt, ...]
    draw: int = 0
    numbers: tuple[int, ...] = ()

    @property
    def count(self) -> int:
        """How many prompts of the population there are."""
        return max(self.numbers) + 1 if self.numbers else len(self.prompts)

    def numbered(self, places: Places) -> Places:
        """Which prompts of the population these are."""
        first = self.population.window[0] if self.population.window else 0
        return tuple(first + (self.numbers[place] if self.numbers else place) for place in places)

    def beside(self, others: tuple[Prompt, ...]) -> tuple[Prompt, ...]:
        """What stands beside each prompt that is measured, of one for each of the population: followed by the same
        word."""
        if not self.numbers:
            return others
        pairs = zip(self.numbers, self.prompts, strict=True)
        return tuple(others[number].followed_by(prompt.follows) for number, prompt in pairs)

    def like(self, population: Population) -> Population:
        """Other prompts, told by what these are told by."""
        return evolve(population, whole=self.population.whole)


def followed(on: Measured, words: Sequence[Sequence[Sequence[tuple[int, ...]]]]) -> Measured:
    """Each prompt once for each of its words, variable by variable, followed by the word's tokens."""
    rows = [(number, word) for number, several in enumerate(words) for many in several for word in many]
    budget.spend(budget.STEP_PARTS, sum(on.prompts[number].length + len(word) for number, word in rows))
    prompts = tuple(on.prompts[number].followed_by(word) for number, word in rows)
    return evolve(on, prompts=prompts, numbers=tuple(number for number, _ in rows))


def drawn(population: Population, draw: int) -> Population:
    """The population of another draw: other prompts of the same kind."""
    return population if draw == 0 else evolve(population, purpose=f"{population.purpose} {draw}")


def tokens_at(positions: Sequence[str], prompts: Sequence[Prompt], places: Places) -> tuple[tuple[int, ...], ...]:
    """The tokens of some positions in each prompt of a batch, those of spans too, each once and in rising order."""
    budget.spend(budget.STEP_PARTS, A_PLACE + len(places) * len(positions))
    return tuple(
        tuple(sorted({token for name in positions for token in _standing(prompts[place], name)})) for place in places
    )


def _standing(prompt: Prompt, position: str) -> tuple[int, ...]:
    return prompt.spans.get(position) or (prompt.positions[position],)


def at_of(position: Where, prompts: Sequence[Prompt], places: Places) -> Position:
    """The tokens of a position in each prompt of a batch, whose spans have one length."""
    budget.spend(budget.STEP_PARTS, A_PLACE + len(places))
    if not isinstance(position, str):
        return None if position is None else (position,) * len(places)
    if position in prompts[places[0]].spans:
        return Spans(tuple(prompts[place].spans[position] for place in places))
    return token_of(position, prompts, places)


def token_of(position: Where, prompts: Sequence[Prompt], places: Places) -> tuple[int, ...]:
    """The one token of a position in each prompt of a batch."""
    budget.spend(budget.STEP_PARTS, A_PLACE + len(places))
    assert position is not None  # by the checker: every token is none
    if isinstance(position, int):
        return (position,) * len(places)
    return tuple([prompts[place].positions[position] for place in places])


def span_lengths(position: Where, prompts: Sequence[Prompt]) -> tuple[int, ...] | None:
    """How many tokens a span has in each prompt; None where the position is no span."""
    if not isinstance(position, str) or not prompts or position not in prompts[0].spans:
        return None
    return tuple(len(prompt.spans[position]) for prompt in prompts)
