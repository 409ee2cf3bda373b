"""What the rules for interventions work with: the scope, and the populations, circuits and masks that acts may name."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define, field

from entrack.check.resolved import (
    Alternate,
    Circuit,
    Mask,
    Vector,
)
from entrack.check.scope import Scope
from entrack.model_config import ModelFacts
from entrack.syntax import ast

AN_ACT = 10
"""Parts of an expression that are expanded as quickly as an act is looked up."""


@define
class Changes:
    """What interventions are resolved with. `given` are the arguments of the intervention that is being expanded;
    `shapes` are those of the models that are changed, as far as they are known."""

    scope: Scope
    circuits: Mapping[str, Circuit]
    alternates: Mapping[str, Alternate]
    seed: int
    given: dict[str, ast.Expression] = field(factory=dict)
    masks: dict[str, Mask] = field(factory=dict)
    vectors: dict[str, Vector] = field(factory=dict)
    shapes: tuple[ModelFacts, ...] = ()
