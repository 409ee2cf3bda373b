"""Cells of measures: values, and what their intervals are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import nan

import numpy as np

from entrack import interrupts
from entrack.address import address
from entrack.analysis.estimates import Estimate, Kind, Mean, Ratio, difference
from entrack.analysis.outcomes import Array, NotANumber
from entrack.analysis.run_values import Ran, drawn_together, outcomes_of
from entrack.check.resolved import Measure, Population
from entrack.frozen import frozen
from entrack.plan.plan import CellPlan, RunPlan
from entrack.results import Cell, Interval

Draws = Sequence[Array]
"""The outcomes of prompts, draw by draw."""


@frozen
class Readings:
    """A number for the draws that were made, and, where there are several, over draws."""

    these: Estimate
    over: Estimate | None = None

    @property
    def interval(self) -> Interval:
        """Over draws it is never narrower than for these."""
        these = self.these.limits()
        if self.over is None:
            return these
        over = self.over.limits()
        return Interval(min(these.low, over.low), max(these.high, over.high))

    @property
    def of_these_draws(self) -> Interval | None:
        return None if self.over is None else self.these.limits()


def together(made: Callable[..., Estimate], several: Sequence[Readings]) -> Readings:
    """What is made of several numbers. Those without draws are in both readings as they are."""
    these = made(*(one.these for one in several))
    if all(one.over is None for one in several):
        return Readings(these)
    return Readings(these, made(*(one.over or one.these for one in several)))


def readings(spec: Measure, population: Population, planned: CellPlan, ran: Ran) -> Readings:
    """What a cell's intervals are made of."""
    return _read(spec, population, [_drawn(spec, planned, runs, ran) for runs in _sides(planned)])


def _read(spec: Measure, population: Population, several: Sequence[Draws]) -> Readings:
    kind = Kind.SHARE if spec.metric.kind == "accuracy" else Kind.NUMBER
    name = drawn_together(population)
    these = _estimate([Mean.of(name, draws, kind) for draws in several])
    if len(several[0]) == 1:
        return Readings(these)
    return Readings(these, _estimate([Mean.over_draws(name, draws) for draws in several]))


def _sides(planned: CellPlan) -> list[tuple[RunPlan, ...]]:
    """The runs that a cell is made of: with edits, and, of a recovery, clean and corrupted."""
    ends = [] if planned.between is None else [planned.between.clean, planned.between.corrupted]
    return [planned.runs, *ends]


def _estimate(means: Sequence[Mean]) -> Estimate:
    if len(means) == 1:
        return means[0]
    edited, clean, corrupted = means
    return Ratio.of(difference(edited, corrupted), difference(clean, corrupted))


def cell_of(spec: Measure, population: Population, planned: CellPlan, ran: Ran) -> Cell:
    """A cell over its draws: all prompts together, and the sd of the draws' values."""
    interrupts.check()
    if planned.between is not None:
        return _recovered(spec, population, planned, ran)
    draws = _drawn(spec, planned, planned.runs, ran)
    values, means = np.concatenate(draws), [float(draw.mean()) for draw in draws]
    known = _read(spec, population, [draws])
    return Cell(
        labels=planned.labels,
        value=float(values.mean()),
        n=len(values),
        interval=known.interval,
        outcomes=tuple(float(value) for value in values),
        sd=float(np.std(means, ddof=1)) if len(means) > 1 else None,
        draws=tuple(means) if len(means) > 1 else (),
        address=_address(planned, ran),
        interval_of_these_draws=known.of_these_draws,
        random=planned.random,
    )


def _recovered(spec: Measure, population: Population, planned: CellPlan, ran: Ran) -> Cell:
    """How far a metric comes from the corrupted to the clean run: the mean of edited - corrupted over the mean of
    clean - corrupted. Not a number, without outcomes, where the second is 0."""
    edited, clean, corrupted = (_drawn(spec, planned, runs, ran) for runs in _sides(planned))
    come, way = ([one - other for one, other in zip(several, corrupted, strict=True)] for several in (edited, clean))
    whole = float(np.concatenate(way).mean())
    defined = whole != 0
    outcomes, ranges = (np.concatenate(several) / (whole if defined else nan) for several in (come, way))
    with np.errstate(divide="ignore", invalid="ignore"):
        each = tuple(float(one.mean() / other.mean()) for one, other in zip(come, way, strict=True))
    known = _read(spec, population, [edited, clean, corrupted]) if defined else None
    return Cell(
        labels=planned.labels,
        value=float(outcomes.mean()),
        n=len(outcomes),
        interval=known.interval if known else None,
        outcomes=tuple(outcomes.tolist()) if defined else (),
        sd=float(np.std(each, ddof=1)) if len(each) > 1 and np.isfinite(each).all() else None,
        draws=each if len(each) > 1 else (),
        address=_address(planned, ran),
        ranges=tuple(ranges.tolist()) if defined else (),
        interval_of_these_draws=known.of_these_draws if known else None,
        random=planned.random,
    )


def _drawn(spec: Measure, planned: CellPlan, runs: Sequence[RunPlan], ran: Ran) -> Draws:
    return [_of_run(spec, planned, run, ran) for run in runs]


def _of_run(spec: Measure, planned: CellPlan, run: RunPlan, ran: Ran) -> Array:
    """The metric of each prompt of a run. Raises NotANumber."""
    values = outcomes_of(spec.metric.kind, run, ran, spec.metric.top, planned.site)
    if not np.isfinite(values).all():
        raise NotANumber(
            f"{spec.name}[{', '.join(planned.labels)}] has a prompt whose {spec.metric.name} is not a number"
        )
    return values


def _address(planned: CellPlan, ran: Ran) -> str:
    return address([ran.address_of(id) for runs in _sides(planned) for run in runs for id in run.evaluations])
