"""Slice by layer: below the first change everything is what it was, so a run starts there, on a remembered residual.

before: received  layers 0-29, changed at layers 9 and 14
after:  received  layers 9-29
"""

from __future__ import annotations

from attrs import evolve

from entrack.plan.schedule import Every, ForwardPass, Schedule


def slice_by_layer(schedule: Schedule) -> Schedule:
    """The work without layers below the first change."""
    return evolve(schedule, runs=tuple(_started(run) for run in schedule.runs))


def _started(run: ForwardPass) -> ForwardPass:
    if not run.changed or any(place.layer <= run.first for place in run.changed):
        return run
    first = min(place.layer for place in run.changed)
    return run.noted(f"slice by layer: starts at layer {first}, the first that is changed", first=first)


def relative(run: ForwardPass) -> bool:
    """Whether a run's changes are places, so that the rest of it is known from a clean run or a base."""
    return bool(run.changed) and not any(
        isinstance(place.tokens, Every) and run.held is not None for place in run.changed
    )
