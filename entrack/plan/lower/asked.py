"""What is wanted of runs: the tokens that outcomes are of - of a word its first, of a list the first of each of its
words - and statistics beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from entrack.check.resolved import Metric, Population
from entrack.diagnostics import Diagnostic, Label
from entrack.plan.lower.context import Lowering, Unmakeable
from entrack.plan.plan import Asked
from entrack.plan.refs import Sizes
from entrack.plan.steps import Statistic
from entrack.prompts.first_tokens import after
from entrack.prompts.tokenise import Listed, Prompt
from entrack.prompts.tokenizer import BadTokenizer
from entrack.prompts.values import CannotDraw
from entrack.source import NOWHERE

TAKE_ITS_OWN = "take the tokenizer.json that belongs to the model"

STATISTICS: Mapping[str, tuple[Statistic, ...]] = {
    "rank": (Statistic.RANK, Statistic.ENTROPY),
    "entropy": (Statistic.RANK, Statistic.ENTROPY),
    "KL from clean": (Statistic.KL_FROM_CLEAN,),
}
"""What a metric needs beside logits and log probabilities. Rank and entropy are had from one pass."""


ADDED_UP = "probability difference"
"""The metric whose words are added up on two sides, which a token must not be on both of."""


def statistics_of(metric: Metric) -> tuple[Statistic, ...]:
    """What steps keep for a metric beside the usual outcomes."""
    return STATISTICS["rank"] if metric.top > 1 else STATISTICS.get(metric.kind, ())


def asked_of(
    population: Population,
    prompts: Sequence[Prompt],
    of: tuple[str, ...],
    model: str,
    lowering: Lowering,
    *,
    apart: bool = False,
) -> Asked:
    """Prompt by prompt and word by word, the different tokens that it is told by. Raises Unmakeable where a word has
    none, or where two of them share one that must be `apart`."""
    asked = tuple(tuple(_tokens(prompt, name, model, lowering) for name in of) for prompt in prompts)
    for prompt, words in zip(prompts, asked, strict=True):
        nothing = next((name for name, tokens in zip(of, words, strict=True) if not tokens), None)
        if nothing is not None:
            _told(population, _without(nothing, prompt, population), lowering)
        if apart and any(len(tokens) > 1 for tokens in words) and set(words[0]) & set(words[1]):
            _told(population, _shared(of, population), lowering)
    return asked


def rows(asked: Asked, places: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """All tokens of each prompt of a batch, equally many: where there are fewer, the first is asked for again."""
    tokens = [[token for word in asked[place] for token in word] for place in places]
    most = max(map(len, tokens))
    return tuple(tuple(row + row[:1] * (most - len(row))) for row in tokens)


def sizes(asked: Asked, places: Sequence[int]) -> Sizes:
    """How many tokens each word of each prompt of a batch has; empty where each has one."""
    many = tuple(tuple(len(word) for word in asked[place]) for place in places)
    return many if any(size != 1 for words in many for size in words) else ()


def _tokens(prompt: Prompt, name: str, model: str, lowering: Lowering) -> tuple[int, ...]:
    if name not in prompt.lists:
        return prompt.ids.get(name, ())[:1]
    key = (model, prompt.text, prompt.lists[name])
    if key not in lowering.listed:
        lowering.listed[key] = _firsts(prompt, prompt.lists[name], model, lowering)
    return lowering.listed[key]


def _firsts(prompt: Prompt, listed: Listed, model: str, lowering: Lowering) -> tuple[int, ...]:
    """The different first tokens of words that follow a prompt. Raises CannotDraw."""
    tokens, vocabulary = lowering.tokenizers[model], lowering.keys[model].facts.vocabulary
    try:
        firsts = [
            after(tokens, prompt.text, prompt.token_ids, word, attached=listed.attached)[:1]
            for word in listed.words
            if word
        ]
    except BadTokenizer as bad:
        raise CannotDraw("E434", str(bad), NOWHERE, "", TAKE_ITS_OWN) from None
    found = dict.fromkeys(token for first in firsts for token in first)
    if max(found, default=0) >= vocabulary:
        message = f"the tokenizer gives the token {max(found)}, and the model has {vocabulary:,}, counted from 0"
        raise CannotDraw("E434", message, NOWHERE, "", TAKE_ITS_OWN)
    return tuple(found)


def _told(population: Population, problem: Diagnostic, lowering: Lowering) -> None:
    """Raises Unmakeable."""
    lowering.problems.extend([] if problem in lowering.problems else [problem])
    raise Unmakeable(population.label)


def _without(name: str, prompt: Prompt, population: Population) -> Diagnostic:
    if name in prompt.lists:
        return Diagnostic(
            "E604",
            f"no word of `{name}` can follow the prompt",
            population.span,
            "measured on these",
            "let the list have a word in every prompt",
        )
    return Diagnostic(
        "E604",
        f"`{name}` is not always one word that can follow the prompt",
        population.span,
        "measured on these",
        "a metric is of `answer`, or of another variable that is one word",
    )


def _shared(of: tuple[str, ...], population: Population) -> Diagnostic:
    return Diagnostic(
        "E433",
        f"a word of `{of[0]}` and one of `{of[1]}` begin with the same token",
        population.task.syntax.name_span,
        "a word is told by its first token, and this one would count on both sides",
        "leave it out of one of the lists",
        (Label(population.span, "measured on these"),),
    )
