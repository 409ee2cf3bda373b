"""Positions: from a place as written, and a prompt as drawn, to the index of a token."""

from __future__ import annotations

from attrs import evolve

from entrack.check.row_positions import least_parts, without_ordinal
from entrack.check.tables import Row
from entrack.check.texts import ORDINALS
from entrack.prompts.tokenizer import Encoded
from entrack.prompts.values import CannotDraw, Filled, Names, plain
from entrack.prompts.words import found_in, words_in
from entrack.source import Span
from entrack.syntax import ast
from plain_prompts import sample
from plain_prompts.evaluate import evaluate, index, number


def token_of(
    place: ast.Place, drawn: sample.Drawn, encoded: Encoded, name: tuple[str | int, ...], item: ast.Position
) -> int:
    """The index of the token of a position. Raises CannotDraw."""
    if isinstance(place, ast.EndOf) and place.text.plain == "prompt":
        return len(encoded.ids) - 1
    found = _numbered_token(place, drawn)
    if found is None:
        found = encoded.token_of(*_characters(place, drawn, name, item))
    token = None if found is None else found + (place.offset if isinstance(place, ast.HolePlace | ast.TextIn) else 0)
    if token is None or not 0 <= token < len(encoded.ids):
        raise CannotDraw(
            "E431",
            f"the position `{item.name}` has no token",
            item.span,
            "",
            "what fills the hole must not be empty, and an offset must stay inside the prompt",
        )
    return token


def tokens_of(place: ast.SpanOf, drawn: sample.Drawn, encoded: Encoded, item: ast.Position) -> tuple[int, ...]:
    """Every token that stands for any character of a text, or of what fills a hole. Raises CannotDraw."""
    whole = not place.hole.rest
    hits = [] if whole else _matching(place.hole, tuple(drawn.prompt.holes), drawn)
    start, end = _whole_text(place.hole, drawn, item) if whole else _only(hits, item, place.hole.span)
    tokens = encoded.tokens_of(start, end)
    if not tokens:
        raise CannotDraw(
            "E431", f"the span `{item.name}` has no token", item.span, "", "what fills the hole must not be empty"
        )
    return tokens


def _numbered_token(place: ast.Place, drawn: sample.Drawn) -> int | None:
    """The token of `prompt.token[3]`; None for any other place."""
    match place:
        case ast.HolePlace(ast.Reference("prompt", (ast.Dotted("token") as unit, ast.Subscript((at,)))) as hole):
            if not _matching(evolve(hole, rest=(unit,)), tuple(drawn.prompt.holes), drawn):
                return number(at, drawn.names)  # type: ignore[arg-type]  # one index: checked
    return None


def _characters(
    place: ast.Place, drawn: sample.Drawn, name: tuple[str | int, ...], item: ast.Position
) -> tuple[int, int]:
    holes = tuple(drawn.prompt.holes)
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
        case ast.TextIn(text, within):
            return _found_text(text, within, drawn, item)
        case ast.HolePlace(hole) | ast.SpanOf(hole):
            return _word(hole, drawn, item) or _only(_matching(hole, holes, drawn), item, hole.span)


def _found_text(text: ast.Reference, within: ast.Reference, drawn: sample.Drawn, item: ast.Position) -> tuple[int, int]:
    """Where `row.subject` stands in a text of the prompt."""
    names = drawn.names
    looked_for, which = without_ordinal(text, least_parts(text, names.others, is_row=_is_row(text, names)))
    wanted = str(plain(evaluate(looked_for, names)))
    start, end = _whole_text(within, drawn, item)
    places = [place + start for place in found_in(drawn.prompt.text[start:end], wanted)]
    hits = [Filled("", wanted, None, place, place + len(wanted)) for place in places]
    if which is not None:
        hits = [hits[which]] if -len(hits) <= which < len(hits) else []
    return _only(hits, item, text.span)


def _is_row(text: ast.Reference, names: Names) -> bool:
    if text.name in names.others and text.rest and isinstance(text.rest[0], ast.Dotted):
        return isinstance(names.others[text.name].get(text.rest[0].name), Row)
    return isinstance(names.values.get(text.name), Row)


def _whole_text(text: ast.Reference, drawn: sample.Drawn, item: ast.Position) -> tuple[int, int]:
    """The characters of a text of the prompt."""
    if text.plain == "prompt":
        return 0, len(drawn.prompt.text)
    return _only([hole for hole in tuple(drawn.prompt.holes) if hole.variable == text.name], item, text.span)


def _word(hole: ast.Reference, drawn: sample.Drawn, item: ast.Position) -> tuple[int, int] | None:
    """The characters of `prompt.word[3]`; None for any other place."""
    match hole.rest:
        case (ast.Dotted("word") as unit, ast.Subscript((at,))):
            if _matching(evolve(hole, rest=(unit,)), tuple(drawn.prompt.holes), drawn):
                return None
            start, end = _whole_text(ast.Reference(hole.name, span=hole.span), drawn, item)
            words = words_in(drawn.prompt.text[start:end])
            place = number(at, drawn.names)  # type: ignore[arg-type]  # one index: checked
            if not 0 <= place < len(words):
                raise CannotDraw(
                    "E431", f"there is no word {place}", hole.span, f"the text has {len(words)}", "words count from 0"
                )
            return start + words[place][0], start + words[place][1]
    return None


def _matching(hole: ast.Reference, holes: tuple[Filled, ...], drawn: sample.Drawn) -> list[Filled]:
    variable, *rest = hole.rest
    called = variable.name if isinstance(variable, ast.Dotted) else ""
    if isinstance(drawn.values.get(called), Row) and rest and isinstance(under := rest[0], ast.Dotted):
        called, rest = f"{called}.{under.name}", rest[1:]
    hits = [filled for filled in holes if filled.text == hole.name and filled.variable == called]
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
