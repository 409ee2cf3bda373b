"""Liveness: a run ends where the last thing is read.

before: sent  layers 0-29, read at layer 9
after:  sent  layers 0-9
"""

from __future__ import annotations

from attrs import evolve

from entrack.plan.schedule import ForwardPass, Schedule


def liveness(schedule: Schedule) -> Schedule:
    """The work without layers above what is read, and without logits that nobody reads."""
    return evolve(schedule, runs=tuple(_ended(run) for run in schedule.runs))


def _ended(run: ForwardPass) -> ForwardPass:
    if run.logits or not run.read:
        return run
    end = max(place.layer for place in run.read) + 1
    return run if end >= run.end else run.noted(f"liveness: ends at layer {end - 1}, the last that is read", end=end)
