"""Tasks and their counterfactuals as written: bindings, positions, alternates, desiderata."""

from __future__ import annotations

from entrack.frozen import frozen
from entrack.source import Span
from entrack.syntax.ast.base import span_field
from entrack.syntax.ast.expressions import Call, Expression, Integer, Name, Named, Reference, String


@frozen
class Except:
    """A pool without some of its values."""

    pool: Expression
    without: Expression
    span: Span = span_field()


Pool = Expression | Except


@frozen
class Distinct:
    """`7 distinct from POOL`: a list drawn without repetition."""

    count: Integer | Name
    pool: Pool
    span: Span = span_field()


@frozen
class Several:
    """`7 from POOL`: a list drawn with repetition."""

    count: Integer | Name
    pool: Pool
    span: Span = span_field()


@frozen
class One:
    """`one of POOL` or `one from POOL`."""

    pool: Pool
    span: Span = span_field()


@frozen
class Index:
    """`one index of LIST`: a place in a list, counted from 0."""

    column: Reference
    span: Span = span_field()


@frozen
class Row:
    """`one row of TABLE`: a row of a file, whose columns stay together."""

    table: String | Call
    span: Span = span_field()


Drawing = Distinct | Several | One | Row | Index | Expression


@frozen
class Binding:
    name: str
    drawing: Drawing
    span: Span = span_field()
    name_span: Span = span_field()


@frozen
class EndOf:
    """The last token of a text."""

    text: Reference
    span: Span = span_field()


@frozen
class AnyOf:
    """One of several holes, drawn with the seed."""

    hole: Reference
    span: Span = span_field()


@frozen
class SpanOf:
    """All tokens of what fills a hole, or of a text."""

    hole: Reference
    span: Span = span_field()


@frozen
class HolePlace:
    """The last token of what fills a hole, moved by `offset` tokens."""

    hole: Reference
    offset: int = 0
    span: Span = span_field()


@frozen
class TextIn:
    """The last token of a text where it stands in another, moved by `offset` tokens."""

    text: Reference
    within: Reference
    offset: int = 0
    span: Span = span_field()


Place = EndOf | AnyOf | SpanOf | TextIn | HolePlace


@frozen
class Position:
    name: str
    place: Place
    span: Span = span_field()
    name_span: Span = span_field()


@frozen
class Task:
    name: str
    parameters: tuple[Named, ...]
    items: tuple[Binding | Position, ...]
    span: Span = span_field()
    name_span: Span = span_field()


@frozen
class Fresh:
    """Drawn anew, with nothing that the original has."""

    names: tuple[Name, ...]
    span: Span = span_field()


@frozen
class Redraw:
    """Drawn anew."""

    names: tuple[Name, ...]
    span: Span = span_field()


@frozen
class Shuffle:
    """The original's values in another order."""

    names: tuple[Name, ...]
    span: Span = span_field()


@frozen
class Constraint:
    """What must hold; the variable at its left is drawn anew until it does."""

    left: Reference
    relation: str
    right: Expression
    span: Span = span_field()


@frozen
class Override:
    """Another binding, or another filling of a hole (`question.label = ...`)."""

    target: Reference
    drawing: Drawing
    span: Span = span_field()


Change = Fresh | Redraw | Shuffle | Constraint | Override | Position


@frozen
class Alternate:
    name: str
    task: Name
    changes: tuple[Change, ...]
    span: Span = span_field()
    name_span: Span = span_field()


@frozen
class Desideratum:
    name: str
    task: Name
    changes: tuple[Change, ...] | None
    target: Expression | None
    span: Span = span_field()
    name_span: Span = span_field()
    changes_span: Span = span_field()
