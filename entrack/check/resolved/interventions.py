"""Acts, and interventions made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field

from entrack.check.resolved.circuits import Circuit, Group, Where
from entrack.frozen import frozen
from entrack.sites import Part
from entrack.source import Span

if TYPE_CHECKING:  # sources stand with their rules, which read what is resolved here
    from entrack.check.resolved.vectors import VectorTerm
    from entrack.check.sources import Source


@frozen
class KeepAct:
    circuit: Circuit
    span: Span = field(eq=False, repr=False)

    @property
    def groups(self) -> tuple[Group, ...]:
        return self.circuit.groups


@frozen
class HeadsOf:
    """The sites of a circuit, each at its group's position; of heads their outputs, or a `component` that they
    read."""

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

    reader: Where
    read: tuple[Where, ...]
    first: int
    last: int
    span: Span = field(eq=False, repr=False)
    groups: tuple[Group, ...] = ()


@frozen
class AddAct:
    """A vector, `factor` times, is added to what stands there."""

    target: HeadsOf
    terms: tuple[VectorTerm, ...]
    factor: float
    span: Span = field(eq=False, repr=False)

    @property
    def groups(self) -> tuple[Group, ...]:
        return self.target.circuit.groups


@frozen
class NoiseAct:
    """Gaussian noise of standard deviation `sd` is added to what stands there."""

    target: HeadsOf
    sd: float
    span: Span = field(eq=False, repr=False)

    @property
    def groups(self) -> tuple[Group, ...]:
        return self.target.circuit.groups


@frozen
class ProjectAct:
    """What points along a vector is taken away from what stands there."""

    target: HeadsOf
    terms: tuple[VectorTerm, ...]
    span: Span = field(eq=False, repr=False)

    @property
    def groups(self) -> tuple[Group, ...]:
        return self.target.circuit.groups


@frozen
class ScaleAct:
    """What stands there is multiplied by `factor`."""

    target: HeadsOf
    factor: float
    span: Span = field(eq=False, repr=False)

    @property
    def groups(self) -> tuple[Group, ...]:
        return self.target.circuit.groups


ChangeAct = AddAct | NoiseAct | ProjectAct | ScaleAct
"""Acts that change what the model computed; others set it, or keep it."""
Act = KeepAct | SetAct | ChangeAct | BlockAct


@frozen
class Intervention:
    """Acts in force together. No acts: nothing is changed. `paired` are labels on axes of its own, as a mask's group
    and desideratum."""

    label: str
    acts: tuple[Act, ...]
    paired: tuple[tuple[str, str], ...] = ()
