"""Holes: a text with `{...}` in it as its parts. `{{` and `}}` stand for the brackets themselves."""

from __future__ import annotations

from functools import lru_cache

from attrs import frozen

from entrack.source import Span
from entrack.syntax import ast
from entrack.syntax.parse import parse_reference


@frozen
class BadHole:
    """A hole that holds no reference, or an unmatched bracket."""

    text: str
    span: Span


Part = str | ast.Reference | BadHole


def parts(string: ast.String) -> tuple[Part, ...]:
    """The literal pieces and holes of a text, in order."""
    return _parts(string.value, string.span)


@lru_cache(maxsize=4096)
def _parts(value: str, span: Span) -> tuple[Part, ...]:
    found: list[Part] = []
    literal, place = "", 0
    while place < len(value):
        character = value[place]
        if value[place : place + 2] in ("{{", "}}"):
            literal, place = literal + character, place + 2
        elif character == "{":
            end = value.find("}", place)
            found.extend([literal] if literal else [])
            literal = ""
            stop = end if end >= 0 else len(value)
            found.append(_hole(value[place + 1 : stop], span, place + 1, closed=end >= 0))
            place = stop + 1
        elif character == "}":
            found.append(BadHole("}", _inside(span, place, 1)))
            place += 1
        else:
            literal, place = literal + character, place + 1
    return (*found, literal) if literal else tuple(found)


def _hole(inner: str, span: Span, place: int, closed: bool) -> Part:
    where = _inside(span, place, max(1, len(inner)))
    reference = parse_reference(inner, where.file, where.start) if closed else None
    return reference if reference is not None else BadHole(inner, where)


def _inside(span: Span, place: int, length: int) -> Span:
    """A place inside a string literal; after an escape it is off by one, which only moves the mark."""
    start = span.start + 1 + place
    return Span(span.file, start, start + length)
