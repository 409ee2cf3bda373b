"""Interventions and what is measured with them as written: acts, vectors, measures, examinations, claims, figures,
tables."""

from __future__ import annotations

from entrack.frozen import frozen
from entrack.source import Span
from entrack.syntax.ast.base import span_field
from entrack.syntax.ast.expressions import (
    Call,
    Expression,
    Integer,
    ListOf,
    Name,
    Negative,
    Number,
    Percent,
    Reference,
    String,
)
from entrack.syntax.ast.heads import Prompts, Quantity
from entrack.syntax.ast.sites import At, Layers, Sites
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


Target = Expression | Elsewhere | Sites | At
"""What an act is about: a circuit or group by its name, all other heads, or sites. Without `at`, each group stands at
its own position."""


@frozen
class Set:
    """`zero T`, `mean T over P`, `patch T from X`: what stands there takes the values of a source."""

    target: Target
    source: Source
    span: Span = span_field()

    @property
    def word(self) -> str:
        """What the act begins with."""
        return self.source.FORM.split()[0]


@frozen
class Freeze:
    """`freeze T`: it keeps what it has without an intervention."""

    target: Target
    span: Span = span_field()


@frozen
class Add:
    """`add 2 * v to T`: a vector is added there."""

    vector: Expression
    target: Target
    span: Span = span_field()


@frozen
class Noise:
    """`add noise sd 0.1 to T`: Gaussian noise is added there."""

    sd: Expression
    target: Target
    span: Span = span_field()


@frozen
class Project:
    """`project v out of T`: what points along a vector is taken away."""

    vector: Expression
    target: Target
    span: Span = span_field()


@frozen
class Scale:
    """`scale T by 2`: what stands there is multiplied."""

    target: Target
    factor: Expression
    span: Span = span_field()


@frozen
class Block:
    """`block attention p -> q in layers a..b`: attention from position p to the positions q is cut. A loop puts numbers
    of tokens in the place of names."""

    reader: Name | Integer
    read: tuple[Name | Integer, ...]
    layers: Layers
    span: Span = span_field()


Act = Keep | Set | Freeze | Block | Add | Noise | Project | Scale


@frozen
class Intervention:
    name: str
    parameters: tuple[Name, ...]
    acts: tuple[Act, ...]
    span: Span = span_field()
    name_span: Span = span_field()


@frozen
class Term:
    """A mean in a vector, or a call such as `file("truth.safetensors")`, with its sign, and what it is multiplied by,
    if anything."""

    sign: str
    of: Set | Call
    factor: Expression | None = None
    times: str = "*"
    span: Span = span_field()


@frozen
class Vector:
    """`vector v in M = mean T over P - mean T over Q`, `vector w in M = file("w.safetensors")`: a direction in the
    residual stream."""

    name: str
    model: Name
    terms: tuple[Term, ...]
    span: Span = span_field()
    name_span: Span = span_field()


@frozen
class All:
    """All `layers`, `heads`, `positions` or `tokens`."""

    what: str
    span: Span = span_field()


@frozen
class Loop:
    """`for k in layers`, `for t in tokens`, `for k in [0, 2..4]`, `for p in [last, query]`."""

    name: str
    values: ListOf | All
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
    loops: tuple[Loop, ...] = ()


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
class Certified:
    """`certified at 95 % up to 2000 prompts`: the claim is decided on fresh prompts, of which so many are drawn at
    most."""

    level: Percent
    most: Integer | Name | None = None
    span: Span = span_field()


@frozen
class Claim:
    """`left relation right`, or, where `tolerance` is given, `left within tolerance of right`."""

    text: String
    left: Expression
    relation: str
    right: Expression
    tolerance: Expression | None = None
    published: Number | Integer | Negative | None = None
    certified: Certified | None = None
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
