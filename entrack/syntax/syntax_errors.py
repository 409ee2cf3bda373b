"""Syntax errors: a failure of the parser becomes a diagnostic, taught by example.

First the habits of other languages are looked for (`foreign_idioms.py`), then brackets, then the lessons
(`lessons.py`): small wrong programs and what to say about each. A failure in the same kind of item that leaves the
parser in the same state, at the same kind of token, gets the same words. Any other failure gets the list of what could
have stood there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from attrs import frozen
from lark import Token
from lark.exceptions import UnexpectedInput

from entrack.diagnostics import Diagnostic, Label, nearest
from entrack.source import Source, Span
from entrack.syntax.foreign_idioms import heads_spelled, heads_written, item_at, sign_at
from entrack.syntax.grammar import Glued, parser
from entrack.syntax.lessons import TAUGHT, Lesson
from entrack.syntax.limits import PIECE

TERMS = {
    "NAME": "a name",
    "STRING": 'a text in "quotes"',
    "INT": "a whole number",
    "FLOAT": "a number",
    "HEAD": "a head such as 14.13",
    "RELATION": "a comparison such as >=",
    "PLUS": "+ or -",
    "MINUS": "+ or -",
    "TIMES": "* or /",
    "LETTERS": "letters such as A..Z",
    "$END": "the end",
    "FIGURE_OPTION": "`by`, `coloured by` or `error`",
}
CLOSING = {"{": "}", "[": "]", "(": ")"}
SURE = 0.83


@frozen
class Item:
    """The item that a failure stands in: where it begins and ends, and whether the failure is at the beginning of
    the next one."""

    start: int
    end: int
    word: str
    at_next: bool


def explain(failure: UnexpectedInput, source: Source, offset: int, item: Item) -> Diagnostic:
    """One diagnostic for a failure of the parser at `offset`."""
    word = _word(failure, source, offset)
    span = Span(source.name, offset, min(len(source.text), offset + max(1, len(word))))
    ended = offset >= len(source.text.rstrip())
    spelled = heads_spelled(source, item.start, offset) if item.word in ("group", "circuit") else None
    if spelled is not None:
        return Diagnostic(spelled.code, spelled.message, spelled.span, "", spelled.help)
    if not ended and not item.at_next:
        said = _unclosed_text(source, offset, span, word) or _habit(failure, source, offset, word, item)
        if said is not None:
            return said
        if isinstance(failure, Glued):
            return _run_together(failure, source, offset)
        glued = _glued(source, offset)
        if glued is not None:
            return glued
    return _brackets(source, offset, item, ended=ended) or _taught(failure, source, span, word, item, ended=ended)


def completes(failure: UnexpectedInput) -> bool:
    """Whether the text before the failure is whole: an item could begin, or the file end there."""
    return "$END" in _terminals(failure)


def inner_completes(failure: UnexpectedInput) -> bool:
    """Whether the block round the failure could end before it."""
    return "RBRACE" in _terminals(failure)


def _unclosed_text(source: Source, offset: int, span: Span, word: str) -> Diagnostic | None:
    if not word.startswith('"') and source.text[offset : offset + 1] != '"':
        return None
    end = source.text.find("\n", offset)
    rest = source.text[offset : None if end < 0 else end].rstrip()
    if rest.replace('\\"', "").count('"') % 2 == 0:
        return None
    return Diagnostic(
        "E103",
        "this text is not closed",
        Span(span.file, offset, offset + max(1, len(rest))),
        "",
        'end it with `"` on the same line',
    )


def _habit(failure: UnexpectedInput, source: Source, offset: int, word: str, item: Item) -> Diagnostic | None:
    terminals = _terminals(failure)
    whole = "$END" in terminals and offset == item.start
    words = [known for known in map(parser().word_of, terminals) if known]
    near = nearest(word, words, SURE) if word else None
    if near is not None and near != word:
        return Diagnostic(
            "E104",
            f"{_quoted(word)} is no word of the language here",
            Span(source.name, offset, offset + len(word)),
            "",
            f"did you mean `{near}`?",
        )
    capital = _capital(source, offset)
    if capital is not None:
        return Diagnostic(
            "E104",
            "the words of the language are written in small letters",
            capital,
            "",
            f"write `{source.text[capital.start : capital.end].lower()}`",
        )
    heads = heads_written(source.text[item.start : item.end].split("\n", 1)[0]) if item.word == "group" else None
    if heads is not None and offset > item.start + source.text[item.start : item.end].find("="):
        return Diagnostic(
            "E118",
            "heads are written layer.head, with spaces between",
            Span(source.name, offset, offset + 1),
            "",
            f"write `{heads}`",
        )
    said = sign_at(source, offset, frozenset(parser().sign_of(name) for name in terminals))
    if said is None and whole and word and word not in parser().item_words:
        said = item_at(source, offset, word)
    return None if said is None else Diagnostic(said.code, said.message, said.span, "", said.help)


def _run_together(failure: Glued, source: Source, offset: int) -> Diagnostic:
    whole = "".join(_word_characters(source.text[offset : offset + 80]))
    rest = whole[len(failure.token) :].lstrip("_")
    if whole[0].isdigit() and "NAME" in _terminals(failure) and "INT" not in _terminals(failure):
        return Diagnostic(
            "E104",
            "a name begins with a letter",
            Span(source.name, offset, offset + len(whole)),
            "",
            "choose a name such as `first` or `m2`",
        )
    help = f"write `{failure.token} {rest}`" if rest and len(whole) < 80 else f"end `{failure.token}` with a space"
    return Diagnostic(
        "E104", f"{_quoted(whole)} runs two words together", Span(source.name, offset, offset + len(whole)), "", help
    )


def _glued(source: Source, offset: int) -> Diagnostic | None:
    """A number of another language just before the failure, which was read as a number and a name."""
    start = max(source.text.rfind("\n", 0, offset) + 1, offset - 40)
    found = re.search(r"(?<![\w.])(\d+(?:_\d+)+|\d+(?:\.\d+)?[eE]\d{1,2})[ \t]+$", source.text[start:offset])
    if found is None:
        return None
    plain = found.group(1).replace("_", "") if "_" in found.group(1) else f"{float(found.group(1)):.0f}"
    return Diagnostic(
        "E108",
        "a number is written with digits only",
        Span(source.name, start + found.start(1), start + found.end(1)),
        "",
        f"write `{plain}`",
    )


def _capital(source: Source, offset: int) -> Span | None:
    """The word just before a failure, where it is a word of the language but for its capital letters."""
    before = re.search(r"(?<![\w.])([A-Za-z]+)[ \t]+$", source.text[max(0, offset - 40) : offset])
    if before is None or before.group(1).lower() == before.group(1) or before.group(1).lower() not in parser().words:
        return None
    start = max(0, offset - 40) + before.start(1)
    return Span(source.name, start, start + len(before.group(1)))


def _brackets(source: Source, offset: int, item: Item, *, ended: bool) -> Diagnostic | None:
    """A bracket of the item that is never closed, or closed by another, or that closes nothing."""
    stack: list[int] = []
    for match in PIECE.finditer(source.text, item.start, item.end):
        piece, place = match.group(), match.start()
        if piece in ("(", "[", "{"):
            stack.append(place)
        elif piece in (")", "]", "}") and not stack:
            return _bracket(source, place, f"`{piece}` closes nothing", "", "delete it") if place == offset else None
        elif piece in (")", "]", "}"):
            opened = source.text[stack.pop()]
            if piece != CLOSING[opened]:
                return _mismatched(source, place, opened) if place >= offset else None
    inner = [place for place in stack if place < offset]
    if not inner:
        return None
    opened = source.text[inner[-1]]
    if opened == "{" and not (ended or item.at_next):
        return None
    closing = CLOSING[opened]
    where = (
        ""
        if ended
        else f" before {_quoted(''.join(_word_characters(source.text[offset : offset + 40])) or source.text[offset])}"
    )
    related = () if ended else (Label(Span(source.name, offset, offset + 1), "still open here"),)
    return _bracket(
        source, inner[-1], f"`{opened}` is never closed", "opened here", f"write `{closing}`{where}", related
    )


def _mismatched(source: Source, place: int, opened: str) -> Diagnostic:
    return _bracket(
        source, place, f"`{opened}` is closed by `{source.text[place]}`", "", f"write `{CLOSING[opened]}` before it"
    )


def _bracket(
    source: Source, place: int, message: str, label: str, help: str, related: tuple[Label, ...] = ()
) -> Diagnostic:
    return Diagnostic("E106", message, Span(source.name, place, place + 1), label, help, related)


def _taught(failure: UnexpectedInput, source: Source, span: Span, word: str, item: Item, *, ended: bool) -> Diagnostic:
    lesson = _lesson(failure, item)
    place = span if completes(failure) or inner_completes(failure) else _back(source, span)
    missing = "the file ends here" if ended else "something is missing after this"
    if ended:
        place = span = Span(source.name, max(0, span.start - 1), max(1, span.start))
    shown = _quoted(word) if word else _quoted(source.text[span.start])
    label = f"{shown} cannot stand here" if place == span and not ended else missing
    if lesson is not None:
        return Diagnostic(lesson.code, lesson.message, place, label, lesson.help)
    near = nearest(word, filter(None, map(parser().word_of, _terminals(failure)))) if word else None
    if near and near != word and place == span:
        return Diagnostic("E104", f"{shown} is no word of the language here", span, "", f"did you mean `{near}`?")
    return Diagnostic(
        "E104",
        "the file ends in the middle of something" if ended else f"{shown} cannot stand here",
        place,
        "" if label != missing or ended else missing,
        _expected(failure),
    )


def _lesson(failure: UnexpectedInput, item: Item) -> Lesson | None:
    exact, near, first = _lessons(item.word)
    state = _state(failure)
    found = exact.get((state, _token_type(failure))) or near.get(state)
    return found or (
        None if inner_completes(failure) or (completes(failure) and item.word not in parser().item_words) else first
    )


@cache
def _lessons(word: str) -> tuple[dict[tuple[object, str], Lesson], dict[object, Lesson], Lesson | None]:
    """What the examples that begin with a word teach: by parser state and kind of token, by state alone, and in
    general."""
    exact: dict[tuple[object, str], Lesson] = {}
    near: dict[object, Lesson] = {}
    first: Lesson | None = None
    for lesson in TAUGHT:
        for example in lesson.examples:
            if example.split()[0] != word:
                continue
            failure = failure_of(example)
            if failure is None:
                continue
            exact.setdefault((_state(failure), _token_type(failure)), lesson)
            near.setdefault(_state(failure), lesson)
            first = first or lesson
    for state in _too_general():
        near.pop(state, None)
    return exact, near, first


@cache
def _too_general() -> tuple[object, ...]:
    """States in which anything may have gone wrong: there, only the same kind of token means the same mistake."""
    failures = (
        failure_of(text)
        for text in (
            "= 3",
            "seed 3 = 4",
            "measure m = accuracy(b) on 5 t 3",
            "model m = x 3",
            "discover c in b on 3 t against s screen 3 3",
        )
    )
    return tuple(_state(failure) for failure in failures if failure is not None)


def failure_of(example: str) -> UnexpectedInput | None:
    """How the parser fails at an example; None where it does not, so that the example teaches nothing."""
    try:
        parser().tree(example)
    except UnexpectedInput as failure:
        return failure
    return None


def _state(failure: UnexpectedInput) -> object:
    state = getattr(failure, "state", None)
    return getattr(state, "position", state)


def _token_type(failure: UnexpectedInput) -> str:
    token = getattr(failure, "token", None)
    return token.type if isinstance(token, Token) else "?"


def _word(failure: UnexpectedInput, source: Source, offset: int) -> str:
    token = getattr(failure, "token", None)
    if isinstance(token, Token) and token.type != "$END":
        return str(token)
    return "".join(_word_characters(source.text[offset : offset + 40]))


def _word_characters(text: str) -> Iterable[str]:
    for character in text:
        if not (character.isalnum() or character == "_"):
            return
        yield character


def _terminals(failure: UnexpectedInput) -> frozenset[str]:
    """The terminals that could have stood where a parse failed."""
    inner = getattr(failure, "interactive_parser", None)
    return frozenset(inner.accepts()) if inner is not None else frozenset(getattr(failure, "allowed", None) or ())


def _expected(failure: UnexpectedInput) -> str:
    terminals = _terminals(failure)
    if {"MODEL", "TASK", "MEASURE"} <= terminals:
        return (
            "an item begins here, such as `model`, `task`, `alternate`, `discover`, `intervention`, "
            "`measure` or `claim`"
        )
    wanted = sorted(
        {TERMS.get(name) or _quoted(parser().sign_of(name)) for name in terminals},
        key=lambda text: (not text.startswith("`"), text),
    )
    return f"expected {_listed(wanted)}"


def _listed(wanted: list[str]) -> str:
    if len(wanted) > 8:
        return ", ".join(wanted[:8]) + ", ..."
    return " or ".join([", ".join(wanted[:-1]), wanted[-1]]) if len(wanted) > 1 else "".join(wanted)


def _quoted(text: str) -> str:
    return f"`{text}`"


def _back(source: Source, span: Span) -> Span:
    """Where the offending word begins a line, what is missing is missing at the end of the line before: point there."""
    bare = PIECE.sub(lambda m: m.group() if m.group()[0] != "#" else " " * len(m.group()), source.text[: span.start])
    before = bare.rstrip()
    if not before or "\n" not in source.text[len(before) : span.start] or before.endswith(("{", "}")):
        return span
    return Span(span.file, len(before) - 1, len(before))
