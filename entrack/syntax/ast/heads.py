"""Groups and circuits as written, prompts of a measure, discoveries and masks."""

from __future__ import annotations

from functools import cached_property

from attrs import frozen

from entrack.source import Span
from entrack.syntax.ast.base import span_field
from entrack.syntax.ast.expressions import Call, Expression, Integer, Name, Negative, Number, Reference
from entrack.syntax.ast.sites import SiteList


@frozen
class GroupItem:
    """A group of a written circuit. `heads` may be `json("file", "path.in.it")`."""

    name: str
    position: Name
    heads: SiteList | Call
    span: Span = span_field()
    name_span: Span = span_field()


@frozen
class Group:
    model: Name
    group: GroupItem
    span: Span = span_field()

    @property
    def name(self) -> str:
        return self.group.name


@frozen
class Circuit:
    name: str
    model: Name
    groups: tuple[GroupItem, ...]
    span: Span = span_field()
    name_span: Span = span_field()


@frozen
class Metric:
    """`kind` is accuracy, probability, logit or logit difference; `of` names task variables."""

    kind: str
    relative: bool = False
    of: tuple[Name, ...] = ()
    span: Span = span_field()

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
    span: Span = span_field()


@frozen
class Hop:
    """`group g of mlps at last -> logits keep 5 highest`; empty for senders and ranking that are not said."""

    name: str
    position: Name
    receivers: tuple[Reference, ...]
    keep: Integer | Name
    senders: tuple[Name, ...] = ()
    ranking: str = ""
    span: Span = span_field()
    name_span: Span = span_field()


@frozen
class Score:
    metric: Metric
    span: Span = span_field()


@frozen
class Screen:
    """`screen 100 in 5 steps check 20`; None for what is not said."""

    through: Integer | Name
    steps: Integer | Name | None
    check: Integer | Name | None
    span: Span = span_field()


@frozen(slots=False)
class Discover:
    name: str
    model: Name
    prompts: Prompts
    against: Expression
    items: tuple[Score | Hop, ...]
    screen: Screen | None = None
    span: Span = span_field()
    name_span: Span = span_field()

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
    span: Span = span_field()


@frozen
class Mask:
    """A mask learned over each group of a circuit, for each desideratum."""

    name: str
    circuit: Reference
    model: Name
    desiderata: tuple[Name, ...]
    settings: tuple[Setting, ...]
    span: Span = span_field()
    name_span: Span = span_field()
