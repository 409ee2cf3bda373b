"""Expansion: a step becomes the forward passes that the reference executor makes for it, all layers of all tokens.
Each kind writes them down in its own file (`plan/steps/`).

before: PathPatch(layer 3, receivers (5.1.query,))
after:  clean x 1, sent x 4 (changed at layer 3, read at layer 5), received x 4 (changed at layer 5, logits)
"""

from __future__ import annotations

from entrack.plan.schedule import DEFAULT, Memory, Schedule
from entrack.plan.steps import Step, kind_of


def expand(step: Step, memory: Memory = DEFAULT) -> Schedule:
    """The runs of a step, nothing taken away."""
    return Schedule(tuple(kind_of(step).expand(step)), memory)
