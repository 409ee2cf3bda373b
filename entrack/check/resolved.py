"""What a program means, once every name is known: frozen values that the later stages read instead of the text.

Tasks keep their syntax (prompts are drawn by walking it); everything about models, heads, interventions, measures and
claims is resolved here to values without names that still have to be looked up.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from attrs import field, frozen

from entrack.model_config import ModelFacts
from entrack.models.key import ModelSource
from entrack.models.locate import Named
from entrack.sites import Part, Site
from entrack.source import Span
from entrack.syntax import ast

if TYPE_CHECKING:  # sources stand with their rules, which read what is resolved here
    from entrack.check.sources import Source


@frozen
class Model:
    """`source` and `facts` are None while the model is not on this machine."""

    name: str
    named: Named
    source: ModelSource | None
    facts: ModelFacts | None
    span: Span = field(eq=False, repr=False)


@frozen(slots=False)
class Task:
    """A task with its columns read. `pools` holds, per span of a `column(...)` call, the values it stands for."""

    syntax: ast.Task
    parameters: Mapping[str, int]
    columns: Mapping[tuple[str, str], tuple[str, ...]] = field(repr=False)

    @property
    def name(self) -> str:
        return self.syntax.name

    @cached_property
    def positions(self) -> tuple[str, ...]:
        return tuple(item.name for item in self.syntax.items if isinstance(item, ast.Position))

    @cached_property
    def bindings(self) -> tuple[ast.Binding, ...]:
        return tuple(item for item in self.syntax.items if isinstance(item, ast.Binding))


@frozen
class Alternate:
    """Another distribution over a task's variables, given an original. `target` makes it a desideratum."""

    name: str
    task: Task
    changes: tuple[ast.Change, ...]
    target: ast.Expression | None = None
    span: Span = field(default=Span("", 0, 0), eq=False, repr=False)


@frozen
class Population:
    """So many prompts of a task, or of an alternate (each with its original). `purpose` keeps what a circuit is
    found on apart from what it is measured on. `count` None: as many as it is used beside."""

    task: Task
    alternate: Alternate | None
    parameters: Mapping[str, int]
    seed: int
    count: int | None
    purpose: str
    label: str
    span: Span = field(eq=False, repr=False)


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
class Metric:
    """`name` is how it is written; `kind` one of accuracy, probability, logit, logit difference; `of` names task
    variables."""

    name: str
    kind: str
    relative: bool
    of: tuple[str, ...]
    unit: str

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
class KeepAct:
    circuit: Circuit
    span: Span = field(eq=False, repr=False)

    @property
    def groups(self) -> tuple[Group, ...]:
        return self.circuit.groups


@frozen
class HeadsOf:
    """The heads of a circuit, each at its group's position: their outputs, or a `component` that they read."""

    circuit: Circuit
    component: Part = Part.OUTPUT


@frozen
class Elsewhere:
    """All heads at all tokens of which no other act of the intervention says anything."""


@frozen
class SetAct:
    """What `target` names takes the values of `source`."""

    target: HeadsOf | Elsewhere
    source: Source
    span: Span = field(eq=False, repr=False)

    @property
    def groups(self) -> tuple[Group, ...]:
        return self.target.circuit.groups if isinstance(self.target, HeadsOf) else ()


@frozen
class BlockAct:
    """In layers `first` to `last` no head attends from the position `reader` to those of `read`."""

    reader: str
    read: tuple[str, ...]
    first: int
    last: int
    span: Span = field(eq=False, repr=False)
    groups: tuple[Group, ...] = ()


Act = KeepAct | SetAct | BlockAct


@frozen
class Intervention:
    """Acts in force together. No acts: nothing is changed. `paired` are labels on axes of its own, as a mask's group
    and desideratum."""

    label: str
    acts: tuple[Act, ...]
    paired: tuple[tuple[str, str], ...] = ()


Axes = tuple[tuple[str, tuple[str, ...]], ...]
HALF = "half"
WHOLE = "all"


@frozen
class CellSpec:
    labels: tuple[str, ...]
    model: str
    intervention: Intervention
    population: Population
    draws: int = 1


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


@frozen
class Examination:
    """Completeness or minimality of a circuit. `amount` is how many random halves, or which fraction of a group."""

    name: str
    kind: str
    circuit: Circuit
    amount: float
    model: str
    over: Population
    population: Population
    span: Span = field(eq=False, repr=False)

    @property
    def axes(self) -> Axes:
        """Known before a run for a completeness; a minimality's heads are not."""
        if self.kind == "minimality":
            return ()
        return (
            ("removed", (HALF, *(group.name for group in self.circuit.groups))),
            ("from", ("circuit", "model", "difference")),
        )


@frozen
class Overlap:
    """Two circuits compared, group by group."""

    name: str
    first: Circuit
    second: Circuit
    groups: tuple[str, ...]
    span: Span = field(eq=False, repr=False)

    @property
    def axes(self) -> Axes:
        return (("group", (*self.groups, WHOLE)), ("share", ("precision", "recall")))


@frozen
class Measure:
    """A grid of cells; `draws` are how often everything random in it is drawn."""

    name: str
    metric: Metric
    axes: Axes
    cells: tuple[CellSpec, ...]
    span: Span = field(eq=False, repr=False)


@frozen
class CellOf:
    """A cell of a measure, in a claim."""

    measure: str
    labels: tuple[str, ...]


@frozen
class Constant:
    value: float


@frozen
class Size:
    """How many heads a circuit has."""

    circuit: Circuit


@frozen
class Arithmetic:
    """`first` then (sign, operand) pairs, from left to right; signs are + - * /."""

    first: Quantity
    rest: tuple[tuple[str, Quantity], ...]


@frozen
class Summary:
    """The smallest, largest or mean value of a measure's cells, of those that carry all `labels`."""

    kind: str
    measure: str
    labels: tuple[str, ...] = ()


Quantity = CellOf | Constant | Size | Summary | Arithmetic


@frozen
class Claim:
    text: str
    expression: str
    left: Quantity
    relation: str
    right: Quantity
    tolerance: Quantity | None
    published: float | None
    span: Span = field(eq=False, repr=False)


@frozen
class Resolved:
    """A checked program, in the order of its text."""

    title: str
    seed: int
    params: Mapping[str, float]
    changed_params: tuple[str, ...]
    models: Mapping[str, Model]
    tasks: Mapping[str, Task]
    alternates: Mapping[str, Alternate]
    discoveries: tuple[Discovery, ...]
    masks: tuple[Mask, ...]
    measures: tuple[Measure, ...]
    examinations: tuple[Examination, ...]
    overlaps: tuple[Overlap, ...]
    measured: tuple[str, ...]
    """The names of all measures of every kind, in the order of the text."""
    claims: tuple[Claim, ...]
    figures: tuple[ast.Figure, ...]
    tables: tuple[ast.Table, ...]
