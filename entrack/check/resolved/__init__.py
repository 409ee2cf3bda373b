"""What a program means, once every name is known: frozen values that the later stages read instead of the text.

Tasks keep their syntax (prompts are drawn by walking it); everything about models, heads, interventions, measures and
claims is resolved here to values without names that still have to be looked up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from attrs import field

from entrack.check.resolved.circuits import Circuit as Circuit
from entrack.check.resolved.circuits import Discovery as Discovery
from entrack.check.resolved.circuits import Found as Found
from entrack.check.resolved.circuits import Group as Group
from entrack.check.resolved.circuits import Heads as Heads
from entrack.check.resolved.circuits import Hop as Hop
from entrack.check.resolved.circuits import Mask as Mask
from entrack.check.resolved.circuits import Masked as Masked
from entrack.check.resolved.circuits import Metric as Metric
from entrack.check.resolved.circuits import RandomLike as RandomLike
from entrack.check.resolved.circuits import Receiver as Receiver
from entrack.check.resolved.circuits import Recovery as Recovery
from entrack.check.resolved.circuits import Screen as Screen
from entrack.check.resolved.circuits import Where as Where
from entrack.check.resolved.circuits import may_have_heads as may_have_heads
from entrack.check.resolved.claims import Arithmetic as Arithmetic
from entrack.check.resolved.claims import CellOf as CellOf
from entrack.check.resolved.claims import Certificate as Certificate
from entrack.check.resolved.claims import Claim as Claim
from entrack.check.resolved.claims import Constant as Constant
from entrack.check.resolved.claims import FreshCell as FreshCell
from entrack.check.resolved.claims import Linear as Linear
from entrack.check.resolved.claims import Part as Part
from entrack.check.resolved.claims import Quantity as Quantity
from entrack.check.resolved.claims import Size as Size
from entrack.check.resolved.claims import Summary as Summary
from entrack.check.resolved.claims import carries as carries
from entrack.check.resolved.interventions import Act as Act
from entrack.check.resolved.interventions import AddAct as AddAct
from entrack.check.resolved.interventions import BlockAct as BlockAct
from entrack.check.resolved.interventions import ChangeAct as ChangeAct
from entrack.check.resolved.interventions import Elsewhere as Elsewhere
from entrack.check.resolved.interventions import HeadsOf as HeadsOf
from entrack.check.resolved.interventions import Intervention as Intervention
from entrack.check.resolved.interventions import KeepAct as KeepAct
from entrack.check.resolved.interventions import NoiseAct as NoiseAct
from entrack.check.resolved.interventions import ProjectAct as ProjectAct
from entrack.check.resolved.interventions import ScaleAct as ScaleAct
from entrack.check.resolved.interventions import SetAct as SetAct
from entrack.check.resolved.measures import COMPARED as COMPARED
from entrack.check.resolved.measures import HALF as HALF
from entrack.check.resolved.measures import WHOLE as WHOLE
from entrack.check.resolved.measures import Axes as Axes
from entrack.check.resolved.measures import CellSpec as CellSpec
from entrack.check.resolved.measures import Examination as Examination
from entrack.check.resolved.measures import Measure as Measure
from entrack.check.resolved.measures import Overlap as Overlap
from entrack.check.resolved.prompts import BATCH as BATCH
from entrack.check.resolved.prompts import TOLD as TOLD
from entrack.check.resolved.prompts import Alternate as Alternate
from entrack.check.resolved.prompts import Model as Model
from entrack.check.resolved.prompts import Population as Population
from entrack.check.resolved.prompts import Task as Task
from entrack.check.resolved.vectors import FromFile as FromFile
from entrack.check.resolved.vectors import MeanOf as MeanOf
from entrack.check.resolved.vectors import Vector as Vector
from entrack.check.resolved.vectors import VectorTerm as VectorTerm
from entrack.check.tables import Table
from entrack.frozen import frozen
from entrack.models.datasets import Dataset
from entrack.syntax import ast

if TYPE_CHECKING:  # allotments stand with their rules, which read what is resolved here
    from entrack.check.allotments import Allotment


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
    allotments: Mapping[Table, Allotment] = field(factory=dict, repr=False)
    """Which rows of each file are taken for what."""
    about: Mapping[str, str] = field(factory=dict)
    """What the spec says of itself: title, authors, cite, note."""
    absent: tuple[Dataset, ...] = ()
    """The datasets that are not on this machine: of their rows nothing is known."""
    circuits: Mapping[str, Circuit] = field(factory=dict, repr=False)
    """Those that are written out and those that discoveries find, by name."""

    @property
    def certificates(self) -> tuple[Certificate, ...]:
        """Those of the claims that are decided on fresh prompts."""
        return tuple(claim.certificate for claim in self.claims if claim.certificate is not None)
