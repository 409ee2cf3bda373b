"""Tokenise a population: from a population and a tokenizer to prompts with token ids, positions and answers, or
diagnostics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import field, frozen

from entrack import budget, interrupts
from entrack.check.positions import ORDINALS
from entrack.check.resolved import Population
from entrack.diagnostics import Diagnostic, Label
from entrack.prompts import sample
from entrack.prompts.first_tokens import after, alike
from entrack.prompts.tokenizer import BadTokenizer, Encoded, Tokenizer
from entrack.prompts.values import CannotDraw, Filled, Names, evaluate, index, plain
from entrack.source import Span
from entrack.syntax import ast

EXPECTED = ("answer", "target", "wrong")
"""The words that are told by their first token, so that they must have one."""


@frozen
class Prompt:
    """One prompt as a model reads it. `words` are the task's single values (answer, wrong, target); `ids` their
    tokens after the text."""

    text: str
    token_ids: tuple[int, ...]
    positions: Mapping[str, int]
    words: Mapping[str, str]
    ids: Mapping[str, tuple[int, ...]]
    candidates: tuple[str, ...] = field(default=(), repr=False)
    """The values that the answer was one of."""
    lists: Mapping[str, tuple[str, ...]] = field(factory=dict, repr=False)
    """The task's lists of words and numbers."""


@frozen
class PromptPair:
    """A prompt and, where the population has one, its alternate."""

    original: Prompt
    alternate: Prompt | None


@frozen
class TokenisedPrompts:
    """All prompts of a population for one tokenizer. `pairs[i]` follows from the seed and i alone."""

    population: Population
    pairs: tuple[PromptPair, ...] = field(repr=False)


def tokenise(
    population: Population, count: int, tokens: Tokenizer, params: Mapping[str, float]
) -> tuple[TokenisedPrompts, tuple[Diagnostic, ...]]:
    """Draw `count` prompts. What cannot be drawn, placed or told apart is a diagnostic; then there may be fewer
    prompts."""
    pairs: list[PromptPair] = []
    problems: list[Diagnostic] = []
    budget.work_on(population.span)
    constants = sample.Constants.of(population.parameters, params)
    changed = None if population.alternate is None else sample.Changed.of(population.alternate)
    for place in range(count):
        interrupts.check()
        try:
            pairs.append(_pair(population, place, tokens, constants, changed))
        except CannotDraw as trouble:
            problems.append(_diagnostic(population, place, trouble))
            break
        except BadTokenizer as bad:
            problems.append(
                Diagnostic(
                    "E434",
                    str(bad),
                    population.span,
                    f"at prompt {place + 1} of these",
                    "take the tokenizer.json that belongs to the model",
                )
            )
            break
    return TokenisedPrompts(population, tuple(pairs)), (*problems, *_alike(population, pairs, tokens))


def _diagnostic(population: Population, place: int, trouble: CannotDraw) -> Diagnostic:
    label = Label(population.span, f"drawing prompt {place + 1} of these")
    return Diagnostic(trouble.code, trouble.message, trouble.span, trouble.label, trouble.help, (label,))


def _pair(
    population: Population, place: int, tokens: Tokenizer, constants: sample.Constants, changed: sample.Changed | None
) -> PromptPair:
    name = (population.seed, population.purpose, place)
    first = sample.original(population.task, constants, name)
    if changed is None:
        return PromptPair(_prompt(first, tokens, name, population, {}), None)
    second = sample.alternate(changed, first, constants, name)
    target: dict[str, str] = {}
    if changed.given.target is not None:
        both = Names({}, {"original": first.values, "alternate": second.values})
        target["target"] = str(plain(evaluate(changed.given.target, both)))
    return PromptPair(
        _prompt(first, tokens, name, population, target), _prompt(second, tokens, (*name, "alternate"), population, {})
    )


def _prompt(
    drawn: sample.Drawn,
    tokens: Tokenizer,
    name: tuple[str | int, ...],
    population: Population,
    extra: Mapping[str, str],
) -> Prompt:
    budget.spend(budget.REALISED)
    rendered = drawn.prompt
    encoded = tokens.encode(rendered.text)
    if not encoded.ids:
        raise CannotDraw(
            "E434",
            "the tokenizer gives no token for this prompt",
            population.task.syntax.name_span,
            f"{rendered.text[:60]!r}",
            "write something into the prompt",
        )
    budget.spend(
        budget.MADE,
        (len(drawn.values) + (len(rendered.holes) + len(encoded.ids)) * len(population.task.positions))
        // sample.AT_A_GLANCE,
    )
    words = {key: str(value) for key, value in drawn.values.items() if isinstance(value, str)}
    words |= {key: str(plain(drawn.values[key])) for key in ("answer", "wrong") if key in drawn.values} | dict(extra)
    positions = {
        item.name: _token(item.place, drawn, encoded, name, item)
        for item in drawn.items
        if isinstance(item, ast.Position)
    }
    wanted = {key: value for key, value in words.items() if key not in ("prompt",)}
    ids = {key: _continued(value, rendered.text, encoded, tokens, population, key) for key, value in wanted.items()}
    lists = {key: tuple(map(str, value)) for key, value in drawn.values.items() if isinstance(value, list)}
    return Prompt(rendered.text, encoded.ids, positions, wanted, ids, _candidates(drawn), lists)


def _candidates(drawn: sample.Drawn) -> tuple[str, ...]:
    """The values of the list that the answer is an element of."""
    answer = next(item.drawing for item in drawn.items if isinstance(item, ast.Binding) and item.name == "answer")
    column = drawn.values.get(answer.name) if isinstance(answer, ast.Reference) else None
    return tuple(str(value) for value in column) if isinstance(column, list) else ()


def _continued(
    word: str, text: str, encoded: Encoded, tokens: Tokenizer, population: Population, name: str
) -> tuple[int, ...]:
    """The tokens of a word that follows the prompt: a space between, unless the prompt ends with one."""
    if not word and name not in EXPECTED:
        return ()
    if not word:
        raise CannotDraw(
            "E430",
            f"the {name} is empty",
            population.task.syntax.name_span,
            "what is expected after a prompt has a token",
            "leave the empty value out of the pool",
        )
    ids = after(tokens, text, encoded.ids, word)
    if not ids and name in EXPECTED:
        raise CannotDraw(
            "E430",
            f"the {name} `{word}` changes the prompt's own tokens",
            population.task.syntax.name_span,
            "written after the prompt it is not simply added",
            "end the prompt before a space, at a whole word",
        )
    return ids


# --- positions ---------------------------------------------------------------------------------------------------


def _token(
    place: ast.Place, drawn: sample.Drawn, encoded: Encoded, name: tuple[str | int, ...], item: ast.Position
) -> int:
    if isinstance(place, ast.EndOf) and place.text.plain == "prompt":
        return len(encoded.ids) - 1
    start, end = _characters(place, drawn, name, item)
    found = encoded.token_of(start, end)
    token = None if found is None else found + (place.offset if isinstance(place, ast.HolePlace) else 0)
    if token is None or not 0 <= token < len(encoded.ids):
        raise CannotDraw(
            "E431",
            f"the position `{item.name}` has no token",
            item.span,
            "",
            "what fills the hole must not be empty, and an offset must stay inside the prompt",
        )
    return token


def _characters(
    place: ast.Place, drawn: sample.Drawn, name: tuple[str | int, ...], item: ast.Position
) -> tuple[int, int]:
    holes = drawn.prompt.holes
    match place:
        case ast.EndOf(text):
            hits = [hole for hole in holes if hole.variable == text.name]
            return _only(hits, item, text.span)
        case ast.AnyOf(hole):
            hits = _matching(hole, holes, drawn)
            if not hits:
                return _only(hits, item, hole.span)
            chosen = sample.place_stream(name, item.name).one(hits)
            return chosen.start, chosen.end
        case ast.HolePlace(hole):
            return _only(_matching(hole, holes, drawn), item, hole.span)


def _matching(hole: ast.Reference, holes: tuple[Filled, ...], drawn: sample.Drawn) -> list[Filled]:
    variable, *rest = hole.rest
    hits = [
        filled
        for filled in holes
        if filled.text == hole.name and isinstance(variable, ast.Dotted) and filled.variable == variable.name
    ]
    for part in rest:
        if isinstance(part, ast.Subscript):
            column = drawn.values.get(variable.name) if isinstance(variable, ast.Dotted) else None
            wanted = index(part, column, drawn.names) if isinstance(column, list) else None
            hits = [filled for filled in hits if filled.element == wanted]
        elif hits and -len(hits) <= ORDINALS[part.name] < len(hits):
            hits = [hits[ORDINALS[part.name]]]
        else:
            hits = []
    return hits


def _only(hits: list[Filled], item: ast.Position, span: Span) -> tuple[int, int]:
    if len(hits) == 1:
        return hits[0].start, hits[0].end
    if not hits:
        raise CannotDraw(
            "E431",
            f"the position `{item.name}` is nowhere in this prompt",
            span,
            "",
            "name a hole that every prompt and alternate has",
        )
    raise CannotDraw(
        "E432",
        f"the position `{item.name}` is {len(hits)} places",
        span,
        "",
        "add `.first`, `.second` or `.last`, or choose an element",
    )


# --- what cannot be told apart -----------------------------------------------------------------------------------


def _alike(population: Population, pairs: list[PromptPair], tokens: Tokenizer) -> tuple[Diagnostic, ...]:
    return alike(population, _told_by(pairs, tokens), pairs[0].original.text, tokens) if pairs else ()


def _told_by(pairs: list[PromptPair], tokens: Tokenizer) -> Iterator[tuple[int, str]]:
    """Each word that is an answer, or could have been, with the token it is told by."""
    others: dict[str, None] = {}
    for pair in pairs:
        for name in EXPECTED:
            if pair.original.ids.get(name):
                yield pair.original.ids[name][0], pair.original.words[name]
        others.update(dict.fromkeys(pair.original.candidates))
    first = pairs[0].original
    for word in others:
        ids = after(tokens, first.text, first.token_ids, word)
        if ids:
            yield ids[0], word
