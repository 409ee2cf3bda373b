"""What a program means, once every name is known: frozen values that the later stages read instead of the text.

Tasks keep their syntax (prompts are drawn by walking it); everything about models, heads, interventions, measures and claims is
resolved here to values without names that still have to be looked up.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from entrack.facts import ModelFacts
from entrack.models.find import Named
from entrack.models.model import ModelSource
from entrack.sites import Component, Head
from entrack.source import Span
from entrack.syntax import ast


@frozen
class Model:
    """`source` and `facts` are None while the model is not on this machine."""

    name: str
    named: Named
    source: ModelSource | None
    facts: ModelFacts | None
    span: Span = field(eq=False, repr=False)


@frozen
class Task:
    """A task with its columns read. `pools` holds, per span of a `column(...)` call, the values it stands for."""

    syntax: ast.Task
    parameters: Mapping[str, int]
    columns: Mapping[tuple[str, str], tuple[str, ...]] = field(repr=False)

    @property
    def name(self) -> str:
        return self.syntax.name

    @property
    def positions(self) -> tuple[str, ...]:
        return tuple(item.name for item in self.syntax.items if isinstance(item, ast.Position))

    @property
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
    """So many prompts of a task, or of an alternate (each with its original). `purpose` keeps what a circuit is found on apart
    from what it is measured on. `count` None: as many as it is used beside."""

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
class Group:
    """Heads at a position."""

    name: str
    position: str
    heads: tuple[Head, ...] | Found
    model: str
    span: Span = field(eq=False, repr=False)


@frozen
class Circuit:
    """Groups, in the order of their hops or of their text. `label` is how a spec calls it."""

    label: str
    groups: tuple[Group, ...]


@frozen
class Receiver:
    """A component of an earlier group's heads."""

    group: str
    component: Component


@frozen
class Hop:
    name: str
    position: str
    receivers: tuple[Receiver, ...]
    """Empty: the logits."""
    keep: int
    span: Span = field(eq=False, repr=False)


@frozen
class Metric:
    """`name` is how it is written; `kind` one of accuracy, probability, logit, logit difference; `of` names task variables."""

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


@frozen
class KeepAct:
    circuit: Circuit
    span: Span = field(eq=False, repr=False)


@frozen
class MeanAct:
    """`circuit` None: elsewhere."""

    circuit: Circuit | None
    over: Population
    span: Span = field(eq=False, repr=False)


@frozen
class ZeroAct:
    circuit: Circuit | None
    span: Span = field(eq=False, repr=False)


@frozen
class PatchAct:
    """Heads take what they have on the prompt's own alternate, or, with `alternate`, on that alternate of the prompt."""

    circuit: Circuit
    alternate: Alternate | None
    span: Span = field(eq=False, repr=False)


Act = KeepAct | MeanAct | ZeroAct | PatchAct


@frozen
class Intervention:
    """Acts in force together. No acts: nothing is changed."""

    label: str
    acts: tuple[Act, ...]


@frozen
class CellSpec:
    labels: tuple[str, ...]
    model: str
    intervention: Intervention
    population: Population


@frozen
class Measure:
    name: str
    metric: Metric
    axes: tuple[tuple[str, tuple[str, ...]], ...]
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


Quantity = CellOf | Constant | Size | Arithmetic


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
    measures: tuple[Measure, ...]
    claims: tuple[Claim, ...]
    figures: tuple[ast.Figure, ...]
    tables: tuple[ast.Table, ...]
