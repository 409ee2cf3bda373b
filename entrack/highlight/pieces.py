"""A spec's text as pieces, each of one kind: their texts one after the other are the text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from functools import cache

from entrack.vocabulary import GIVEN, item_words, signs, terminals, words


class Kind(Enum):
    """What a piece of a spec is. The value is its name in HTML and LaTeX."""

    BLANK = "blank"
    COMMENT = "comment"
    ITEM = "item"
    """A word that an item begins with."""
    WORD = "word"
    """Another word of the language."""
    GIVEN = "given"
    """A name that every spec has."""
    DECLARED = "declared"
    """The name that an item declares."""
    CALLED = "called"
    """A name before a bracket."""
    NAME = "name"
    SITE = "site"
    NUMBER = "number"
    STRING = "string"
    ESCAPE = "escape"
    """In a string, what stands for another character."""
    HOLE = "hole"
    """In a string, what a variable takes the place of."""
    SIGN = "sign"
    OTHER = "other"
    """What no spec may hold outside of strings and comments."""


Piece = tuple[Kind, str]
INSIDE = re.compile(r"(?P<escape>\\u\{[0-9A-Fa-f]{1,6}\}|\\.|\{\{|\}\})|(?P<hole>\{[^{}\"]*\})")
NAMELESS = ("about", "claim", "entrack", "figure", "include", "seed", "table")
"""Items that declare no name."""
FORMS = (
    (Kind.BLANK, ("WS",)),
    (Kind.COMMENT, ("COMMENT",)),
    (Kind.STRING, ("STRING",)),
    (Kind.SITE, ("SITE", "COMPUTED", "EMBEDDING")),
    (Kind.NUMBER, ("LETTERS", "HEAD", "FLOAT", "INT")),
    (Kind.NAME, ("NAME",)),
)
"""Kinds and the terminals of the grammar that they are, in the order in which they are tried."""


def pieces(text: str) -> tuple[Piece, ...]:
    """The pieces of a text. `"".join(piece for _, piece in pieces(text)) == text`, whatever the text."""
    return tuple(_within_strings(_told(text)))


def _told(text: str) -> Iterator[Piece]:
    before = last = ""
    for match in _scanner().finditer(text):
        kind, piece = Kind(match.lastgroup), match.group()
        if kind is Kind.NAME:
            kind = _of_name(piece, before, last, text[match.end() :][:1])
        yield kind, piece
        if kind not in (Kind.BLANK, Kind.COMMENT):
            before, last = piece, text[match.end() - 1]


def _of_name(name: str, before: str, last: str, after: str) -> Kind:
    """`before` is the piece before it, which ends in `last`; `after` the next character. After a `.` no word is one of
    the language."""
    if last == ".":
        return Kind.NAME
    if before in item_words() and before not in NAMELESS:
        return Kind.DECLARED
    if after == "." and name in (*GIVEN, "alternate"):
        return Kind.GIVEN
    if name in item_words():
        return Kind.ITEM
    if name in words():
        return Kind.WORD
    if name in GIVEN:
        return Kind.GIVEN
    return Kind.CALLED if after == "(" else Kind.NAME


def _within_strings(found: Iterator[Piece]) -> Iterator[Piece]:
    for kind, piece in found:
        if kind is not Kind.STRING:
            yield kind, piece
            continue
        end = 0
        for match in INSIDE.finditer(piece):
            if match.start() > end:
                yield Kind.STRING, piece[end : match.start()]
            yield Kind(match.lastgroup), match.group()
            end = match.end()
        yield Kind.STRING, piece[end:]


@cache
def _scanner() -> re.Pattern[str]:
    forms = terminals()
    parts = [f"(?P<{kind.value}>{'|'.join(forms[name] for name in names)})" for kind, names in FORMS]
    parts.append(f"(?P<{Kind.SIGN.value}>{'|'.join(map(re.escape, signs()))})")
    parts.append(f"(?P<{Kind.OTHER.value}>.)")
    return re.compile("|".join(parts), re.DOTALL)
