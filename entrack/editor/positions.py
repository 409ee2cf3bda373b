"""Places as editors count them, lines and columns from 0, and as spans count them, in characters from the beginning.

A column is counted in units of the encoding that editor and server agree on, most often UTF-16, in which an emoji has
two. A line ends with LF, CR LF or CR, and nothing else ends one.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cached_property

from attrs import field

from entrack.frozen import frozen

LINE_END = re.compile(r"\r\n|\n|\r")
UNITS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}
"""Python's encoding of each, and the bytes of a unit."""


@frozen
class Place:
    """Line and column, both from 0, the column in units of an encoding."""

    line: int
    column: int


@frozen(slots=False)
class Lines:
    """A text by lines."""

    text: str = field(repr=False)
    encoding: str = "utf-16"

    @cached_property
    def starts(self) -> tuple[int, ...]:
        return (0, *(match.end() for match in LINE_END.finditer(self.text)))

    def place(self, offset: int) -> Place:
        """Where an offset is; the end of the text for one behind it."""
        offset = max(0, min(offset, len(self.text)))
        line = bisect_right(self.starts, offset) - 1
        return Place(line, self._units(self.text[self.starts[line] : offset]))

    def places(self, offsets: Iterable[int]) -> Iterator[Place]:
        """Where many offsets are, each not before the one before: the characters of a line are gone through once."""
        last, found = 0, Place(0, 0)
        for offset in offsets:
            line = bisect_right(self.starts, offset) - 1
            start, column = (last, found.column) if line == found.line else (self.starts[line], 0)
            last, found = offset, Place(line, column + self._units(self.text[start:offset]))
            yield found

    def offset(self, place: Place) -> int:
        """Which character is at a place: the end of the line for a column behind it, the end of the text for a line
        behind it, and of a character that has several units the first for each of them."""
        if place.line >= len(self.starts):
            return len(self.text)
        line = self._line(max(0, place.line))
        column = max(0, place.column)
        if self.encoding == "utf-32" or line.isascii():
            inside = min(column, len(line))
        else:
            encoding, width = UNITS[self.encoding]
            cut = line.encode(encoding, "replace")[: column * width]
            inside = len(cut.decode(encoding, "ignore"))
        return self.starts[max(0, place.line)] + inside

    def changed(self, start: Place, end: Place, text: str) -> str:
        """The text with what stands between two places replaced."""
        first, last = self.offset(start), self.offset(end)
        return self.text[:first] + text + self.text[max(first, last) :]

    def _line(self, number: int) -> str:
        """A line without its end."""
        start = self.starts[number]
        end = self.starts[number + 1] if number + 1 < len(self.starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n")

    def _units(self, text: str) -> int:
        if self.encoding == "utf-32" or text.isascii():
            return len(text)
        encoding, width = UNITS[self.encoding]
        return len(text.encode(encoding, "replace")) // width
