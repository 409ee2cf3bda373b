"""Groups and circuits as written, prompts of a measure, discoveries and masks."""

from __future__ import annotations

from functools import cached_property

from entrack.frozen import frozen
from entrack.source import Span
from entrack.syntax.ast.base import span_field
from entrack.syntax.ast.expressions import Call, Expression, Integer, Name, Negative, Number, Percent, Reference
from entrack.syntax.ast.sites import SiteList


@frozen
class Best:
    """`scores("eap.csv") keep 10 strongest`: the best sites of a file of scores; empty for a ranking that is not
    said."""

    of: Call
    keep: Integer | Name
    ranking: str = ""
    span: Span = span_field()


@frozen
class GroupItem:
    """A group of a written circuit. `heads` may be `json("file", "path.in.it")`, or the best of `scores("file")`."""

    name: str
    position: Name
    heads: SiteList | Call | Best
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
class WholeWord:
    """`whole W`: a word with all its tokens."""

    name: Name
    span: Span = span_field()

    @property
    def text(self) -> str:
        return f"whole {self.name.text}"


@frozen
class AnyWord:
    """`any of W`: the words of a list, taken together."""

    name: Name | WholeWord
    span: Span = span_field()

    @property
    def text(self) -> str:
        return f"any of {self.name.text}"


@frozen
class Metric:
    """`kind` is accuracy, probability, logit difference, ... (`check/metrics.py`); `of` names task variables.
    `accuracy in top 5` has a number of tokens, `top`."""

    kind: str
    relative: bool = False
    of: tuple[Name | WholeWord | AnyWord, ...] = ()
    span: Span = span_field()
    top: Integer | Name | None = None

    def __str__(self) -> str:
        top = self.top.text if isinstance(self.top, Name) else self.top and self.top.value
        return (
            ("relative " if self.relative else "")
            + self.kind
            + ("" if top is None else f" in top {top}")
            + (f" of {' and '.join(word.text for word in self.of)}" if self.of else "")
        )

    @property
    def bare(self) -> bool:
        """Whether it is nothing but its name."""
        return not self.of and self.top is None


@frozen
class Recovery:
    """`recovery of METRIC against ALTERNATE`: where a metric lies between its corrupted and its clean run."""

    metric: Metric
    against: Name | None = None
    span: Span = span_field()
    bare = False

    def __str__(self) -> str:
        return f"recovery of {self.metric}" + (f" against {self.against.text}" if self.against else "")


@frozen
class Loss:
    """`loss over p`: how well the prompt's own tokens at a position are predicted."""

    at: Name
    span: Span = span_field()
    bare = False

    def __str__(self) -> str:
        return f"loss over {self.at.text}"


@frozen
class Attention:
    """`attention from p to q`: how much attention each head gives, at one position, to others."""

    reader: Name
    read: tuple[Name, ...]
    span: Span = span_field()
    bare = False

    def __str__(self) -> str:
        read = ", ".join(name.text for name in self.read)
        return f"attention from {self.reader.text} to {read if len(self.read) == 1 else f'[{read}]'}"


@frozen
class LogitLens:
    """`logit lens of METRIC at p`: a metric of the residual stream before each layer."""

    metric: Metric
    at: Name
    span: Span = span_field()
    bare = False

    def __str__(self) -> str:
        return f"logit lens of {self.metric} at {self.at.text}"


@frozen
class DirectLogitAttribution:
    """`direct logit attribution of METRIC at p by heads`: what each head, each attention and MLP, or all of them
    together (`by` heads, layers or parts) add to a logit."""

    metric: Metric
    at: Name
    by: str
    span: Span = span_field()
    bare = False

    def __str__(self) -> str:
        return f"direct logit attribution of {self.metric} at {self.at.text} by {self.by}"


Reading = Loss | Attention | LogitLens | DirectLogitAttribution
"""What is read at named positions of a prompt."""
Quantity = Metric | Recovery | Reading
"""What is measured of a model on prompts."""


@frozen
class Prompts:
    """`300 boxes`: how many (None: as many as the context says) of what."""

    count: Integer | Name | None
    of: Expression
    span: Span = span_field()


@frozen
class Significant:
    """`significant at 5 %`: as many as differ from zero at this false discovery rate."""

    rate: Percent
    span: Span = span_field()


@frozen
class Hop:
    """`group g of mlps at last -> logits keep 5 highest`; empty for senders and ranking that are not said."""

    name: str
    position: Name
    receivers: tuple[Reference, ...]
    keep: Integer | Name | Significant
    senders: tuple[Name, ...] = ()
    ranking: str = ""
    span: Span = span_field()
    name_span: Span = span_field()


@frozen
class Score:
    metric: Quantity
    span: Span = span_field()


@frozen
class Confirm:
    """`confirm on 100`: on how many fresh prompts what was kept is scored again."""

    count: Integer | Name
    span: Span = span_field()


@frozen
class Screen:
    """`screen 100 in 5 steps check 20`; None for what is not said."""

    through: Integer | Name
    steps: Integer | Name | None
    check: Integer | Name | None
    span: Span = span_field()


@frozen
class Racing:
    """`racing at 95 %`."""

    level: Percent
    span: Span = span_field()


@frozen(slots=False)
class Discover:
    name: str
    model: Name
    prompts: Prompts
    against: Expression
    items: tuple[Score | Confirm | Hop, ...]
    screen: Screen | None = None
    racing: Racing | None = None
    span: Span = span_field()
    name_span: Span = span_field()

    @cached_property
    def hops(self) -> tuple[Hop, ...]:
        return tuple(item for item in self.items if isinstance(item, Hop))

    @cached_property
    def scores(self) -> tuple[Score, ...]:
        return tuple(item for item in self.items if isinstance(item, Score))

    @cached_property
    def confirms(self) -> tuple[Confirm, ...]:
        return tuple(item for item in self.items if isinstance(item, Confirm))


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
