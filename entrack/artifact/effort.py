"""What it takes to compute the outcomes under each claim again: counted in the plan and never timed, so that all packs
of the same outcomes say the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from entrack.artifact.under import steps_under
from entrack.check.resolved import Resolved
from entrack.execution.coordinator import Coordinator
from entrack.frozen import frozen
from entrack.plan.expand import expand
from entrack.plan.steps import Step

RATE = 20_000_000_000
"""Floating-point operations a second at which minutes are told."""


@frozen
class Effort:
    """Of some steps, as the reference executor runs them: full forward passes of a batch, tokens times layers of these,
    and floating-point operations of their products."""

    forwards: int
    token_layers: int
    operations: int

    @property
    def minutes(self) -> float:
        """An estimate: how long the operations take at the stated rate."""
        return self.operations / RATE / 60


@frozen
class Efforts:
    """Of each claim, in the order of the spec, and of all steps."""

    claims: tuple[Effort, ...]
    whole: Effort


def efforts_of(resolved: Resolved, run: Coordinator) -> Efforts:
    """Of a run that has all values. Steps that have none, known zeros, are not counted."""
    made = {id: _of(step) for id in run.plan.steps if run.action(id) is not None and (step := run.bound(id))}
    claims = (steps & made.keys() for steps in steps_under(resolved, run.plan))
    return Efforts(tuple(_together(made, ids) for ids in claims), _together(made, made))


def _of(step: Step) -> Effort:
    return _sum([Effort(run.forwards, run.token_layers, run.flops) for run in expand(step).runs])


def _together(made: Mapping[str, Effort], ids: Iterable[str]) -> Effort:
    return _sum([made[id] for id in ids])


def _sum(several: Sequence[Effort]) -> Effort:
    return Effort(
        sum(one.forwards for one in several),
        sum(one.token_layers for one in several),
        sum(one.operations for one in several),
    )
