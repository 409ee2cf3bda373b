"""The prompts that a model is measured on, as acts and their sources see them."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve, frozen

from entrack import budget
from entrack.check.resolved import Population
from entrack.prompts.tokenise import Prompt, PromptPair

Places = tuple[int, ...]
A_PLACE = 2
"""Parts of a step that are made as quickly as an edit of it is begun."""


@frozen
class Measured:
    """Prompts that a model is measured on. `name` says for what, `draw` which draw of everything random this is."""

    name: str
    model: str
    population: Population
    prompts: tuple[Prompt, ...]
    draw: int = 0


def measured_prompts(population: Population, pairs: tuple[PromptPair, ...]) -> tuple[Prompt, ...]:
    """The prompts that a population is measured on: an alternate's own, but a desideratum's originals."""
    if population.alternate is not None and population.alternate.target is None:
        return tuple(pair.alternate for pair in pairs if pair.alternate is not None)
    return tuple(pair.original for pair in pairs)


def drawn(population: Population, draw: int) -> Population:
    """The population of another draw: other prompts of the same kind."""
    return population if draw == 0 else evolve(population, purpose=f"{population.purpose} {draw}")


def tokens_at(positions: Sequence[str], prompts: Sequence[Prompt], places: Places) -> tuple[tuple[int, ...], ...]:
    """The tokens of some positions in each prompt of a batch, each once and in rising order."""
    budget.spend(budget.STEP_PARTS, A_PLACE + len(places) * len(positions))
    return tuple(tuple(sorted({prompts[place].positions[name] for name in positions})) for place in places)


def at_of(position: str, prompts: Sequence[Prompt], places: Places) -> tuple[int, ...]:
    """The token of a position in each prompt of a batch."""
    budget.spend(budget.STEP_PARTS, A_PLACE + len(places))
    return tuple(prompts[place].positions[position] for place in places)
