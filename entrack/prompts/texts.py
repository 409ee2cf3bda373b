"""Texts while they are made: literal pieces, and holes that are filled with what names stand for in one prompt."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property

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
    Found,
    Holes,
    Names,
    Rendered,
    Some,
    Value,
    as_text,
    bounded,
    element_at,
    moved,
    named,
)
from entrack.source import Span
from entrack.syntax import ast

DEEPEST = 4
"""Texts in texts whose holes are looked for one in the other; of others all are made."""
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


@frozen(slots=False)
class Segment:
    """A segment whose holes hold names alone: what stands before each of these, and after the last."""

    text: Text
    names: tuple[str, ...]
    before: tuple[int, ...]
    after: int
    form: str
    """For `%`."""
    between: str

    @classmethod
    def of(cls, text: Text, between: str) -> Segment | None:
        """None where a hole holds more than a name."""
        names: list[str] = []
        lengths = [0]
        for piece in text.pieces:
            if isinstance(piece, str):
                lengths[-1] += len(piece)
            elif piece.fill is None:
                names.append(piece.name)
                lengths.append(0)
            else:
                return None
        form = "".join([piece.replace("%", "%%") if isinstance(piece, str) else "%s" for piece in text.pieces])
        return cls(text, tuple(names), tuple(lengths[:-1]), lengths[-1], form, between)

    @cached_property
    def fixed(self) -> int:
        """The characters of a segment that are no names', with those before the next."""
        return sum(self.before) + self.after + len(self.between)


@frozen
class Join:
    """A `segment` for each element of the lists in it; at some of their places `others`."""

    segment: Text
    between: str
    others: Sequence[tuple[Callable[[Names], int], Text]]
    lists: Sequence[Callable[[Names], Value]]
    """What the holes of the segment stand for."""
    plain: Segment | None
    """The segment, where its holes hold names alone."""

    def render(self, names: Names) -> Rendered:
        others: Mapping[int, Text] = {place(names): other for place, other in self.others}
        written = _Written()
        start, length = 0, self._length(names)
        for place in (*sorted(others), length):
            if start <= place <= length:
                self._segments(range(start, place), names, written)
                if place < length:
                    written.put(self.between if place else "")
                    written.add(others[place], names, place)
                start = place + 1
        return written.rendered(self.segment.span)

    def _segments(self, elements: range, names: Names, written: _Written) -> None:
        """The segment for some elements, one after the other."""
        if self.plain is not None and written.add_segments(self.plain, elements, names):
            return
        for element in elements:
            written.put(self.between if element else "")
            written.add(self.segment, names, element)

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


@frozen(eq=False)
class _SegmentHoles(Holes):
    """The holes of segments one after the other, which are filled with the words of `columns`, from an element on."""

    segment: Segment
    columns: Sequence[Sequence[str]]
    first: int

    def __len__(self) -> int:
        return len(self.columns) * len(self.columns[0])

    def __iter__(self) -> Iterator[Filled]:
        segment, start = self.segment, 0
        for element, words in enumerate(zip(*self.columns, strict=True), self.first):
            for before, name, word in zip(segment.before, segment.names, words, strict=True):
                start += before
                yield FILLED((segment.text.name, name, element, start, start + len(word)))
                start += len(word)
            start += segment.after + len(segment.between)

    def named(self, text: str, variable: str, element: Some, by: int) -> list[Filled]:
        """Of one element, no others are made."""
        if text != self.segment.text.name or variable not in self.segment.names:
            return []
        if element is ...:
            return moved([hole for hole in self if hole.variable == variable], by)
        if element is None or not 0 <= element - self.first < len(self.columns[0]):
            return []
        return self._of(variable, element, by)

    def _of(self, variable: str, element: int, by: int) -> list[Filled]:
        segment, place, found = self.segment, element - self.first, []
        start = by + place * segment.fixed
        for column in self.columns:
            start += len("".join(column[:place]))
        for before, name, column in zip(segment.before, segment.names, self.columns, strict=True):
            start, end = start + before, start + before + len(column[place])
            if name == variable:
                found.append(FILLED((segment.text.name, name, element, start, end)))
            start = end
        return found


@frozen(eq=False)
class _Nested(Holes):
    """Holes of a text, with those of the texts in it, which begin at a character of it."""

    parts: Sequence[Filled | tuple[int, Found]]
    many: int
    depth: int

    def __len__(self) -> int:
        return self.many

    def __iter__(self) -> Iterator[Filled]:
        for part in self.parts:
            if isinstance(part, Filled):
                yield part
            else:
                yield from moved(part[1], part[0])

    def named(self, text: str, variable: str, element: Some, by: int) -> list[Filled]:
        found: list[Filled] = []
        for part in self.parts:
            if not isinstance(part, Filled):
                start, inner = part
                found += named(inner, text, variable, element, by + start)
            elif part.variable == variable and part.text == text and element in (..., part.element):
                found += moved([part], by) if by else [part]
        return found


@define
class _Written:
    """A text while it grows: its pieces, and the holes that were filled in it."""

    pieces: list[str] = field(factory=list)
    holes: list[Filled | tuple[int, Found]] = field(factory=list)
    many: int = 0
    """How many holes these are."""
    length: int = 0

    def put(self, piece: str) -> None:
        self.pieces.append(piece)
        self.length += len(piece)

    def add(self, text: Text, names: Names, element: int | None) -> None:
        """A text with its holes filled. Raises CannotDraw where it becomes too long.

        One loop without calls: much of what it costs to draw a prompt is spent here.
        """
        budget.spend(budget.MADE, text.given)
        values, pieces, holes, many, length = names.values, self.pieces, self.holes, self.many, self.length
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
                inner: Found = ()
                if not isinstance(value, str):
                    rendered = as_text(value)
                    value, inner = rendered.text, rendered.holes
                start, length, many = length, length + len(value), many + 1
                pieces.append(value)
                holes.append(FILLED((text.name, hole, place, start, length)))
                if inner:
                    holes.append((start, inner))
                    many += len(inner)
            if length > MOST_TEXT or many > MOST_HOLES:
                bounded(length, many, text.span)
        self.many, self.length = many, length

    def add_segments(self, segment: Segment, elements: range, names: Names) -> bool:
        """A segment for each of some elements, all at once. False, and nothing is added, where that is more than may
        be, or not each hole is filled with one of a list."""
        if not elements:
            return True
        words: list[list[str]] = []
        for name in segment.names:
            column = names.values[name]
            if not isinstance(column, list):
                return False
            words.append([*map(str, column[elements.start : elements.stop])])
        length = len(elements) * segment.fixed + sum([sum(map(len, column)) for column in words])
        if self.length + length > MOST_TEXT or self.many + len(words) * len(elements) > MOST_HOLES:
            return False
        budget.spend(budget.MADE, segment.text.given * len(elements))
        self.put(segment.between if elements.start else "")
        self.holes.append((self.length, _SegmentHoles(segment, words, elements.start)))
        self.many += len(words) * len(elements)
        self.put(segment.between.join([segment.form % each for each in zip(*words, strict=True)]))
        return True

    def rendered(self, span: Span) -> Rendered:
        bounded(self.length, self.many, span)
        budget.spend(budget.RENDERED, self.length)
        budget.spend(budget.MADE, self.many)
        return Rendered("".join(self.pieces), self._found())

    def _found(self) -> Found:
        """The holes: as they are where no text stands in this one."""
        inner = [hole[1] for hole in self.holes if not isinstance(hole, Filled)]
        if not inner:
            return tuple(self.holes)  # type: ignore[arg-type]  # none of another text
        found = _Nested(
            self.holes, self.many, 1 + max([holes.depth for holes in inner if isinstance(holes, _Nested)], default=0)
        )
        return found if found.depth <= DEEPEST else tuple(found)
