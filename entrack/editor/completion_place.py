"""Where a cursor stands: in which word, text or comment, in which item, and what the parser has read before it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from entrack.frozen import frozen
from entrack.source import Source, Span
from entrack.syntax.begun import Begun, begun, choices
from entrack.syntax.grammar import parser
from entrack.syntax.limits import PIECE
from entrack.syntax.recovery import FIRST_WORDS, item_starts

WORD = re.compile(r"[A-Za-z0-9_]*")
NEXT = re.compile(r"[ \t]*([^\W\d]\w*|->|\.\.|[^\s#])", re.ASCII)
SITE = re.compile(r"(?:mlp|attention|residual|neuron|\d+)(?:\.(?!\.)\w*)+", re.ASCII)
"""A site, or the beginning of one."""
ROW = re.compile(r'(?P<text>"(?:[^"\\]|\\.)*(?P<closed>"?))|(?P<comment>#.*)|[^"#]+')
MOST_LINES_PASSED = 4
"""Lines with a mistake that are passed over between the beginning of an item and the cursor."""
MOST_ITEMS_TRIED = 4
EVERY_FILE_BEGINS = "entrack 1\n"


@frozen
class Place:
    """A word at a cursor, empty where there is none; `item` is the text round it that is read as one, from the
    beginning of an item to that of the next."""

    word: Span
    item: Span

    def before(self, source: Source) -> str:
        """What stands in the item before the word."""
        return source.text[self.item.start : self.word.start]

    def after(self, source: Source) -> str:
        return source.text[self.word.end : self.item.end]


def in_comment(source: Source, offset: int) -> bool:
    found = _piece(source, offset)
    return found is not None and found[0].group("comment") is not None


def text_round(source: Source, offset: int) -> Span | None:
    """What stands between the quotes round a cursor, to the end of the line where they are not closed."""
    found = _piece(source, offset)
    if found is None or found[0].group("text") is None:
        return None
    match, row = found
    end = match.end() - len(match.group("closed"))
    return Span(source.name, row + match.start() + 1, row + end) if offset <= row + end else None


def place_of(source: Source, offset: int) -> Place:
    """The place of a cursor that stands in no text or comment."""
    site = next((m for m in SITE.finditer(source.text, *_row(source, offset)) if m.start() < offset <= m.end()), None)
    if site is not None and not source.text[max(0, site.start() - 1) : site.start()].isalnum():
        return round_span(source, Span(source.name, *site.span()))
    start = offset
    while start and WORD.fullmatch(source.text, start - 1, offset):
        start -= 1
    found = WORD.match(source.text, start)
    return round_span(source, Span(source.name, start, found.end() if found else offset))


def round_span(source: Source, word: Span) -> Place:
    """The place of a piece of a text."""
    starts = list(item_starts(source.text))
    start = max((each for each in starts if each < word.start), default=0)
    end = min((each for each in starts if each >= max(word.end, start + 1)), default=len(source.text))
    return Place(word, Span(source.name, start, end))


def next_word(source: Source, place: Place) -> str:
    """The word or sign that follows in the row; empty at its end."""
    found = NEXT.match(source.text, place.word.end)
    return found.group(1) if found else ""


def after_first_word(source: Source, place: Place) -> Place:
    """The same place, or, after the first word of a sign of two, such as `coloured by`, that of both."""
    found = _first_of_two().search(source.text, place.item.start, place.word.start)
    return place if found is None else Place(Span(source.name, found.start(), place.word.end), place.item)


@cache
def _first_of_two() -> re.Pattern[str]:
    words = {choice.split()[0] for name in parser().patterns for choice in choices(name) if " " in choice}
    return re.compile(rf"\b(?:{'|'.join(sorted(words))})[ \t]+\Z")


def read_before(source: Source, offset: int) -> tuple[int, Begun] | None:
    """Where the item begins in which the parser stands at a place, and what may come next; None where it cannot read
    the item. Lines of a block that it cannot read are passed over."""
    starts = [0, *(start for start in item_starts(source.text[:offset]) if start < offset)]
    for start in starts[: -MOST_ITEMS_TRIED - 1 : -1]:
        text = source.text[start:offset]
        found = begun(text)
        if isinstance(found, Begun):
            return start, found
        if _first_word(text) in parser().item_words:
            return _fresh_row(source, offset) or _block(text, start)
    return _fresh_row(source, offset)


def _block(text: str, start: int) -> tuple[int, Begun] | None:
    """The same, without the lines that cannot be read."""
    for _ in range(MOST_LINES_PASSED):
        found = begun(text)
        if isinstance(found, Begun):
            return start, found
        row, end = text.rfind("\n", 0, found.at) + 1, text.find("\n", found.at)
        if not row or end < 0:
            return None
        text = text[:row] + " " * (end - row) + text[end:]
    return None


def _fresh_row(source: Source, offset: int) -> tuple[int, Begun] | None:
    """At the beginning of a row outside of all brackets an item may begin, whatever stands before."""
    row = source.text.rfind("\n", 0, offset) + 1
    if source.text[row:offset].strip() or _depth(source.text[:row]):
        return None
    found = begun(EVERY_FILE_BEGINS if source.text[:row].strip() else "")
    return (offset, found) if isinstance(found, Begun) else None


def _depth(text: str) -> int:
    depth = 0
    for match in PIECE.finditer(text):
        depth = max(0, depth + (match.group() in ("(", "[", "{")) - (match.group() in (")", "]", "}")))
    return depth


def _first_word(text: str) -> str:
    found = FIRST_WORDS.match(text)
    return found.group(1) if found else ""


def _row(source: Source, offset: int) -> tuple[int, int]:
    """Where the row of a cursor begins and ends."""
    end = source.text.find("\n", offset)
    return source.text.rfind("\n", 0, offset) + 1, len(source.text) if end < 0 else end


def _piece(source: Source, offset: int) -> tuple[re.Match[str], int] | None:
    """The text or comment whose inside a cursor stands in, with where its row begins."""
    start, end = _row(source, offset)
    return next(((match, start) for match in _pieces(source.text[start:end]) if _inside(match, offset - start)), None)


def _pieces(row: str) -> Iterator[re.Match[str]]:
    return (match for match in ROW.finditer(row) if match.group("text") or match.group("comment"))


def _inside(match: re.Match[str], column: int) -> bool:
    return match.start() < column <= match.end()
