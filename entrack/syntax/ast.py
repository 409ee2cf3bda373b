"""The program as written: one frozen value per construct, in the order of the file.

Every value has a `span`, which does not take part in comparison: two programs are equal when they say the same. Nothing
is resolved here; names are names. `docs/language.md` has the meaning of each construct.
"""

from __future__ import annotations

from functools import cached_property

from attrs import field, frozen

from entrack.source import NOWHERE, Span


def _span() -> Span:
    span: Span = field(default=NOWHERE, eq=False, repr=False, kw_only=True)
    return span


# --- expressions -------------------------------------------------------------------------------------------------


@frozen
class Name:
    text: str
    span: Span = _span()


@frozen
class Integer:
    value: int
    span: Span = _span()


@frozen
class Number:
    """A number with a point. `text` is how it was written."""

    text: str
    span: Span = _span()

    @property
    def value(self) -> float:
        return float(self.text)


@frozen
class String:
    """A string literal; `value` is what it stands for, escapes done. Holes are read by the checker."""

    value: str
    span: Span = _span()


@frozen
class Negative:
    sign: str
    operand: Expression
    span: Span = _span()


@frozen
class Sum:
    """`first` then (sign, operand) pairs, from left to right."""

    first: Expression
    rest: tuple[tuple[str, Expression], ...]
    span: Span = _span()


@frozen
class Product:
    first: Expression
    rest: tuple[tuple[str, Expression], ...]
    span: Span = _span()


@frozen
class Dotted:
    """`.name` after a name."""

    name: str
    span: Span = _span()


@frozen
class Where:
    """`where list == value` in brackets: the element at the place where the list has the value."""

    column: Reference
    value: Expression
    span: Span = _span()


@frozen
class Subscript:
    """`[...]` after a name: an index in tasks, axis labels in claims."""

    items: tuple[Expression | Where | Act, ...]
    span: Span = _span()


@frozen
class Reference:
    """A name and what follows it: `label`, `label[asked]`, `original.object[asked]`, `cir.value_fetcher`,
    `table_2[llama]`."""

    name: str
    rest: tuple[Dotted | Subscript, ...] = ()
    span: Span = _span()

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
    span: Span = _span()


@frozen
class Call:
    name: str
    arguments: tuple[Expression | Named, ...]
    span: Span = _span()
    name_span: Span = field(default=NOWHERE, eq=False, repr=False, kw_only=True)

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
    span: Span = _span()


@frozen
class Range:
    """`2..7`, both ends included."""

    first: Expression
    last: Expression
    span: Span = _span()


@frozen
class Letters:
    """`A..Z`, both ends included."""

    first: str
    last: str
    span: Span = _span()


@frozen
class Random:
    """`random like C`: as many heads as each group of C has, drawn from all heads, at the same positions."""

    circuit: Reference
    span: Span = _span()


Expression = Random | Integer | Number | String | Negative | Sum | Product | Reference | Call | ListOf | Range | Letters

# --- tasks -------------------------------------------------------------------------------------------------------


@frozen
class Except:
    """A pool without some of its values."""

    pool: Expression
    without: Expression
    span: Span = _span()


Pool = Expression | Except


@frozen
class Distinct:
    """`7 distinct from POOL`: a list drawn without repetition."""

    count: Integer | Name
    pool: Pool
    span: Span = _span()


@frozen
class Several:
    """`7 from POOL`: a list drawn with repetition."""

    count: Integer | Name
    pool: Pool
    span: Span = _span()


@frozen
class One:
    """`one of POOL` or `one from POOL`."""

    pool: Pool
    span: Span = _span()


@frozen
class Index:
    """`one index of LIST`: a place in a list, counted from 0."""

    column: Reference
    span: Span = _span()


Drawing = Distinct | Several | One | Index | Expression


@frozen
class Binding:
    name: str
    drawing: Drawing
    span: Span = _span()
    name_span: Span = field(default=NOWHERE, eq=False, repr=False, kw_only=True)


@frozen
class EndOf:
    """The last token of a text."""

    text: Reference
    span: Span = _span()


@frozen
class AnyOf:
    """One of several holes, drawn with the seed."""

    hole: Reference
    span: Span = _span()


@frozen
class HolePlace:
    """The last token of what fills a hole, moved by `offset` tokens."""

    hole: Reference
    offset: int = 0
    span: Span = _span()


Place = EndOf | AnyOf | HolePlace


@frozen
class Position:
    name: str
    place: Place
    span: Span = _span()
    name_span: Span = field(default=NOWHERE, eq=False, repr=False, kw_only=True)


@frozen
class Task:
    name: str
    parameters: tuple[Named, ...]
    items: tuple[Binding | Position, ...]
    span: Span = _span()
    name_span: Span = field(default=NOWHERE, eq=False, repr=False, kw_only=True)


@frozen
class Fresh:
    """Drawn anew, with nothing that the original has."""

    names: tuple[Name, ...]
    span: Span = _span()


@frozen
class Redraw:
    """Drawn anew."""

    names: tuple[Name, ...]
    span: Span = _span()


@frozen
class Shuffle:
    """The original's values in another order."""

    names: tuple[Name, ...]
    span: Span = _span()


@frozen
class Constraint:
    """What must hold; the variable at its left is drawn anew until it does."""

    left: Reference
    relation: str
    right: Expression
    span: Span = _span()


@frozen
class Override:
    """Another binding, or another filling of a hole (`question.label = ...`)."""

    target: Reference
    drawing: Drawing
    span: Span = _span()


Change = Fresh | Redraw | Shuffle | Constraint | Override | Position


@frozen
class Alternate:
    name: str
    task: Name
    changes: tuple[Change, ...]
    span: Span = _span()
    name_span: Span = field(default=NOWHERE, eq=False, repr=False, kw_only=True)


@frozen
class Desideratum:
    name: str
    task: Name
    changes: tuple[Change, ...] | None
    target: Expression | None
    span: Span = _span()
    name_span: Span = field(default=NOWHERE, eq=False, repr=False, kw_only=True)
    changes_span: Span = field(default=NOWHERE, eq=False, repr=False, kw_only=True)


# --- heads -------------------------------------------------------------------------------------------------------


@frozen
class HeadNumber:
    """`14.13`: layer and head."""

    layer: int
    head: int
    span: Span = _span()


@frozen
class HeadList:
    heads: tuple[HeadNumber, ...]
    span: Span = _span()


@frozen
class GroupItem:
    """A group of a written circuit. `heads` may be `json("file", "path.in.it")`."""

    name: str
    position: Name
    heads: HeadList | Call
    span: Span = _span()
    name_span: Span = field(default=NOWHERE, eq=False, repr=False, kw_only=True)


@frozen
class Group:
    model: Name
    group: GroupItem
    span: Span = _span()

    @property
    def name(self) -> str:
        return self.group.name


@frozen
class Circuit:
    name: str
    model: Name
    groups: tuple[GroupItem, ...]
    span: Span = _span()
    name_span: Span = field(default=NOWHERE, eq=False, repr=False, kw_only=True)


@frozen
class Metric:
    """`kind` is accuracy, probability, logit or logit difference; `of` names task variables."""

    kind: str
    relative: bool = False
    of: tuple[Name, ...] = ()
    span: Span = _span()

    def __str__(self) -> str:
        return (
            ("relative " if self.relative else "")
            + self.kind
            + (f" of {' and '.join(n.text for n in self.of)}" if self.of else "")
        )


@frozen
class Prompts:
    """`300 boxes`: how many (None: as many as the context says) of what."""

    count: Integer | Name | None
    of: Expression
    span: Span = _span()


@frozen
class Hop:
    name: str
    position: Name
    receivers: tuple[Reference, ...]
    keep: Integer | Name
    span: Span = _span()
    name_span: Span = field(default=NOWHERE, eq=False, repr=False, kw_only=True)


@frozen
class Score:
    metric: Metric
    span: Span = _span()


@frozen
class Screen:
    """`screen 100 in 5 steps check 20`; None for what is not said."""

    through: Integer | Name
    steps: Integer | Name | None
    check: Integer | Name | None
    span: Span = _span()


@frozen(slots=False)
class Discover:
    name: str
    model: Name
    prompts: Prompts
    against: Expression
    items: tuple[Score | Hop, ...]
    screen: Screen | None = None
    span: Span = _span()
    name_span: Span = field(default=NOWHERE, eq=False, repr=False, kw_only=True)

    @cached_property
    def hops(self) -> tuple[Hop, ...]:
        return tuple(item for item in self.items if isinstance(item, Hop))

    @cached_property
    def scores(self) -> tuple[Score, ...]:
        return tuple(item for item in self.items if isinstance(item, Score))


@frozen
class Setting:
    """A line of a mask: `epochs 2`."""

    name: Name
    value: Number | Integer | Negative
    span: Span = _span()


@frozen
class Mask:
    """A mask learned over each group of a circuit, for each desideratum."""

    name: str
    circuit: Reference
    model: Name
    desiderata: tuple[Name, ...]
    settings: tuple[Setting, ...]
    span: Span = _span()
    name_span: Span = field(default=NOWHERE, eq=False, repr=False, kw_only=True)


# --- interventions and measures ----------------------------------------------------------------------------------


@frozen
class Keep:
    """`keep C`: these heads keep their own output, each at its group's position."""

    heads: Expression
    span: Span = _span()


@frozen
class Mean:
    """`mean H over P`; `heads` is None for `mean elsewhere over P`."""

    heads: Expression | None
    over: Prompts
    span: Span = _span()


@frozen
class Zero:
    """`zero H`; `heads` is None for `zero elsewhere`."""

    heads: Expression | None
    span: Span = _span()


@frozen
class Patch:
    """`patch H from X`."""

    heads: Expression
    source: Expression
    span: Span = _span()


@frozen
class Layers:
    """`layers 3`, `layers 3..5`, `layers k..`: `last` None with `open_end` means up to the top."""

    first: Expression
    last: Expression | None = None
    open_end: bool = False
    span: Span = _span()


@frozen
class Block:
    """`block attention p -> q in layers a..b`: attention from position p to the positions q is cut."""

    reader: Name
    read: tuple[Name, ...]
    layers: Layers
    span: Span = _span()


Act = Keep | Mean | Zero | Patch | Block


@frozen
class Intervention:
    name: str
    parameters: tuple[Name, ...]
    acts: tuple[Act, ...]
    span: Span = _span()
    name_span: Span = field(default=NOWHERE, eq=False, repr=False, kw_only=True)


@frozen
class Loop:
    """`for k in layers`, or `for k in [0, 2, 4]`; `values` None means all layers."""

    name: str
    values: ListOf | None
    span: Span = _span()


@frozen
class Measure:
    """`subject` is a model, or a list of models; `interventions` what follows `with`."""

    name: str
    metric: Metric
    subject: Expression
    interventions: tuple[Expression | Act, ...]
    prompts: Prompts
    span: Span = _span()
    name_span: Span = field(default=NOWHERE, eq=False, repr=False, kw_only=True)
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
    span: Span = _span()
    name_span: Span = field(default=NOWHERE, eq=False, repr=False, kw_only=True)


@frozen
class Overlap:
    """`overlap(C, D)`: how much of D's heads C has, group by group."""

    name: str
    first: Reference
    second: Reference
    span: Span = _span()
    name_span: Span = field(default=NOWHERE, eq=False, repr=False, kw_only=True)


@frozen
class Claim:
    """`left relation right`, or, where `tolerance` is given, `left within tolerance of right`."""

    text: String
    left: Expression
    relation: str
    right: Expression
    tolerance: Expression | None = None
    published: Number | Integer | Negative | None = None
    span: Span = _span()


@frozen
class Figure:
    title: String
    kind: Name
    of: Reference
    options: tuple[tuple[str, Name], ...] = ()
    span: Span = _span()


@frozen
class Table:
    title: String
    of: Reference
    span: Span = _span()


# --- the file ----------------------------------------------------------------------------------------------------


@frozen
class AboutField:
    name: Name
    text: String
    span: Span = _span()


@frozen
class About:
    fields: tuple[AboutField, ...]
    span: Span = _span()


@frozen
class Seed:
    value: Integer
    span: Span = _span()


@frozen
class Param:
    name: str
    value: Number | Integer | Negative
    span: Span = _span()
    name_span: Span = field(default=NOWHERE, eq=False, repr=False, kw_only=True)


@frozen
class Include:
    path: String
    span: Span = _span()


@frozen
class Model:
    """`adapter` is the call after `+`."""

    name: str
    base: Expression
    adapter: Call | None = None
    span: Span = _span()
    name_span: Span = field(default=NOWHERE, eq=False, repr=False, kw_only=True)


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
    span: Span = _span()


@frozen
class Comment:
    """A comment as written, `#` included. `alone` when nothing else stands before it on its line."""

    text: str
    alone: bool
    span: Span = _span()


@frozen
class Program:
    """One file."""

    version: Version | None
    items: tuple[Item, ...]
    comments: tuple[Comment, ...] = field(default=(), eq=False, repr=False)
    unread: frozenset[str] = field(default=frozenset(), eq=False, repr=False)
    """Names in items with syntax errors: declared, as far as anybody can tell."""
    span: Span = _span()
