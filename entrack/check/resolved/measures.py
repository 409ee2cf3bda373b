"""Measures and examinations: grids of cells."""

from __future__ import annotations

from attrs import field

from entrack.check.resolved.circuits import Circuit, Metric
from entrack.check.resolved.interventions import Intervention
from entrack.check.resolved.prompts import Population
from entrack.frozen import frozen
from entrack.sites import Share, Site
from entrack.source import Span

Axes = tuple[tuple[str, tuple[str, ...]], ...]


HALF = "half"


WHOLE = "all"


COMPARED = ("circuit", "model", "difference", "signed", "noise")
"""What a completeness says of each set of removed heads."""


@frozen
class CellSpec:
    labels: tuple[str, ...]
    model: str
    intervention: Intervention
    population: Population
    draws: int = 1
    site: Site | Share | None = None
    """Of an attention, whose; of a logit lens, before which layer; of a direct logit attribution, what it is of."""


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
            ("from", COMPARED),
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
    """A grid of cells; `draws` are how often everything random in it is drawn, `loops` what the axes of loops go
    through: `layers`, `heads`, `neurons`, `tokens` or `positions`."""

    name: str
    metric: Metric
    axes: Axes
    cells: tuple[CellSpec, ...]
    span: Span = field(eq=False, repr=False)
    loops: tuple[tuple[str, str], ...] = ()
