"""Positions: a place as written, compiled once to a function from a prompt as drawn to the index of a token."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attrs import evolve

from entrack.check.row_positions import least_parts, without_ordinal
from entrack.check.tables import Row
from entrack.check.texts import ORDINALS
from entrack.frozen import frozen
from entrack.prompts import sample
from entrack.prompts.evaluate import Column, Count, Evaluate, compiled, compiled_index, compiled_number
from entrack.prompts.tokenizer import Encoded
from entrack.prompts.values import CannotDraw, Filled, Names, Some, named, plain
from entrack.prompts.words import found_in, words_in
from entrack.source import Span
from entrack.syntax import ast

Name = tuple[str | int, ...]
Token = Callable[[sample.Drawn, Encoded, Name], int]
Tokens = Callable[[sample.Drawn, Encoded], tuple[int, ...]]
Characters = Callable[[sample.Drawn, Name], tuple[int, int]]
Hits = Callable[[sample.Drawn], Sequence[Filled]]
Narrowed = Callable[[Sequence[Filled], sample.Drawn], Sequence[Filled]]


def compiled_token(item: ast.Position) -> Token:
    """The index of the token of a position, which is no span. Raises CannotDraw."""
    place = item.place
    if isinstance(place, ast.EndOf) and place.text.plain == "prompt":
        return lambda drawn, encoded, name: len(encoded.ids) - 1
    numbered, characters = _numbered(place), _characters(item)
    offset = place.offset if isinstance(place, ast.HolePlace | ast.TextIn) else 0

    def token_of(drawn: sample.Drawn, encoded: Encoded, name: Name) -> int:
        found = None if numbered is None else numbered(drawn)
        if found is None:
            found = encoded.token_of(*characters(drawn, name))
        if found is None or not 0 <= found + offset < len(encoded.ids):
            raise CannotDraw(
                "E431",
                f"the position `{item.name}` has no token",
                item.span,
                "",
                "what fills the hole must not be empty, and an offset must stay inside the prompt",
            )
        return found + offset

    return token_of


def compiled_tokens(place: ast.SpanOf, item: ast.Position) -> Tokens:
    """Every token that stands for any character of a text, or of what fills a hole. Raises CannotDraw."""
    characters = _only(_matching(place.hole), item, place.hole.span) if place.hole.rest else _whole(place.hole, item)

    def tokens_of(drawn: sample.Drawn, encoded: Encoded) -> tuple[int, ...]:
        tokens = encoded.tokens_of(*characters(drawn))
        if not tokens:
            raise CannotDraw(
                "E431", f"the span `{item.name}` has no token", item.span, "", "what fills the hole must not be empty"
            )
        return tokens

    return tokens_of


def _numbered(place: ast.Place) -> Callable[[sample.Drawn], int | None] | None:
    """The token of `prompt.token[3]`, where that is no hole; None for any other place."""
    match place:
        case ast.HolePlace(ast.Reference("prompt", (ast.Dotted("token") as unit, ast.Subscript((at,)))) as hole):
            number = compiled_number(at)  # type: ignore[arg-type]  # one index: checked
            hits = _matching(evolve(hole, rest=(unit,)))
            return lambda drawn: None if hits(drawn) else number(drawn.names)
    return None


def _characters(item: ast.Position) -> Characters:
    match item.place:
        case ast.EndOf(text):
            end = _only(_text(text), item, text.span)
            return lambda drawn, name: end(drawn)
        case ast.AnyOf(hole):
            return _any(hole, item)
        case ast.TextIn(text, within):
            return _found_text(text, within, item)
        case ast.HolePlace(hole) | ast.SpanOf(hole):
            word, place = _word(hole, item), _only(_matching(hole), item, hole.span)
            if word is None:
                return lambda drawn, name: place(drawn)
            return lambda drawn, name: word(drawn) or place(drawn)


def _any(hole: ast.Reference, item: ast.Position) -> Characters:
    """One of several places, drawn."""
    matching = _matching(hole)

    def characters(drawn: sample.Drawn, name: Name) -> tuple[int, int]:
        hits = matching(drawn)
        if not hits:
            raise _nowhere(item, hole.span)
        chosen = sample.place_stream(name, item.name).one(hits)
        return chosen.start, chosen.end

    return characters


def _found_text(text: ast.Reference, within: ast.Reference, item: ast.Position) -> Characters:
    """Where `row.subject` stands in a text of the prompt."""
    whole, looked_for = _whole(within, item), {least: _looked_for(text, least) for least in range(3)}

    def characters(drawn: sample.Drawn, name: Name) -> tuple[int, int]:
        names = drawn.names
        value, which = looked_for[least_parts(text, names.others, is_row=_is_row(text, names))]
        wanted = str(plain(value(names)))
        start, end = whole(drawn)
        places = [place + start for place in found_in(drawn.prompt.text[start:end], wanted)]
        hits = [Filled("", wanted, None, place, place + len(wanted)) for place in places]
        if which is not None:
            hits = [hits[which]] if -len(hits) <= which < len(hits) else []
        return _one(hits, item, text.span)

    return characters


def _looked_for(text: ast.Reference, least: int) -> tuple[Evaluate, int | None]:
    """What is looked for, and which of several it is, where a text needs so many names after the first."""
    value, which = without_ordinal(text, least)
    return compiled(value), which


def _is_row(text: ast.Reference, names: Names) -> bool:
    if text.name in names.others and text.rest and isinstance(text.rest[0], ast.Dotted):
        return isinstance(names.others[text.name].get(text.rest[0].name), Row)
    return isinstance(names.values.get(text.name), Row)


def _whole(text: ast.Reference, item: ast.Position) -> Callable[[sample.Drawn], tuple[int, int]]:
    """The characters of a text of the prompt."""
    if text.plain == "prompt":
        return lambda drawn: (0, len(drawn.prompt.text))
    return _only(_text(text), item, text.span)


def _text(text: ast.Reference) -> Hits:
    """Where a text of this name fills a hole."""
    name = text.name
    return lambda drawn: [hole for hole in drawn.prompt.holes if hole.variable == name]


def _word(hole: ast.Reference, item: ast.Position) -> Callable[[sample.Drawn], tuple[int, int] | None] | None:
    """The characters of `prompt.word[3]`, where that is no hole; None for any other place."""
    match hole.rest:
        case (ast.Dotted("word") as unit, ast.Subscript((at,))):
            hits, whole = _matching(evolve(hole, rest=(unit,))), _whole(ast.Reference(hole.name, span=hole.span), item)
            number = compiled_number(at)  # type: ignore[arg-type]  # one index: checked
            return lambda drawn: None if hits(drawn) else _numbered_word(drawn, *whole(drawn), number, hole.span)
    return None


def _numbered_word(drawn: sample.Drawn, start: int, end: int, number: Count, span: Span) -> tuple[int, int]:
    words = words_in(drawn.prompt.text[start:end])
    place = number(drawn.names)
    if not 0 <= place < len(words):
        raise CannotDraw("E431", f"there is no word {place}", span, f"the text has {len(words)}", "words count from 0")
    return start + words[place][0], start + words[place][1]


# --- holes -------------------------------------------------------------------------------------------------------


def _matching(hole: ast.Reference) -> Hits:
    """The holes of a prompt that `text.variable`, with what follows it, names."""
    variable, *rest = hole.rest
    called = variable.name if isinstance(variable, ast.Dotted) else ""
    under = rest[0].name if rest and isinstance(rest[0], ast.Dotted) else None
    narrowed = [_narrowed(part, called) for part in rest]

    def matching(drawn: sample.Drawn) -> Sequence[Filled]:
        row = under is not None and isinstance(drawn.values.get(called), Row)
        name, steps = (f"{called}.{under}", narrowed[1:]) if row else (called, narrowed)
        element: Some = ...
        if steps and isinstance(steps[0], _Element):
            element, steps = steps[0].wanted(drawn), steps[1:]
        hits: Sequence[Filled] = named(drawn.prompt.holes, hole.name, name, element)
        for step in steps:
            hits = step(hits, drawn)
        return hits

    return matching


def _narrowed(part: ast.Dotted | ast.Subscript, called: str) -> Narrowed:
    """Those of several holes that an index, or an ordinal, names."""
    if isinstance(part, ast.Dotted):
        return lambda hits, drawn: _which(hits, part.name)
    return _Element(called, compiled_index(part))


@frozen
class _Element:
    """The holes that are filled with an element of a list."""

    called: str
    index: Callable[[Column, Names], int]

    def wanted(self, drawn: sample.Drawn) -> int | None:
        """The place of the element; None where there is no list."""
        column = drawn.values.get(self.called)
        return self.index(column, drawn.names) if isinstance(column, list) else None

    def __call__(self, hits: Sequence[Filled], drawn: sample.Drawn) -> Sequence[Filled]:
        wanted = self.wanted(drawn)
        return [filled for filled in hits if filled.element == wanted]


def _which(hits: Sequence[Filled], ordinal: str) -> Sequence[Filled]:
    return [hits[ORDINALS[ordinal]]] if hits and -len(hits) <= ORDINALS[ordinal] < len(hits) else []


def _only(hits: Hits, item: ast.Position, span: Span) -> Callable[[sample.Drawn], tuple[int, int]]:
    return lambda drawn: _one(hits(drawn), item, span)


def _one(hits: Sequence[Filled], item: ast.Position, span: Span) -> tuple[int, int]:
    if len(hits) == 1:
        return hits[0].start, hits[0].end
    if not hits:
        raise _nowhere(item, span)
    raise CannotDraw(
        "E432",
        f"the position `{item.name}` is {len(hits)} places",
        span,
        "",
        "add `.first`, `.second` or `.last`, or choose an element",
    )


def _nowhere(item: ast.Position, span: Span) -> CannotDraw:
    return CannotDraw(
        "E431",
        f"the position `{item.name}` is nowhere in this prompt",
        span,
        "",
        "name a hole that every prompt and alternate has",
    )
