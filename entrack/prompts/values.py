"""What a task's variables stand for: words, numbers, lists, rows, and texts with the character positions of their
holes."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from types import EllipsisType
from typing import Any, NamedTuple

from attrs import evolve, field

from entrack import budget
from entrack.check.tables import MARKER, Row, is_whole
from entrack.frozen import frozen
from entrack.source import Span
from entrack.syntax import ast


class Filled(NamedTuple):
    """A hole of `text` that was filled: characters `start` to `end`. `element` is the place in the list, where it is
    one."""

    text: str
    variable: str
    element: int | None
    start: int
    end: int


FILLED = partial(tuple.__new__, Filled)
"""A `Filled` of its values: what its own `__new__` does, but quickly."""


Some = int | None | EllipsisType
"""The place of an element in its list, None where it is in none; `...` for any."""


class Holes(Sequence[Filled]):
    """The holes of a text as they are looked for: few of them are, so that they are not all made."""

    __slots__ = ()

    def named(self, text: str, variable: str, element: Some, by: int) -> list[Filled]:
        """`named`, for these."""
        raise NotImplementedError

    def __getitem__(self, place: Any) -> Any:
        return tuple(self)[place]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))


Found = tuple[Filled, ...] | Holes
"""The holes of a text: made, or not yet."""


def named(holes: Found, text: str, variable: str, element: Some = ..., by: int = 0) -> list[Filled]:
    """The holes of a variable in a text, or of one element of it, `by` characters further on."""
    if not isinstance(holes, tuple):
        return holes.named(text, variable, element, by)
    found = [hole for hole in holes if hole.variable == variable and hole.text == text]
    found = found if element is ... else [hole for hole in found if hole.element == element]
    return moved(found, by) if found and by else found


def moved(holes: Iterable[Filled], by: int) -> list[Filled]:
    """Holes of a text that stands in another."""
    return [FILLED((text, variable, element, start + by, end + by)) for text, variable, element, start, end in holes]


@frozen
class Rendered:
    """A text, and every hole in it, those of the texts inside it too.

    As a word that is expected, `attached` says that no space stands before it, `by_first_token` that it may begin as
    others do.
    """

    text: str
    holes: Found = ()
    attached: bool = False
    by_first_token: bool = False


class AttachedWords(list[str]):
    """A list of words that are expected with no space before them, each."""


MOST_TEXT = budget.TEXT.most
MOST_HOLES = budget.HOLES.most
MOST_NUMBER = 10**18
COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
"""Relations of two values of one kind."""
Scalar = str | int
Value = str | int | list[str] | list[int] | Rendered | Row


class CannotDraw(Exception):
    """A prompt cannot be drawn: where, and why. Becomes a diagnostic."""

    def __init__(self, code: str, message: str, span: Span, label: str = "", help: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.span, self.label, self.help = code, message, span, label, help


@frozen
class Names:
    """What names stand for while a prompt is made. `fillings` are holes filled otherwise than their text says."""

    values: Mapping[str, Value]
    others: Mapping[str, Mapping[str, Value]] = field(factory=dict)
    fillings: dict[tuple[str, str], Value] = field(factory=dict)


def plain(value: Value) -> Scalar:
    """A word or number as such; a text as its characters."""
    if isinstance(value, list | Row):
        raise TypeError("a list or a row is no single value")
    return value.text if isinstance(value, Rendered) else value


def as_text(value: Value) -> Rendered:
    return value if isinstance(value, Rendered) else Rendered(str(plain(value)))


def one_of(column: Sequence[Scalar], value: Scalar) -> Value:
    """A value of a list, attached where all are."""
    return Rendered(str(value), attached=True) if isinstance(column, AttachedWords) else value


def some_of(column: Sequence[Scalar], values: list[Any]) -> list[Any]:
    """Values of a list, attached where all are."""
    return AttachedWords(values) if isinstance(column, AttachedWords) else values


def attached(value: Value) -> Value:
    if isinstance(value, list):
        budget.spend(budget.MADE, len(value))
        return AttachedWords(map(str, value))
    return evolve(as_text(value), attached=True)


def padded(value: Value, digits: int, span: Span) -> Value:
    """A number, or each of a list, with zeros before it up to so many digits."""
    if isinstance(value, list):
        budget.spend(budget.MADE, len(value))
        return [_digits(one, digits, span) for one in value]
    return _digits(plain(value), digits, span)


def _digits(value: Scalar, digits: int, span: Span) -> str:
    if not isinstance(value, int) or value < 0:
        raise CannotDraw("E402", f"`{value}` has no digits to pad", span, "", "pad whole numbers from 0 on")
    return f"{value:0{digits}d}"


def marked(given: str, text: str) -> Rendered:
    """A text without its markers, each a hole that is filled with what it marks."""
    out, holes, place = "", [], 0
    for match in MARKER.finditer(given):
        out += given[place : match.start()]
        holes.append(Filled(text, match[1], None, len(out), len(out) + len(match[2])))
        out += match[2]
        place = match.end()
    budget.spend(budget.RENDERED, len(given))
    budget.spend(budget.MADE, len(holes))
    return Rendered(out + given[place:], tuple(holes))


def whole_number(given: str, span: Span) -> int:
    if not is_whole(given):
        raise CannotDraw("E402", f"`{given[:40]}` is no whole number", span)
    return int(given)


def capitalised(text: Rendered) -> Rendered:
    """With a capital first letter, where it has one: "SS" for a sharp s would move the holes."""
    capital = text.text[:1].upper()
    if len(capital) != 1:
        return text
    return Rendered(capital + text.text[1:], text.holes, text.attached, text.by_first_token)


def element_at(column: list[str] | list[int], element: int | None, part: ast.Reference) -> Scalar:
    if element is None or element >= len(column):
        many = "a list" if element is None else f"{len(column)} values, and the text is repeated more often"
        raise CannotDraw(
            "E421",
            f"the hole `{part.name}` cannot be filled with {many}",
            part.span,
            "",
            "fill a hole with one value, and a hole of a `join` with one for each element",
        )
    return column[element]


def bounded(length: int, holes: int, span: Span) -> None:
    """That a text of so many characters and holes may be made. Raises CannotDraw."""
    if length > MOST_TEXT or holes > MOST_HOLES:
        what = f"{MOST_TEXT:,} characters" if length > MOST_TEXT else f"{MOST_HOLES:,} holes"
        raise CannotDraw(
            "E703",
            f"a text has at most {what}",
            span,
            "this grows larger, with the texts in it",
            "shorten it, or draw fewer values",
        )


def small(value: int, node: ast.Expression) -> int:
    if abs(value) > MOST_NUMBER:
        raise CannotDraw(
            "E702",
            f"a number lies between -{MOST_NUMBER:,} and {MOST_NUMBER:,}",
            node.span,
            "this one does not",
            "compute with smaller numbers",
        )
    return value
