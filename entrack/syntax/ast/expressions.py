"""The parts that stand in every construct: names, numbers, texts, references, calls, lists and ranges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrack.frozen import frozen
from entrack.source import Span
from entrack.syntax.ast.base import span_field

if TYPE_CHECKING:  # an index may name an act, and acts are made of expressions
    from entrack.syntax.ast.measures import Act


@frozen
class Name:
    text: str
    span: Span = span_field()


@frozen
class Integer:
    value: int
    span: Span = span_field()


@frozen
class Number:
    """A number with a point. `text` is how it was written."""

    text: str
    span: Span = span_field()

    @property
    def value(self) -> float:
        return float(self.text)


@frozen
class Percent:
    """`95 %`: so many of a hundred."""

    number: Integer | Number
    span: Span = span_field()

    @property
    def share(self) -> float:
        """0.95 for 95 %, to the last bit."""
        from decimal import Decimal

        return float(Decimal(str(self.number.value if isinstance(self.number, Integer) else self.number.text)) / 100)


@frozen
class String:
    """A string literal; `value` is what it stands for, escapes done. Holes are read by the checker."""

    value: str
    span: Span = span_field()


@frozen
class Negative:
    sign: str
    operand: Expression
    span: Span = span_field()


@frozen
class Sum:
    """`first` then (sign, operand) pairs, from left to right."""

    first: Expression
    rest: tuple[tuple[str, Expression], ...]
    span: Span = span_field()


@frozen
class Product:
    first: Expression
    rest: tuple[tuple[str, Expression], ...]
    span: Span = span_field()


@frozen
class Dotted:
    """`.name` after a name."""

    name: str
    span: Span = span_field()


@frozen
class Where:
    """In brackets: `where list == value`, the element at the place where the list has the value; with another relation,
    as in `where list > value`, all elements at such places."""

    column: Reference
    value: Expression
    relation: str = "=="
    span: Span = span_field()

    @property
    def many(self) -> bool:
        """Whether it chooses a list."""
        return self.relation != "=="


@frozen
class Subscript:
    """`[...]` after a name: an index in tasks, axis labels in claims, with the name of the axis or without."""

    items: tuple[Expression | Where | Named | Act, ...]
    span: Span = span_field()


@frozen
class Reference:
    """A name and what follows it: `label`, `label[asked]`, `original.object[asked]`, `cir.value_fetcher`,
    `table_2[llama]`."""

    name: str
    rest: tuple[Dotted | Subscript, ...] = ()
    span: Span = span_field()

    @property
    def plain(self) -> str | None:
        """The dotted name, when there are no brackets in it."""
        if any(isinstance(part, Subscript) for part in self.rest):
            return None
        return ".".join((self.name, *(part.name for part in self.rest if isinstance(part, Dotted))))


@frozen
class Named:
    """`name = value` among the arguments of a call."""

    name: str
    value: Expression
    span: Span = span_field()


@frozen
class Call:
    name: str
    arguments: tuple[Expression | Named, ...]
    span: Span = span_field()
    name_span: Span = span_field()

    @property
    def positional(self) -> tuple[Expression, ...]:
        return tuple(item for item in self.arguments if not isinstance(item, Named))

    @property
    def named(self) -> tuple[Named, ...]:
        return tuple(item for item in self.arguments if isinstance(item, Named))


@frozen
class ListOf:
    """`[a, b, c]`: a sweep, or a pool to draw from."""

    items: tuple[Expression, ...]
    span: Span = span_field()


@frozen
class Range:
    """`2..7`, both ends included."""

    first: Expression
    last: Expression
    span: Span = span_field()


@frozen
class Letters:
    """`A..Z`, both ends included."""

    first: str
    last: str
    span: Span = span_field()


@frozen
class Random:
    """`random like C`: as many heads as each group of C has, drawn from all heads, at the same positions."""

    circuit: Reference
    span: Span = span_field()


Expression = Random | Integer | Number | String | Negative | Sum | Product | Reference | Call | ListOf | Range | Letters
