"""Colours: the pieces of `entrack/highlight`, by the names that editors have for kinds of text."""

from __future__ import annotations

from collections.abc import Iterator

from entrack.editor.placed import placed
from entrack.frozen import frozen
from entrack.highlight.pieces import Kind

KINDS = {
    Kind.COMMENT: "comment",
    Kind.ITEM: "keyword",
    Kind.WORD: "keyword",
    Kind.GIVEN: "macro",
    Kind.DECLARED: "variable",
    Kind.CALLED: "function",
    Kind.NAME: "variable",
    Kind.SITE: "enumMember",
    Kind.NUMBER: "number",
    Kind.STRING: "string",
    Kind.ESCAPE: "regexp",
    Kind.HOLE: "parameter",
    Kind.SIGN: "operator",
}
"""Of the token types of the Language Server Protocol, which editors have colours for."""
TYPES = tuple(dict.fromkeys(KINDS.values()))


@frozen
class Coloured:
    """A piece on one line: its characters `start` to `end`, a type of `TYPES`, and whether a name is declared."""

    start: int
    end: int
    type: str
    declares: bool = False


def coloured(text: str) -> Iterator[Coloured]:
    """The pieces that have a colour, in the order of the text."""
    for kind, place, piece in placed(text):
        if kind in KINDS:
            yield Coloured(place, place + len(piece.rstrip("\r")), KINDS[kind], kind is Kind.DECLARED)
