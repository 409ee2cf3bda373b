"""The pieces of a text (`entrack/highlight`) with their places. A text that is longer than a spec may be has none: it
would keep an editor waiting."""

from __future__ import annotations

from collections.abc import Iterator

from entrack.highlight.pieces import Kind, pieces
from entrack.syntax.limits import MOST_CHARACTERS


def placed(text: str) -> Iterator[tuple[Kind, int, str]]:
    """Each piece: its kind, the offset where it begins, and its text."""
    place = 0
    for kind, piece in pieces(text) if len(text) <= MOST_CHARACTERS else ():
        yield kind, place, piece
        place += len(piece)
