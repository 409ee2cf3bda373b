"""What is wanted of runs: the tokens that outcomes are of - of a word its first, of a list the first of each of its
words, of whole words all - and statistics beside them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from entrack import budget
from entrack.check.resolved import Metric, Population
from entrack.diagnostics import Diagnostic, Label
from entrack.plan.lower.context import Lowering, Unmakeable
from entrack.plan.plan import Asked, Continued
from entrack.plan.refs import Sizes
from entrack.plan.steps import Statistic
from entrack.prompts.first_tokens import after
from entrack.prompts.model_limits import longer_than
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


ADDED_UP = ("probability difference", "log probability difference")
"""Metrics whose words are added up on two sides, which a token must not be on both of."""


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
    _count_words(prompts, of, model, lowering)
    asked = tuple(tuple(_tokens(prompt, name, model, lowering) for name in of) for prompt in prompts)
    for prompt, words in zip(prompts, asked, strict=True):
        _all_there(population, prompt, of, words, lowering)
        if apart and any(len(tokens) > 1 for tokens in words) and set(words[0]) & set(words[1]):
            _told(population, _shared(of, prompt, population), lowering)
    for name in of:
        _warn_of_lost(population, prompts, name, model, lowering)
    return asked


def continued(
    population: Population,
    prompts: Sequence[Prompt],
    of: tuple[str, ...],
    model: str,
    lowering: Lowering,
    *,
    apart: bool = False,
) -> Continued:
    """Prompt by prompt and variable by variable, the whole words that are asked for. Raises Unmakeable where a variable
    has none, or where two that must be `apart` have words that one cannot be told from the other by."""
    _count_words(prompts, of, model, lowering)
    asked = tuple(tuple(_whole(prompt, name, model, lowering) for name in of) for prompt in prompts)
    for prompt, words in zip(prompts, asked, strict=True):
        _all_there(population, prompt, of, words, lowering)
        if apart and any(len(many) > 1 for many in words) and (_begins(*words) or _begins(*words[::-1])):
            _told(population, _one_in_the_other(of, population), lowering)
    longest = max(
        prompt.length + max(len(word) for several in words for word in several)
        for prompt, words in zip(prompts, asked, strict=True)
    )
    for problem in longer_than(longest, lowering.keys[model].facts.positions, population, "with the word after it"):
        _told(population, problem, lowering)
    return asked


def sizes_of(asked: Continued) -> Sizes:
    """How many words each variable of each prompt has."""
    return tuple(tuple(map(len, words)) for words in asked)


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
    words = _followed(prompt, prompt.lists[name], model, lowering)
    return tuple(dict.fromkeys(word[0] for word in words))


def _count_words(prompts: Sequence[Prompt], of: tuple[str, ...], model: str, lowering: Lowering) -> None:
    """Count all words of lists that will be read, before the first is: reading takes long where there are many."""
    lists = {(model, prompt.text, prompt.lists[name]) for prompt in prompts for name in of if name in prompt.lists}
    budget.spend(budget.FOLLOWED, sum(len(listed.words) for _, _, listed in lists - lowering.listed.keys()))


def _followed(prompt: Prompt, listed: Listed, model: str, lowering: Lowering) -> tuple[tuple[int, ...], ...]:
    """The tokens of each word that can follow a prompt; words are read once. Raises CannotDraw."""
    key = (model, prompt.text, listed)
    if key not in lowering.listed:
        lowering.listed[key] = _read(prompt, listed, model, lowering)
    return lowering.listed[key]


def _read(prompt: Prompt, listed: Listed, model: str, lowering: Lowering) -> tuple[tuple[int, ...], ...]:
    tokens, vocabulary = lowering.tokenizers[model], lowering.keys[model].facts.vocabulary
    try:
        words = [
            after(tokens, prompt.text, prompt.token_ids, word, attached=listed.attached)
            for word in listed.words
            if word
        ]
    except BadTokenizer as bad:
        raise CannotDraw("E434", str(bad), NOWHERE, "", TAKE_ITS_OWN) from None
    highest = max((token for word in words for token in word), default=0)
    if highest >= vocabulary:
        message = f"the tokenizer gives the token {highest}, and the model has {vocabulary:,}, counted from 0"
        raise CannotDraw("E434", message, NOWHERE, "", TAKE_ITS_OWN)
    return tuple(word for word in words if word)


def _whole(prompt: Prompt, name: str, model: str, lowering: Lowering) -> tuple[tuple[int, ...], ...]:
    """All tokens of a word, or of each of a list."""
    if name not in prompt.lists:
        word = prompt.ids.get(name, ())
        return (word,) if word else ()
    return _shortest(_followed(prompt, prompt.lists[name], model, lowering))


def _shortest(words: Collection[tuple[int, ...]]) -> tuple[tuple[int, ...], ...]:
    """The different words, but for those that another of them begins: what begins with that one is counted with it."""
    known = dict.fromkeys(words)
    return tuple(word for word in known if not _begun(word[:-1], known))


def _begins(some: Collection[tuple[int, ...]], others: Collection[tuple[int, ...]]) -> bool:
    """Whether one of some words is one of the others, or its beginning."""
    known = {*some}
    return any(_begun(word, known) for word in others)


def _begun(word: tuple[int, ...], known: Collection[tuple[int, ...]]) -> bool:
    """Whether a word, or a beginning of it, is known."""
    return any(word[:many] in known for many in range(1, len(word) + 1))


def _told(population: Population, problem: Diagnostic, lowering: Lowering) -> None:
    """Raises Unmakeable."""
    lowering.tell(problem)
    raise Unmakeable(population.label)


def _all_there(
    population: Population, prompt: Prompt, of: tuple[str, ...], words: Sequence[Sequence[object]], lowering: Lowering
) -> None:
    """Raises Unmakeable where nothing is asked for of a variable."""
    nothing = next((name for name, several in zip(of, words, strict=True) if not several), None)
    if nothing is not None:
        _told(population, _without(nothing, prompt, population), lowering)


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


def _warn_of_lost(population: Population, prompts: Sequence[Prompt], name: str, model: str, lowering: Lowering) -> None:
    """That words of a list begin with the same token, which counts once: what is measured is another set of words."""
    for prompt in prompts:
        first: dict[int, tuple[int, ...]] = {}
        words = _followed(prompt, prompt.lists[name], model, lowering) if name in prompt.lists else ()
        if any(first.setdefault(word[0], word) != word for word in words):
            lowering.tell(_lost(name, population))
            return


def _lost(name: str, population: Population) -> Diagnostic:
    return Diagnostic(
        "W403",
        f"words of `{name}` begin with the same token, which counts once",
        population.task.syntax.name_span,
        "a word is told by its first token, which stands for all that begin with it",
        f"tell words by all their tokens, as `probability of any of whole {name}` does, "
        "or leave all but one of them out",
        (Label(population.span, "measured on these"),),
    )


def _shared(of: tuple[str, ...], prompt: Prompt, population: Population) -> Diagnostic:
    whole = f"{'any of ' if of[0] in prompt.lists else ''}whole {of[0]}"
    return Diagnostic(
        "E433",
        f"a word of `{of[0]}` and one of `{of[1]}` begin with the same token",
        population.task.syntax.name_span,
        "a word is told by its first token, and this one would count on both sides",
        f"leave it out of one of the lists, or tell words by all their tokens: `{whole}`",
        (Label(population.span, "measured on these"),),
    )


def _one_in_the_other(of: tuple[str, ...], population: Population) -> Diagnostic:
    return Diagnostic(
        "E433",
        f"what `{of[0]}` and `{of[1]}` stand for begins with the same tokens",
        population.task.syntax.name_span,
        "one word is the other, or its beginning, and would count on both sides",
        "let none of them be the beginning of another",
        (Label(population.span, "measured on these"),),
    )
