"""A table as text, which a terminal or a browser shows."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field

from entrack.frozen import frozen

Entry = str | tuple[str, ...]
"""What stands in a cell: text, or a list of short things to be set side by side."""


@frozen
class Grid:
    """A table as text, safe to show. `right` are the columns of numbers; `good` says, row by row, what passed, None
    where it is not known; `anchors`, of some cells by row and column, by which name a link finds them."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[Entry, ...], ...]
    caption: str
    right: frozenset[int] = frozenset()
    good: tuple[bool | None, ...] = ()
    anchors: Mapping[tuple[int, int], str] = field(factory=dict)

    @property
    def width(self) -> int:
        """Columns of a terminal that it takes."""
        return sum(map(self.wide, range(len(self.head))))

    def wide(self, column: int) -> int:
        """Of these, those of one column, with the space beside it."""
        return max(_longest(row[column]) for row in (self.head, *self.rows)) + 3


def _longest(entry: Entry) -> int:
    return max((len(line) for line in (entry.split("\n") if isinstance(entry, str) else entry)), default=0)
