"""First tokens of answer words: which words a model's next token cannot distinguish after a prompt, and why."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from entrack.check.resolved import Population
from entrack.diagnostics import Diagnostic, Label
from entrack.frozen import frozen
from entrack.prompts.tokenizer import Tokenizer


def after(tokens: Tokenizer, text: str, ids: Sequence[int], word: str, *, attached: bool = False) -> tuple[int, ...]:
    """The tokens of a word that follows a text of these `ids`: a space between, unless the text ends or the word
    begins with one, or it is `attached`. None where it is not simply added."""
    joint = " " if spaced(text, word, attached=attached) else ""
    return tokens.following(text, ids, joint + word)


def spaced(text: str, word: str, *, attached: bool = False) -> bool:
    """Whether a space is put between a text and the word that follows it."""
    return not (attached or text[-1:].isspace() or word[:1].isspace())


NO_SPACE_AFTER = re.compile(r"([\(\[{“‘«‹¿¡$£€#@/_\\]|(^|\s)[\"']|\w-)$")
"""Ends of texts that words seldom follow after a space: what opens a bracket or a quotation, and a hyphen."""
UNSPACED = (
    ("\u0e00", "\u0eff"),
    ("\u1000", "\u109f"),
    ("\u1780", "\u17ff"),
    ("\u3040", "\u30ff"),
    ("\u3400", "\u4dbf"),
    ("\u4e00", "\u9fff"),
    ("\uf900", "\ufaff"),
)
"""The first and the last letters of Thai, Lao, Burmese, Khmer, Japanese and Chinese, which are written without
spaces."""


def _unspaced(letter: str) -> bool:
    return any(ends[0] <= letter <= ends[1] for ends in UNSPACED)


ENDS = 8
"""The last characters of a text that decide, and are shown."""


def doubtful_space(population: Population, text: str, word: str) -> Diagnostic | None:
    """That a space was put where it is likely that none is meant. Nothing is known of it but the text's end."""
    last, first = text[-1:], word[:1]
    digits = last.isdigit() and first.isdigit()
    if not (digits or NO_SPACE_AFTER.search(text[-2:]) or (_unspaced(last) and _unspaced(first))):
        return None
    return Diagnostic(
        "W404",
        f"a space is put between the prompt's end, `{text[-ENDS:]}`, and `{word}`",
        population.task.syntax.name_span,
        "is it meant to stand there?",
        'without it, write `attached(...)` round the answer; with it, begin the answer with a space: `" {object}"`',
    )


WHOLE_ANSWER = "log probability of whole answer"
BY_DIGIT = "an answer is told by its first token, which in this tokenizer is part of a number"


@frozen
class Told:
    """A word by its first token, and whether it follows the prompt with no space between."""

    token: int
    word: str
    attached: bool = False


def alike(population: Population, told: Iterable[Told], text: str, tokens: Tokenizer) -> tuple[Diagnostic, ...]:
    """Words that begin with the same token: an accuracy would count one as the other. `text` is one of the prompts."""
    first: dict[int, Told] = {}
    rivals: dict[Told, set[str]] = {}
    for one in told:
        other = first.setdefault(one.token, one)
        if other.word != one.word:
            rivals.setdefault(other, set()).add(one.word)
    found = {one: sorted(rivals[one]) for one in sorted(rivals, key=lambda one: one.word)}
    numbers = [one for one, others in found.items() if one.token != tokens.unknown and _numbers((one.word, *others))]
    if len(numbers) > 1:
        found = {one: others for one, others in found.items() if one not in numbers}
    problems = [_problem(population, one, others, text, tokens) for one, others in found.items()]
    return (*problems, *([_by_digits(population, numbers, tokens)] if len(numbers) > 1 else []))


def _numbers(words: Sequence[str]) -> bool:
    return all(word.strip().isdigit() for word in words)


def _by_digits(population: Population, numbers: Sequence[Told], tokens: Tokenizer) -> Diagnostic:
    """That many numbers begin alike, said once."""
    *some, last = (f"`{tokens.word(one.token).strip()}`" for one in numbers)
    return Diagnostic(
        "E433",
        f"several numbers begin with the token {', '.join(some)} or {last}",
        population.task.syntax.name_span,
        BY_DIGIT,
        f"ask for what one digit tells, or measure whole words: `{WHOLE_ANSWER}`",
        (Label(population.span, "drawn for these"),),
    )


def _problem(population: Population, one: Told, others: Sequence[str], text: str, tokens: Tokenizer) -> Diagnostic:
    words = (one.word, *others)
    known = _unknown(one, tokens) or (None if one.attached else _because_of_a_space(words, text, tokens))
    leave_out = "leave one of them out of the pool"
    accept = "leave one of the rows out, say that the first token is enough: `first_token(row.answer)`"
    mend = f"{accept if population.task.rows else leave_out}, or measure whole words: `{WHOLE_ANSWER}`"
    by_digit = _numbers(words)
    if by_digit:
        mend = f"ask for what one digit tells, or measure whole words: `{WHOLE_ANSWER}`"
    cause, mend = known or (BY_DIGIT if by_digit else "an answer is told by its first token", mend)
    return Diagnostic(
        "E433",
        f"`{one.word}` and {', '.join(f'`{other}`' for other in others)} begin with the same token",
        population.task.syntax.name_span,
        cause,
        mend,
        (Label(population.span, "drawn for these"),),
    )


def _unknown(one: Told, tokens: Tokenizer) -> tuple[str, str] | None:
    """Cause and fix where a tokenizer has one token for all that it does not know."""
    known = one.token != tokens.unknown
    return None if known else ("this model's tokenizer does not know them", "take words that are in its vocabulary")


def _because_of_a_space(words: tuple[str, ...], text: str, tokens: Tokenizer) -> tuple[str, str] | None:
    """Cause and fix where the token that they share is the space that was put before them."""
    if text[-1:].isspace():
        return None
    shared = after(tokens, text, tokens.encode(text).ids, words[0])
    if not shared or tokens.word(shared[0]).strip():
        return None
    cause = "the space before an answer is a token of its own, and the first one"
    return cause, "end the prompt with a space" if _differ(
        words, f"{text} ", tokens
    ) else "take words that this tokenizer joins to the space before them"


def _differ(words: tuple[str, ...], text: str, tokens: Tokenizer) -> bool:
    """Whether each word has a first token of its own after a text."""
    ids = tokens.encode(text).ids
    firsts = [after(tokens, text, ids, word)[:1] for word in words]
    return all(firsts) and len(set(firsts)) == len(words)
