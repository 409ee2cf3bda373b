"""What the rules for interventions work with: the scope, and the populations, circuits and masks that acts may name."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define, field

from entrack.check.resolved import (
    Alternate,
    Circuit,
    Mask,
)
from entrack.check.scope import Scope
from entrack.syntax import ast

AN_ACT = 10
"""Parts of an expression that are expanded as quickly as an act is looked up."""


@define
class Changes:
    """What interventions are resolved with. `given` are the arguments of the intervention that is being expanded."""

    scope: Scope
    circuits: Mapping[str, Circuit]
    alternates: Mapping[str, Alternate]
    seed: int
    given: dict[str, ast.Expression] = field(factory=dict)
    masks: dict[str, Mask] = field(factory=dict)
