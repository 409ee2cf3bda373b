"""Heads, circuits, and how they are found."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from attrs import field, frozen

from entrack.check.resolved.prompts import Alternate, Population
from entrack.sites import Part, Site
from entrack.source import Span


@frozen
class Found:
    """The heads that a discovery's group keeps, known when it has run."""

    discovery: str
    group: str


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


@frozen
class Group:
    """Heads at a position."""

    name: str
    position: str
    heads: Heads
    model: str
    span: Span = field(eq=False, repr=False)


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
    """A component of an earlier group's heads."""

    group: str
    component: Part


@frozen
class Hop:
    name: str
    position: str
    receivers: tuple[Receiver, ...]
    """Empty: the logits."""
    keep: int
    span: Span = field(eq=False, repr=False)


@frozen
class Screen:
    """How many heads of a hop are patched, after an estimate of all: `through` with the lowest, and `check` of the
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
    target of a desideratum. `top` is how many tokens an accuracy looks among. A `recovery` is of this metric,
    and so is a logit `lens`. A loss, an attention and a lens are `at` named positions: of an attention the first is
    the reader.
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
