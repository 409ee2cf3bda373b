"""Heads, circuits, and how they are found."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from attrs import field

from entrack.check.resolved.prompts import Alternate, Population
from entrack.frozen import frozen
from entrack.ranking import Ranking
from entrack.sites import HEADS, PER_HEAD, Part, Site
from entrack.source import Span


@frozen
class Found:
    """The sites that a discovery's group keeps, of these parts, known when it has run."""

    discovery: str
    group: str
    parts: tuple[Part, ...] = HEADS


@frozen
class RandomLike:
    """As many heads as `like` has, drawn from all heads of the model; another draw draws others."""

    like: tuple[Site, ...] | Found
    name: str


@frozen
class Masked:
    """The heads of a circuit's group that a mask patches for a desideratum, known when it has been trained."""

    mask: str
    group: str
    desideratum: str


Heads = tuple[Site, ...] | Found | RandomLike | Masked
Where = str | int | None
"""At which token: a position by its name, a token by its number, or, with None, every token."""


@frozen
class Group:
    """Sites, most often heads, at a position. An act that names sites itself has one for each position, called as it
    is written, of no model of its own (""); `at` is where it says the position."""

    name: str
    position: Where
    heads: Heads
    model: str
    span: Span = field(eq=False, repr=False)
    at: Span | None = field(default=None, eq=False, repr=False)

    @property
    def whole(self) -> bool:
        """Whether some of its sites are no heads, or what heads read."""
        parts = self.heads.parts if isinstance(self.heads, Found) else ()
        sites = self.heads if isinstance(self.heads, tuple) else ()
        return any(part not in PER_HEAD for part in (*parts, *(site.part for site in sites)))


def may_have_heads(heads: Heads) -> bool:
    """Whether any of a group's sites may be a head."""
    match heads:
        case Found(parts=parts):
            return Part.OUTPUT in parts
        case RandomLike(like):
            return may_have_heads(like)
        case Masked():
            return True
        case written:
            return not written or any(site.part is Part.OUTPUT for site in written)


@frozen(slots=False)
class Circuit:
    """Groups, in the order of their hops or of their text. `label` is how a spec calls it."""

    label: str
    groups: tuple[Group, ...]

    @cached_property
    def by_name(self) -> Mapping[str, Group]:
        """Its groups by their names."""
        return {group.name: group for group in self.groups}


@frozen
class Receiver:
    """What the sites of a group read: a component of its heads, or the input of its MLPs. `group` is how the spec calls
    it; `written` is it where it is declared outside, None for that of an earlier hop. `mixed` says whether it may have
    sites that do not receive so."""

    group: str
    component: Part
    written: Group | None = None
    mixed: bool = False

    @property
    def label(self) -> str:
        """As a spec writes it."""
        return f"{self.group}.{'input' if self.component is Part.MLP else self.component.value}"


@frozen
class Hop:
    name: str
    position: str
    receivers: tuple[Receiver, ...]
    """Empty: the logits."""
    keep: int
    """At most."""
    span: Span = field(eq=False, repr=False)
    senders: tuple[Part, ...] = HEADS
    ranking: Ranking = Ranking.LOWEST
    rate: float | None = None
    """The false discovery rate at which those kept are significant; None: the best are kept."""


@frozen
class Screen:
    """How many senders of a hop are patched, after an estimate of all: `through` with the best, and `check` of the
    others. `steps` 0: one gradient of the clean run."""

    through: int
    steps: int
    check: int


@frozen
class Recovery:
    """Between which runs a recovery lies: a prompt's own original and alternate, or, of prompts that have none, those
    `against` it."""

    against: Alternate | None


@frozen
class Metric:
    """`name` is how it is written; `kind` one of accuracy, probability, logit difference, ... (`check/metrics.py`).

    `of` names task variables, words or lists of them; with `default` the first was not said: it is the answer, or the
    target of a desideratum; of `whole` words all tokens count. `top` is how many tokens an accuracy looks among. A
    `recovery` is of this metric, and so are a logit `lens` and a `direct` attribution. A loss, an attention, a lens and
    an attribution are `at` named positions: of an attention the first is the reader.
    """

    name: str
    kind: str
    relative: bool
    of: tuple[str, ...]
    unit: str
    top: int = 1
    default: bool = False
    recovery: Recovery | None = None
    at: tuple[str, ...] = ()
    lens: bool = False
    direct: bool = False
    whole: bool = False

    @property
    def key(self) -> str:
        """The metric without what it is of."""
        return f"relative {self.kind}" if self.relative else self.kind


@frozen
class Discovery:
    name: str
    model: str
    originals: Population
    alternates: Population
    score: Metric
    hops: tuple[Hop, ...]
    span: Span = field(eq=False, repr=False)
    screen: Screen | None = None
    confirm: tuple[Population, Population] | None = None
    """Fresh prompts, and their alternates, on which what was kept is scored again."""
    racing: float | None = None
    """How likely a race keeps the senders that all prompts would: 0.95. None: all senders run on all prompts."""


@frozen
class Mask:
    """A mask over each group of a circuit, for each desideratum, and how it is trained. Populations by desideratum."""

    name: str
    model: str
    circuit: Circuit
    train: Mapping[str, Population] = field(repr=False)
    validate: Mapping[str, Population] = field(repr=False)
    sparsity: float
    epochs: int
    batch: int
    rate: float
    span: Span = field(eq=False, repr=False)

    @property
    def desiderata(self) -> tuple[str, ...]:
        return tuple(self.train)
