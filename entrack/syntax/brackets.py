"""A bracket of an item that is never closed, or closed by another, or that closes nothing."""

from __future__ import annotations

from entrack.diagnostics import Diagnostic, Label
from entrack.source import Source, Span
from entrack.syntax.failure import word_at
from entrack.syntax.limits import PIECE

CLOSING = {"{": "}", "[": "]", "(": ")"}


def wrong_bracket(source: Source, offset: int, start: int, end: int, *, ended: bool, block: bool) -> Diagnostic | None:
    """The bracket of the item from `start` to `end` that a failure at `offset` is about. `ended`: the text ends there;
    `block`: a block that is open there should have been closed."""
    stack: list[int] = []
    for match in PIECE.finditer(source.text, start, end):
        piece, place = match.group(), match.start()
        if piece in CLOSING:
            stack.append(place)
        elif piece in CLOSING.values() and not stack:
            return _wrong(source, place, f"`{piece}` closes nothing", "", "delete it") if place == offset else None
        elif piece in CLOSING.values():
            opened = source.text[stack.pop()]
            if piece != CLOSING[opened]:
                message, help = f"`{opened}` is closed by `{piece}`", f"write `{CLOSING[opened]}` before it"
                return _wrong(source, place, message, "", help) if place >= offset else None
    inner = [place for place in stack if place < offset]
    return _open(source, offset, inner[-1], ended=ended) if inner and (block or source.text[inner[-1]] != "{") else None


def _open(source: Source, offset: int, place: int, *, ended: bool) -> Diagnostic:
    opened = source.text[place]
    help = f"write `{CLOSING[opened]}`"
    if ended:
        return _wrong(source, place, f"`{opened}` is never closed", "opened here", help)
    help += f" before `{word_at(source.text, offset) or source.text[offset]}`"
    still = Label(Span(source.name, offset, offset + 1), "still open here")
    return _wrong(source, place, f"`{opened}` is never closed", "opened here", help, still)


def _wrong(source: Source, place: int, message: str, label: str, help: str, *related: Label) -> Diagnostic:
    return Diagnostic("E106", message, Span(source.name, place, place + 1), label, help, related)
