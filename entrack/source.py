"""Spans: where in which file a piece of a spec stands.

A `Span` is two offsets into one named text; line and column are worked out only when somebody is told about it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property

from attrs import field

from entrack.frozen import frozen

LINE_END = re.compile("\n")


@frozen
class Span:
    """The characters `start` to `end` (exclusive, in code points) of the text called `file`."""

    file: str
    start: int
    end: int

    def to(self, other: Span) -> Span:
        """From the start of this span to the end of the other."""
        return Span(self.file, self.start, max(self.end, other.end))


NOWHERE = Span("", 0, 0)


@frozen(slots=False)
class Source:
    """One text of a program: its name as the user knows it, and its characters."""

    name: str
    text: str = field(repr=False)

    @cached_property
    def line_starts(self) -> tuple[int, ...]:
        return (0, *(match.end() for match in LINE_END.finditer(self.text)))

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both counted from 1."""
        line = bisect_right(self.line_starts, offset)
        return line, offset - self.line_starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of line `number` (from 1), without its end."""
        start = self.line_starts[number - 1]
        end = self.line_starts[number] - 1 if number < len(self.line_starts) else len(self.text)
        return self.text[start:end].rstrip("\r")
