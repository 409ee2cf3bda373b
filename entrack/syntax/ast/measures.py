"""Interventions and what is measured with them as written: acts, measures, examinations, claims, figures, tables."""

from __future__ import annotations

from attrs import frozen

from entrack.source import Span
from entrack.syntax.ast.base import span_field
from entrack.syntax.ast.expressions import Expression, Integer, ListOf, Name, Negative, Number, Reference, String
from entrack.syntax.ast.heads import Prompts, Quantity
from entrack.syntax.ast.sources import Source


@frozen
class Keep:
    """`keep C`: these heads keep their own output, each at its group's position."""

    heads: Expression
    span: Span = span_field()


@frozen
class Elsewhere:
    """`elsewhere`: all heads at all tokens of which no other act says anything."""

    span: Span = span_field()


@frozen
class Set:
    """`zero H`, `mean H over P`, `patch H from X`: heads take the values of a source."""

    target: Expression | Elsewhere
    source: Source
    span: Span = span_field()

    @property
    def word(self) -> str:
        """What the act begins with."""
        return self.source.FORM.split()[0]


@frozen
class Layers:
    """`layers 3`, `layers 3..5`, `layers k..`: `last` None with `open_end` means up to the top."""

    first: Expression
    last: Expression | None = None
    open_end: bool = False
    span: Span = span_field()


@frozen
class Block:
    """`block attention p -> q in layers a..b`: attention from position p to the positions q is cut."""

    reader: Name
    read: tuple[Name, ...]
    layers: Layers
    span: Span = span_field()


Act = Keep | Set | Block


@frozen
class Intervention:
    name: str
    parameters: tuple[Name, ...]
    acts: tuple[Act, ...]
    span: Span = span_field()
    name_span: Span = span_field()


@frozen
class Loop:
    """`for k in layers`, or `for k in [0, 2, 4]`; `values` None means all layers."""

    name: str
    values: ListOf | None
    span: Span = span_field()


@frozen
class Measure:
    """`subject` is a model, or a list of models; `interventions` what follows `with`."""

    name: str
    metric: Quantity
    subject: Expression
    interventions: tuple[Expression | Act, ...]
    prompts: Prompts
    span: Span = span_field()
    name_span: Span = span_field()
    swept: bool = True
    """Whether the interventions were written as a list."""
    draws: Integer | None = None
    loop: Loop | None = None


@frozen
class Examine:
    """`completeness(C, 20) in MODEL over P on 500 TASK`, and `minimality(C, 0.3)` likewise."""

    name: str
    kind: str
    circuit: Reference
    amount: Expression | None
    model: Name
    over: Prompts
    prompts: Prompts
    span: Span = span_field()
    name_span: Span = span_field()


@frozen
class Overlap:
    """`overlap(C, D)`: how much of D's heads C has, group by group."""

    name: str
    first: Reference
    second: Reference
    span: Span = span_field()
    name_span: Span = span_field()


@frozen
class Claim:
    """`left relation right`, or, where `tolerance` is given, `left within tolerance of right`."""

    text: String
    left: Expression
    relation: str
    right: Expression
    tolerance: Expression | None = None
    published: Number | Integer | Negative | None = None
    span: Span = span_field()


@frozen
class Figure:
    title: String
    kind: Name
    of: Reference
    options: tuple[tuple[str, Name], ...] = ()
    span: Span = span_field()


@frozen
class Table:
    title: String
    of: Reference
    span: Span = span_field()
