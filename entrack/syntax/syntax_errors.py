"""Syntax errors: a failure of the parser becomes a diagnostic, taught by example.

First the signs and words of other languages are looked for (`foreign_*.py`), then brackets,
then the lessons (`lessons/`): small wrong programs and what to say about each. A failure in the same kind of item that
leaves the parser in the same state, at the same kind of token, gets the same words. Any other failure gets the list of
what could have stood there.
"""

from __future__ import annotations

import re

from lark.exceptions import UnexpectedInput

from entrack.diagnostics import Diagnostic, nearest
from entrack.frozen import frozen
from entrack.source import Source, Span
from entrack.syntax.brackets import wrong_bracket
from entrack.syntax.failure import completes, inner_completes, terminals, word_at, word_of
from entrack.syntax.foreign_heads import heads_spelled, heads_written, misspelled
from entrack.syntax.foreign_metrics import metric_at
from entrack.syntax.foreign_signs import sign_at
from entrack.syntax.foreign_words import item_at
from entrack.syntax.grammar import Glued, parser
from entrack.syntax.limits import PIECE
from entrack.syntax.reader import reader
from entrack.syntax.taught import expected, lesson_of

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
    word = word_of(failure, source, offset)
    ended = offset >= len(source.text.rstrip())
    spelled = heads_spelled(source, item.start, offset) if item.word in ("group", "circuit") else None
    if spelled is not None:
        return spelled
    if not ended and not item.at_next:
        said = _unclosed_text(source, offset, word) or _foreign(failure, source, offset, word, item)
        if said is not None:
            return said
        if isinstance(failure, Glued):
            return _run_together(failure, source, offset)
        glued = _glued(source, offset)
        if glued is not None:
            return glued
    block = ended or item.at_next
    bracket = wrong_bracket(source, offset, item.start, item.end, ended=ended, block=block)
    return bracket or _taught(failure, source, offset, word, item, ended=ended)


def _unclosed_text(source: Source, offset: int, word: str) -> Diagnostic | None:
    if not word.startswith('"') and source.text[offset : offset + 1] != '"':
        return None
    end = source.text.find("\n", offset)
    rest = source.text[offset : None if end < 0 else end].rstrip()
    if rest.replace('\\"', "").count('"') % 2 == 0:
        return None
    span = Span(source.name, offset, offset + max(1, len(rest)))
    return Diagnostic("E103", "this text is not closed", span, help='end it with `"` on the same line')


def _foreign(failure: UnexpectedInput, source: Source, offset: int, word: str, item: Item) -> Diagnostic | None:
    """What is written otherwise here: mistyped or with capitals, as in another language, or as another tool does."""
    known = terminals(failure)
    metric = metric_at(source, item.start, offset) if item.word in ("measure", "discover") else None
    if metric is not None:
        return metric
    near = _near(failure, word, SURE)
    if near is not None:
        return _no_word(word, Span(source.name, offset, offset + len(word)), near)
    capital = _capital(source, offset)
    if capital is not None:
        help = f"write `{source.text[capital.start : capital.end].lower()}`"
        return Diagnostic("E104", "the words of the language are written in small letters", capital, help=help)
    text = source.text[item.start : item.end]
    heads = heads_written(text.split("\n", 1)[0]) if item.word == "group" else None
    if heads is not None and offset > item.start + text.find("="):
        return misspelled(Span(source.name, offset, offset + 1), heads)
    said = sign_at(source, offset, frozenset(map(parser().sign_of, known)))
    whole = "$END" in known and offset == item.start and word and word not in parser().item_words
    return item_at(source, offset, word) if said is None and whole else said


def _near(failure: UnexpectedInput, word: str, cutoff: float = 0.6) -> str | None:
    """The word of the language that could have stood there and is nearly `word`."""
    near = nearest(word, [known for known in map(parser().word_of, terminals(failure)) if known], cutoff)
    return near if word and near != word else None


def _no_word(word: str, span: Span, near: str) -> Diagnostic:
    return Diagnostic("E104", f"`{word}` is no word of the language here", span, help=f"did you mean `{near}`?")


def _run_together(failure: Glued, source: Source, offset: int) -> Diagnostic:
    whole = word_at(source.text, offset, 80)
    span, known = Span(source.name, offset, offset + len(whole)), terminals(failure)
    if whole[0].isdigit() and "NAME" in known and "INT" not in known:
        return Diagnostic("E104", "a name begins with a letter", span, help="choose a name such as `first` or `m2`")
    rest = whole[len(failure.token) :].lstrip("_")
    help = f"write `{failure.token} {rest}`" if rest and len(whole) < 80 else f"end `{failure.token}` with a space"
    return Diagnostic("E104", f"`{whole}` runs two words together", span, help=help)


def _glued(source: Source, offset: int) -> Diagnostic | None:
    """A number of another language just before the failure, which was read as a number and a name."""
    start = max(source.text.rfind("\n", 0, offset) + 1, offset - 40)
    found = re.search(r"(?<![\w.])(\d+(?:_\d+)+|\d+(?:\.\d+)?[eE]\d{1,2})[ \t]+$", source.text[start:offset])
    if found is None:
        return None
    plain = found.group(1).replace("_", "") if "_" in found.group(1) else f"{float(found.group(1)):.0f}"
    span = Span(source.name, start + found.start(1), start + found.end(1))
    return Diagnostic("E108", "a number is written with digits only", span, help=f"write `{plain}`")


def _capital(source: Source, offset: int) -> Span | None:
    """The word just before a failure, where it is a word of the language but for its capital letters."""
    start = max(0, offset - 40)
    before = re.search(r"(?<![\w.])([A-Za-z]+)[ \t]+$", source.text[start:offset])
    if before is None or before.group(1).islower() or before.group(1).lower() not in reader().words:
        return None
    return Span(source.name, start + before.start(1), start + before.end(1))


def _taught(failure: UnexpectedInput, source: Source, offset: int, word: str, item: Item, *, ended: bool) -> Diagnostic:
    shown = f"`{word or source.text[offset : offset + 1]}`"
    if ended:
        span = place = Span(source.name, max(0, offset - 1), max(1, offset))
        message, label = "the file ends in the middle of something", "the file ends here"
    else:
        span = Span(source.name, offset, min(len(source.text), offset + max(1, len(word))))
        place = span if completes(failure) or inner_completes(failure) else _back(source, span)
        message = f"{shown} cannot stand here"
        label = message if place == span else "something is missing after this"
    lesson = lesson_of(failure, item.word)
    if lesson is not None:
        return Diagnostic(lesson.code, lesson.message, place, label, lesson.help)
    near = _near(failure, word) if place == span else None
    if near is not None:
        return _no_word(word, span, near)
    return Diagnostic("E104", message, place, "" if ended or place == span else label, expected(failure))


def _back(source: Source, span: Span) -> Span:
    """Where the offending word begins a line, what is missing is missing at the end of the line before: point there."""
    bare = PIECE.sub(lambda m: m.group() if m.group()[0] != "#" else " " * len(m.group()), source.text[: span.start])
    before = bare.rstrip()
    if not before or "\n" not in source.text[len(before) : span.start] or before.endswith(("{", "}")):
        return span
    return Span(span.file, len(before) - 1, len(before))
