"""Holes: a text with `{...}` in it as its parts. `{{` and `}}` stand for the brackets themselves."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TypeVar, cast

from attrs import evolve, fields, has

from entrack.frozen import frozen
from entrack.source import Span
from entrack.syntax import ast
from entrack.syntax.pieces import parse_reference

T = TypeVar("T")


@frozen
class BadHole:
    """A hole that holds no reference, or an unmatched bracket."""

    text: str
    span: Span


Part = str | ast.Reference | BadHole
BRACKET = re.compile(r"[{}]")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""A hole that holds just a name, as most do, needs no parser."""


def parts(string: ast.String) -> tuple[Part, ...]:
    """The literal pieces and holes of a text, in order."""
    return _parts(string.value, string.span)


@lru_cache(maxsize=1 << 14)
def _parts(value: str, span: Span) -> tuple[Part, ...]:
    found: list[Part] = []
    literal: list[str] = []
    place = 0
    while (bracket := BRACKET.search(value, place)) is not None:
        start, sign = bracket.start(), bracket.group()
        literal.append(value[place:start])
        if value[start : start + 2] in ("{{", "}}"):
            literal.append(sign)
            place = start + 2
        elif sign == "{":
            end = value.find("}", start)
            found.extend(_joined(literal))
            stop = end if end >= 0 else len(value)
            found.append(_hole(value[start + 1 : stop], span, start + 1, closed=end >= 0))
            place = stop + 1
        else:
            found.append(BadHole("}", _inside(span, start, 1)))
            place = start + 1
    return (*found, *_joined([*literal, value[place:]]))


def _joined(literal: list[str]) -> list[str]:
    """The pieces of a literal as one, if there is any; none are left."""
    text = "".join(literal)
    literal.clear()
    return [text] if text else []


def _hole(inner: str, span: Span, place: int, *, closed: bool) -> Part:
    where = _inside(span, place, max(1, len(inner)))
    if closed and NAME.fullmatch(inner):
        return ast.Reference(inner, (), span=where)
    reference = _reference(inner, where.file) if closed else None
    return evolve(_moved(reference, where.start), span=where) if reference is not None else BadHole(inner, where)


@lru_cache(maxsize=1 << 12)
def _reference(inner: str, file: str) -> ast.Reference | None:
    """What a hole holds, placed from its own beginning on: many holes hold the same."""
    return parse_reference(inner, file, 0)


def _moved(node: T, by: int) -> T:
    """A piece of a program as it stands so many characters further on. Every value is made anew: each has a span,
    and a text may have many holes."""
    if isinstance(node, Span):
        return cast(T, Span(node.file, node.start + by, node.end + by))
    if isinstance(node, tuple):
        return cast(T, tuple(_moved(part, by) for part in node))
    kind: type = type(node)
    names = _fields(kind)
    return kind(**{name: _moved(getattr(node, name), by) for name in names}) if names else node


@cache
def _fields(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind)) if has(kind) else ()


def _inside(span: Span, place: int, length: int) -> Span:
    """A place inside a string literal; after an escape it is off by one, which only moves the mark."""
    start = span.start + 1 + place
    return Span(span.file, start, start + length)
