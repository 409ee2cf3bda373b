"""Slice by layer: below the first change everything is what it was, so a run starts there, on a remembered residual.

before: received  layers 0-29, changed at layers 9 and 14
after:  received  layers 9-29
"""

from __future__ import annotations

from attrs import evolve

from entrack.plan.work import Every, Run, Work


def slice_by_layer(work: Work) -> Work:
    """The work without layers below the first change."""
    return evolve(work, runs=tuple(_started(run) for run in work.runs))


def _started(run: Run) -> Run:
    if not run.changed or any(place.layer <= run.first for place in run.changed):
        return run
    first = min(place.layer for place in run.changed)
    return run.noted(f"slice by layer: starts at layer {first}, the first that is changed", first=first)


def relative(run: Run) -> bool:
    """Whether a run's changes are places, so that the rest of it is known from a clean run or a base."""
    return bool(run.changed) and not any(isinstance(place.tokens, Every) and run.held is not None for place in run.changed)
