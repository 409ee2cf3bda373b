"""A file as written: what stands before its constructs, comments, and the whole program."""

from __future__ import annotations

from attrs import field

from entrack.frozen import frozen
from entrack.source import Span
from entrack.syntax.ast.base import span_field
from entrack.syntax.ast.expressions import Call, Expression, Integer, Name, Negative, Number, String
from entrack.syntax.ast.heads import Circuit, Discover, Group, Mask
from entrack.syntax.ast.measures import Claim, Examine, Figure, Intervention, Measure, Overlap, Table, Vector
from entrack.syntax.ast.tasks import Alternate, Desideratum, Task

EVERYTHING = "*"
"""Among the unread names: an include could not be read, so any name may have been declared."""


@frozen
class AboutField:
    name: Name
    text: String
    span: Span = span_field()


@frozen
class About:
    fields: tuple[AboutField, ...]
    span: Span = span_field()


@frozen
class Seed:
    value: Integer
    span: Span = span_field()


@frozen
class Param:
    name: str
    value: Number | Integer | Negative
    span: Span = span_field()
    name_span: Span = span_field()


@frozen
class Include:
    path: String
    span: Span = span_field()


@frozen
class Model:
    """`adapter` is the call after `+`."""

    name: str
    base: Expression
    adapter: Call | None = None
    span: Span = span_field()
    name_span: Span = span_field()


Item = (
    About
    | Seed
    | Param
    | Include
    | Model
    | Task
    | Alternate
    | Desideratum
    | Group
    | Circuit
    | Discover
    | Mask
    | Vector
    | Intervention
    | Measure
    | Examine
    | Overlap
    | Claim
    | Figure
    | Table
)


@frozen
class Version:
    number: int
    span: Span = span_field()


@frozen
class Comment:
    """A comment as written, `#` included. `alone` when nothing else stands before it on its line."""

    text: str
    alone: bool
    span: Span = span_field()


@frozen
class Program:
    """One file."""

    version: Version | None
    items: tuple[Item, ...]
    comments: tuple[Comment, ...] = field(default=(), eq=False, repr=False)
    unread: frozenset[str] = field(default=frozenset(), eq=False, repr=False)
    """Names in items with syntax errors: declared, as far as anybody can tell."""
    span: Span = span_field()
