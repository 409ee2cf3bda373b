"""Build `Results` from what ran: cells with intervals, discoveries with their groups, claims with their verdicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from math import isnan, nan
from typing import Any

import numpy as np

from entrack import interrupts
from entrack.address import address
from entrack.analysis.circuits import examined, learned, overlap
from entrack.analysis.intervals import (
    OPERATIONS,
    RESAMPLES,
    Combine,
    interval,
    mean_interval,
    resampled_means,
    resampled_ratios,
)
from entrack.analysis.outcomes import Array, NotANumber
from entrack.analysis.run_values import Ran, outcomes_of, resampling_of
from entrack.analysis.screening import agreement, missed
from entrack.analysis.selection import Selection
from entrack.check.resolved import (
    Arithmetic,
    CellOf,
    Constant,
    Found,
    Measure,
    Population,
    Quantity,
    Resolved,
    Size,
    Summary,
    carries,
)
from entrack.check.resolved import Claim as ClaimSpec
from entrack.check.resolved import Group as GroupSpec
from entrack.plan.plan import CellPlan, DiscoveryPlan, ExaminationPlan, GroupPlan, Plan, RunPlan
from entrack.plan.steps import Select
from entrack.results import Axis, Cell, Claim, Discovery, Figure, Group, Interval, Provenance, Results, Screen, Table
from entrack.results import Measure as MeasureResult
from entrack.sites import SENDING, Site
from entrack.syntax import ast

ROUNDING = 1e-12
FOLDS: dict[str, Combine] = {"smallest": np.minimum, "largest": np.maximum, "mean": np.add}
"""How two cells of a summary are taken together; a mean is divided by their number then."""


def assemble(resolved: Resolved, plan: Plan, ran: Ran, provenance: Callable[[], Provenance]) -> Results:
    """The results of a run. `provenance` is asked last: a value that turns out damaged when it is read is computed
    again."""
    by_name = {
        **{spec.name: _measure(spec, plan.cells[spec.name], ran) for spec in resolved.measures},
        **{spec.name: examined(spec, _planned(plan, spec.name), ran) for spec in resolved.examinations},
        **{spec.name: overlap(spec, plan, ran) for spec in resolved.overlaps},
    }
    measures = tuple(by_name[name] for name in resolved.measured)
    discoveries = tuple(_discovery(found, plan, ran) for found in plan.discoveries)
    claims = tuple(_claim(claim, resolved, measures, discoveries) for claim in resolved.claims)
    return Results(
        title=resolved.title,
        measures=measures,
        discoveries=discoveries,
        masks=tuple(learned(planned, plan, ran) for planned in plan.masks),
        claims=claims,
        figures=tuple(_figure(item) for item in resolved.figures),
        tables=tuple(Table(item.title.value, item.of.plain or item.of.name) for item in resolved.tables),
        provenance=provenance(),
    )


# --- measures ----------------------------------------------------------------------------------------------------


def _measure(spec: Measure, cells: Sequence[CellPlan], ran: Ran) -> MeasureResult:
    over = dict(spec.loops)
    axes = tuple(
        Axis(name, labels, _tokens(labels, cells) if over.get(name) == "tokens" else (), over.get(name, ""))
        for name, labels in spec.axes
    )
    made = tuple(
        _cell(spec, cell, planned, ran) for cell, planned in zip((c.population for c in spec.cells), cells, strict=True)
    )
    return MeasureResult(spec.name, spec.metric.name, spec.metric.unit, axes, made)


def _tokens(labels: Sequence[str], cells: Sequence[CellPlan]) -> tuple[str, ...]:
    """What the tokens of an axis are in the first prompt that was measured."""
    if not cells:
        return ()
    pieces = cells[0].runs[0].prompts[0].pieces
    return tuple(pieces[int(label)] for label in labels)


def _cell(spec: Measure, population: Population, planned: CellPlan, ran: Ran) -> Cell:
    """A cell over its draws: all prompts together, and the sd of the draws' values."""
    interrupts.check()
    draws = [_of_run(spec, planned, run, ran) for run in planned.runs]
    if planned.between is not None:
        return _recovered(spec, population, planned, draws, ran)
    values = np.concatenate(draws)
    means = [float(draw.mean()) for draw in draws]
    return Cell(
        labels=planned.labels,
        value=float(values.mean()),
        n=len(values),
        interval=mean_interval(values, resampling_of(population)),
        outcomes=tuple(float(value) for value in values),
        sd=float(np.std(means, ddof=1)) if len(means) > 1 else None,
        draws=tuple(means) if len(means) > 1 else (),
        address=address([ran.address_of(id) for run in planned.runs for id in run.evaluations]),
    )


def _of_run(spec: Measure, planned: CellPlan, run: RunPlan, ran: Ran) -> Array:
    """The metric of each prompt of a run. Raises NotANumber."""
    values = outcomes_of(spec.metric.kind, run, ran, spec.metric.top, planned.site)
    if not np.isfinite(values).all():
        raise NotANumber(
            f"{spec.name}[{', '.join(planned.labels)}] has a prompt whose {spec.metric.name} is not a number"
        )
    return values


def _recovered(spec: Measure, population: Population, planned: CellPlan, edited: Sequence[Array], ran: Ran) -> Cell:
    """How far a metric comes from the corrupted to the clean run: the mean of edited - corrupted over the mean of
    clean - corrupted. Not a number, without outcomes, where the second is 0."""
    assert planned.between is not None  # it is a recovery
    ends = planned.between.clean, planned.between.corrupted
    clean, corrupted = ([_of_run(spec, planned, run, ran) for run in runs] for runs in ends)
    come, way = ([one - other for one, other in zip(several, corrupted, strict=True)] for several in (edited, clean))
    whole = float(np.concatenate(way).mean())
    defined = whole != 0
    outcomes, ranges = (np.concatenate(several) / (whole if defined else nan) for several in (come, way))
    with np.errstate(divide="ignore", invalid="ignore"):
        each = tuple(float(one.mean() / other.mean()) for one, other in zip(come, way, strict=True))
    samples = resampled_ratios(outcomes, ranges, resampling_of(population))
    runs = (*planned.runs, *planned.between.clean, *planned.between.corrupted)
    return Cell(
        labels=planned.labels,
        value=float(outcomes.mean()),
        n=len(outcomes),
        interval=interval(samples[np.isfinite(samples)]) if defined else None,
        outcomes=tuple(outcomes.tolist()) if defined else (),
        sd=float(np.std(each, ddof=1)) if len(each) > 1 and np.isfinite(each).all() else None,
        draws=each if len(each) > 1 else (),
        address=address([ran.address_of(id) for run in runs for id in run.evaluations]),
        ranges=tuple(ranges.tolist()) if defined else (),
    )


def _planned(plan: Plan, name: str) -> ExaminationPlan:
    return next(planned for planned in plan.examinations if planned.name == name)


# --- discoveries -------------------------------------------------------------------------------------------------


def _discovery(found: DiscoveryPlan, plan: Plan, ran: Ran) -> Discovery:
    groups = tuple(_group(found, group, plan, ran) for group in found.groups)
    nodes: list[Any] = [plan.nodes[group.select] for group in found.groups]
    patched = [refs for node in nodes for refs in (*node.patched, *node.mlps)]
    made = [ran.address_of(ref.id) for refs in patched for ref in refs if ran.made(ref.id)]
    return Discovery(found.name, found.model, found.score, found.n, groups, address(made))


def _group(found: DiscoveryPlan, group: GroupPlan, plan: Plan, ran: Ran) -> Group:
    selection = ran.selection(group.select)
    node: Any = plan.nodes[group.select]
    earlier = [other for other in found.groups if other.select in {chosen.id for chosen in node.taken}]
    return Group(
        name=group.name,
        position=group.position,
        receivers=group.receivers,
        sites=selection.sites,
        intervals=selection.intervals,
        scores={site: None if isnan(value) else value for site, value in selection.scores.mapping().items()},
        known_zero=selection.known_zero,
        also=tuple((head, earlier[place].name) for head, place in selection.taken),
        note=_note(group, node, selection, plan, found.model),
        screen=_screen(group, node, selection, ran),
        ranking=node.ranking,
    )


def _screen(group: GroupPlan, node: Select, selection: Selection, ran: Ran) -> Screen | None:
    """What a group's screen let through, and what became of it. Its places are those of the selection's sites."""
    if group.screen is None:
        return None
    screening = ran.screening(group.screen)
    best = (*selection.sites, *(site for site, _ in selection.taken))
    return Screen(
        steps=group.steps,
        through=screening.through,
        places=tuple(screening.through.index(site) + 1 for site in selection.sites),
        agreement=agreement(screening, selection.outcomes),
        missed=missed(screening, selection.scores, best, node.keep, node.ranking),
        estimates=screening.estimates.mean().mapping(),
    )


def _note(group: GroupPlan, node: Select, selection: Selection, plan: Plan, model: str) -> str:
    notes = []
    many, parts = len(selection.sites) + len(selection.taken), {site.part for site in selection.scores.sites}
    if many < node.keep:
        words = " and ".join(word for word, part in SENDING.items() if part in parts)
        notes.append(f"only {many} {words} score {node.ranking.kept}")
    facts = plan.models[model].facts
    if facts.grouped and any(name.endswith((".key", ".value")) for name in group.receivers):
        notes.append(
            f"keys and values are shared by {facts.heads // facts.key_value_heads} heads each: receivers of "
            "one key/value head cannot be told apart"
        )
    return "; ".join(notes)


# --- claims ------------------------------------------------------------------------------------------------------


def _claim(
    spec: ClaimSpec, resolved: Resolved, measures: Sequence[MeasureResult], discoveries: Sequence[Discovery]
) -> Claim:
    cells = _Cells(resolved, measures, discoveries)
    value, bound = cells.value(spec.left), cells.value(spec.right)
    tolerance = None if spec.tolerance is None else cells.value(spec.tolerance)
    with np.errstate(divide="ignore", invalid="ignore"):
        samples = cells.samples(spec.left)
    defined = bool(np.isfinite([value, bound]).all() and np.isfinite(samples).any())
    return Claim(
        text=spec.text,
        expression=spec.expression,
        value=value if defined else nan,
        relation=spec.relation,
        bound=bound,
        passed=defined and _passes(spec.relation, value, bound, tolerance),
        n=cells.smallest(spec.left),
        interval=interval(samples[np.isfinite(samples)]) if defined else Interval(nan, nan),
        tolerance=tolerance,
        published=spec.published,
    )


def _passes(relation: str, value: float, bound: float, tolerance: float | None) -> bool:
    """Numbers that differ by rounding only are equal: 0.8 is within 0.1 of 0.7, and three times 0.1 is 0.3."""
    if tolerance is not None:
        return abs(value - bound) <= tolerance + ROUNDING
    equal = abs(value - bound) <= ROUNDING
    above, below = value > bound and not equal, value < bound and not equal
    return {">=": above or equal, "<=": below or equal, ">": above, "<": below, "==": equal}[relation]


class _Cells:
    """The quantities of claims, as values and as resampled values."""

    def __init__(self, resolved: Resolved, measures: Sequence[MeasureResult], discoveries: Sequence[Discovery]) -> None:
        self._specs = {measure.name for measure in resolved.measures}
        self._measures = {measure.name: measure for measure in measures}
        self._populations = {(m.name, cell.labels): cell.population for m in resolved.measures for cell in m.cells}
        self._found: Mapping[tuple[str, str], tuple[Site, ...]] = {
            (d.name, group.name): group.sites for d in discoveries for group in d.groups
        }

    def value(self, quantity: Quantity) -> float:
        match quantity:
            case Constant(value):
                return value
            case CellOf():
                return self._cell(quantity).value
            case Summary():
                return self._summary(quantity)
            case Size(circuit):
                return float(sum(self._size(group) for group in circuit.groups))
            case Arithmetic(first, rest):
                total = self.value(first)
                for sign, operand in rest:
                    other = self.value(operand)
                    total = (
                        nan if sign == "/" and other == 0 else float(OPERATIONS[sign](np.array(total), np.array(other)))
                    )
                return total

    def _size(self, group: GroupSpec) -> int:
        """How many sites a written or discovered group has."""
        if isinstance(group.heads, Found):
            return len(self._found[group.heads.discovery, group.heads.group])
        return len(group.heads) if isinstance(group.heads, tuple) else 0

    def _summary(self, quantity: Summary) -> float:
        values = [cell.value for cell in self._summarised(quantity)]
        if not values:
            return nan
        return {"smallest": min(values), "largest": max(values), "mean": sum(values) / len(values)}[quantity.kind]

    def _summarised(self, quantity: Summary) -> list[Cell]:
        measure = self._measures[quantity.measure]
        names = [axis.name for axis in measure.axes]
        return [cell for cell in measure.cells if carries(cell.labels, names, quantity.labels)]

    def samples(self, quantity: Quantity) -> Array:
        match quantity:
            case CellOf(measure) if self._cell(quantity).outcomes and measure in self._specs:
                return self._resampled(measure, self._cell(quantity))
            case Summary(kind, measure) if measure in self._specs:
                cells = self._summarised(quantity)
                total = reduce(FOLDS[kind], (self._resampled(measure, cell) for cell in cells))
                return total / len(cells) if kind == "mean" else total
            case Arithmetic(first, rest):
                total = self.samples(first)
                for sign, operand in rest:
                    total = OPERATIONS[sign](total, self.samples(operand))
                return total
        return np.full(RESAMPLES, self.value(quantity))

    def smallest(self, quantity: Quantity) -> int:
        """The smallest number of prompts that a quantity rests on."""
        match quantity:
            case CellOf():
                return self._cell(quantity).n
            case Summary(_, measure):
                return min((cell.n for cell in self._measures[measure].cells), default=0)
            case Arithmetic(first, rest):
                sizes = [size for part in (first, *(operand for _, operand in rest)) if (size := self.smallest(part))]
                return min(sizes, default=0)
        return 0

    def _cell(self, quantity: CellOf) -> Cell:
        return next(cell for cell in self._measures[quantity.measure].cells if cell.labels == quantity.labels)

    def _resampled(self, measure: str, cell: Cell) -> Array:
        name = resampling_of(self._populations[measure, cell.labels])
        if cell.ranges:
            return resampled_ratios(np.array(cell.outcomes), np.array(cell.ranges), name)
        return resampled_means(np.array(cell.outcomes), name)


def _figure(item: ast.Figure) -> Figure:
    options = {word.removesuffix(" by") if word != "by" else word: name.text for word, name in item.options}
    return Figure(item.title.value, item.kind.text, item.of.plain or item.of.name, options)
