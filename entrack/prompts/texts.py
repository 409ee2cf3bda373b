"""Texts while they are made: literal pieces, and holes that are filled with what names stand for in one prompt."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from attrs import define, field

from entrack import budget
from entrack.check.tables import Row
from entrack.frozen import frozen
from entrack.prompts.values import (
    FILLED,
    MOST_HOLES,
    MOST_TEXT,
    CannotDraw,
    Filled,
    Names,
    Rendered,
    Value,
    as_text,
    bounded,
    element_at,
)
from entrack.source import Span
from entrack.syntax import ast

Fill = Callable[[Names, int | None], tuple[Value, int | None]]
"""What fills a hole, and its place in its list where it is one of several. In a `join`, the number of the segment is
given."""


@frozen
class Hole:
    """A hole of a text; `fill` is None for one that holds a name alone."""

    part: ast.Reference
    name: str
    fill: Fill | None


def _hole_name(part: ast.Reference, names: Names) -> str:
    """What a hole is called: the variable that fills it, and the column of a row."""
    return part.plain or part.name if isinstance(names.values.get(part.name), Row) else part.name


@frozen
class Text:
    """A text of the binding `name`; `given` counts its parts, those in which there is something wrong too."""

    name: str
    pieces: Sequence[str | Hole]
    given: int
    span: Span

    def render(self, names: Names) -> Rendered:
        """With its holes filled. Raises CannotDraw where it becomes too long."""
        written = _Written()
        written.add(self, names, None)
        return written.rendered(self.span)


@frozen
class Join:
    """A `segment` for each element of the lists in it; at some of their places `others`."""

    segment: Text
    between: str
    others: Sequence[tuple[Callable[[Names], int], Text]]
    lists: Sequence[Callable[[Names], Value]]
    """What the holes of the segment stand for."""

    def render(self, names: Names) -> Rendered:
        others: Mapping[int, Text] = {place(names): other for place, other in self.others}
        written = _Written()
        for element in range(self._length(names)):
            written.put(self.between if element else "")
            written.add(others.get(element, self.segment), names, element)
        return written.rendered(self.segment.span)

    def _length(self, names: Names) -> int:
        values = [value(names) for value in self.lists]
        lengths = {len(value) for value in values if isinstance(value, list)}
        if len(lengths) != 1:
            raise CannotDraw(
                "E421",
                f"the lists of this segment have different lengths: {', '.join(map(str, sorted(lengths)))}",
                self.segment.span,
                "",
                "draw as many of each",
            )
        return lengths.pop()


@define
class _Written:
    """A text while it grows: its pieces, and the holes that were filled in it."""

    pieces: list[str] = field(factory=list)
    holes: list[Filled] = field(factory=list)
    length: int = 0

    def put(self, piece: str) -> None:
        self.pieces.append(piece)
        self.length += len(piece)

    def add(self, text: Text, names: Names, element: int | None) -> None:
        """A text with its holes filled. Raises CannotDraw where it becomes too long.

        One loop without calls: half of what it costs to draw a prompt is spent here.
        """
        budget.spend(budget.MADE, text.given)
        values, pieces, holes, length = names.values, self.pieces, self.holes, self.length
        for piece in text.pieces:
            if isinstance(piece, str):
                pieces.append(piece)
                length += len(piece)
            else:
                hole, place = piece.name, None
                if piece.fill is not None:
                    hole, (value, place) = _hole_name(piece.part, names), piece.fill(names, element)
                elif isinstance(value := values[hole], list) and element is not None:
                    value, place = element_at(value, element, piece.part), element
                inner: tuple[Filled, ...] = ()
                if not isinstance(value, str):
                    rendered = as_text(value)
                    value, inner = rendered.text, rendered.holes
                start, length = length, length + len(value)
                pieces.append(value)
                holes.append(FILLED((text.name, hole, place, start, length)))
                if inner:
                    holes += [FILLED((a, b, c, start + d, start + e)) for a, b, c, d, e in inner]
            if length > MOST_TEXT or len(holes) > MOST_HOLES:
                bounded(length, len(holes), text.span)
        self.length = length

    def rendered(self, span: Span) -> Rendered:
        bounded(self.length, len(self.holes), span)
        budget.spend(budget.RENDERED, self.length)
        budget.spend(budget.MADE, len(self.holes))
        return Rendered("".join(self.pieces), tuple(self.holes))
