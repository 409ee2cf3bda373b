"""What a model can take of the prompts drawn for it: tokens that it has, and no more of them than it has positions."""

from __future__ import annotations

from collections.abc import Iterator

from entrack.check.resolved import Population
from entrack.diagnostics import Diagnostic
from entrack.prompts.tokenise import Prompt, TokenisedPrompts


def unknown(realised: TokenisedPrompts, vocabulary: int) -> tuple[Diagnostic, ...]:
    """That a model with so many tokens can read the prompts and say their words: a tokenizer of another model may
    have more."""
    ids = (ids for prompt in _prompts(realised) for ids in (prompt.token_ids, *prompt.ids.values()))
    highest = max(map(max, filter(None, ids)), default=0)
    if highest < vocabulary:
        return ()
    return (
        Diagnostic(
            "E434",
            f"the tokenizer gives the token {highest}, and the model has {vocabulary:,}, counted from 0",
            realised.population.span,
            "in these prompts",
            "take the tokenizer.json that belongs to the model",
        ),
    )


def too_long(realised: TokenisedPrompts, positions: int | None) -> tuple[Diagnostic, ...]:
    """That a model that has so many positions, and no more, can take the prompts; None where there is no table of
    positions."""
    longest = max((len(prompt.token_ids) for prompt in _prompts(realised)), default=0)
    return longer_than(longest, positions, realised.population)


def longer_than(
    longest: int, positions: int | None, population: Population, what: str = "among these prompts"
) -> tuple[Diagnostic, ...]:
    """That the longest of some prompts is no longer than a model can take."""
    if positions is None or longest <= positions:
        return ()
    message = f"a prompt has {longest:,} tokens, and the model has {positions:,} positions"
    return (Diagnostic("E435", message, population.span, what, "shorten the prompts"),)


def _prompts(realised: TokenisedPrompts) -> Iterator[Prompt]:
    for pair in realised.pairs:
        yield from (prompt for prompt in (pair.original, pair.alternate) if prompt is not None)
