"""Assembling: what ran becomes `Results` - cells with intervals, discoveries with their groups, claims that pass or fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import nan
from typing import Any, Protocol

import numpy as np

from entrack.check.resolved import Arithmetic, CellOf, Constant, Found, Measure, Population, Quantity, Resolved, Size
from entrack.check.resolved import Claim as ClaimSpec
from entrack.findings.intervals import OPERATIONS, RESAMPLES, interval, mean_interval, resampled_means
from entrack.findings.outcomes import Array, Outcome, metric
from entrack.findings.selection import Selection, merged
from entrack.plan.plan import CellPlan, DiscoveryPlan, GroupPlan, Plan
from entrack.results import Axis, Cell, Claim, Discovery, Figure, Group, Interval, Provenance, Results, Table
from entrack.results import Measure as MeasureResult
from entrack.sites import Head
from entrack.syntax import ast


class Ran(Protocol):
    """What a run has: the value and address of every step, and what every selection kept."""

    def value(self, id: str) -> Outcome: ...
    def address_of(self, id: str) -> str: ...
    def selection(self, id: str) -> Selection: ...


class NotANumber(Exception):
    """A number of the results is not finite; the message says which. Nothing is reported that is not a number."""


def assemble(resolved: Resolved, plan: Plan, ran: Ran, provenance: Provenance) -> Results:
    """The results of a run."""
    measures = tuple(_measure(measure, plan.cells[measure.name], ran) for measure in resolved.measures)
    discoveries = tuple(_discovery(found, plan, ran) for found in plan.discoveries)
    claims = tuple(_claim(claim, resolved, measures, discoveries) for claim in resolved.claims)
    return Results(
        title=resolved.title,
        measures=measures,
        discoveries=discoveries,
        claims=claims,
        figures=tuple(_figure(item) for item in resolved.figures),
        tables=tuple(Table(item.title.value, item.of.plain or item.of.name) for item in resolved.tables),
        provenance=provenance,
    )


# --- measures ----------------------------------------------------------------------------------------------------


def _measure(spec: Measure, cells: Sequence[CellPlan], ran: Ran) -> MeasureResult:
    axes = tuple(Axis(name, labels) for name, labels in spec.axes)
    made = tuple(_cell(spec, cell, planned, ran) for cell, planned in zip((c.population for c in spec.cells), cells, strict=True))
    return MeasureResult(spec.name, spec.metric.name, spec.metric.unit, axes, made)


def _cell(spec: Measure, population: Population, planned: CellPlan, ran: Ran) -> Cell:
    outcomes = [ran.value(id) for id in planned.evaluations]
    asked = np.array([[prompt.ids[name][0] for name in planned.of] for prompt in planned.prompts], dtype=np.int64)
    values = metric(spec.metric.kind, merged(outcomes, planned.places), asked)
    if not np.isfinite(values).all():
        raise NotANumber(f"{spec.name}[{', '.join(planned.labels)}] has a prompt whose {spec.metric.name} is not a number")
    return Cell(
        labels=planned.labels,
        value=float(values.mean()),
        n=len(values),
        interval=mean_interval(values, resampling_of(population)),
        outcomes=tuple(float(value) for value in values),
        address=ran.address_of(planned.evaluations[0]),
    )


def resampling_of(population: Population) -> str:
    """The name of a population's resamples. Prompts drawn with one seed and purpose come in pairs, whatever is done to them."""
    return f"{population.purpose}/{population.seed}/{population.task.name}"


# --- discoveries -------------------------------------------------------------------------------------------------


def _discovery(found: DiscoveryPlan, plan: Plan, ran: Ran) -> Discovery:
    groups = tuple(_group(found, group, plan, ran) for group in found.groups)
    return Discovery(found.name, found.model, found.score, found.n, groups)


def _group(found: DiscoveryPlan, group: GroupPlan, plan: Plan, ran: Ran) -> Group:
    selection = ran.selection(group.select)
    node: Any = plan.nodes[group.select]
    earlier = [other for other in found.groups if other.select in {chosen.id for chosen in node.taken}]
    return Group(
        name=group.name,
        position=group.position,
        receivers=group.receivers,
        heads=selection.heads,
        intervals=selection.intervals,
        scores=tuple(tuple(float(value) for value in row) for row in selection.scores),
        known_zero=selection.known_zero,
        also=tuple((head, earlier[place].name) for head, place in selection.taken),
        note=_note(group, node.keep, selection, plan, found.model),
    )


def _note(group: GroupPlan, keep: int, selection: Selection, plan: Plan, model: str) -> str:
    notes = []
    if len(selection.heads) + len(selection.taken) < keep:
        notes.append(f"only {len(selection.heads) + len(selection.taken)} heads score below zero")
    facts = plan.models[model].facts
    if facts.grouped and any(name.endswith((".key", ".value")) for name in group.receivers):
        notes.append(f"keys and values are shared by {facts.heads // facts.key_value_heads} heads each: receivers of one key/value head cannot be told apart")
    return "; ".join(notes)


# --- claims ------------------------------------------------------------------------------------------------------


def _claim(spec: ClaimSpec, resolved: Resolved, measures: Sequence[MeasureResult], discoveries: Sequence[Discovery]) -> Claim:
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
    if tolerance is not None:
        return abs(value - bound) <= tolerance
    return {">=": value >= bound, "<=": value <= bound, ">": value > bound, "<": value < bound, "==": value == bound}[relation]


class _Cells:
    """The quantities of claims, as values and as resampled values."""

    def __init__(self, resolved: Resolved, measures: Sequence[MeasureResult], discoveries: Sequence[Discovery]) -> None:
        self._specs = {measure.name: measure for measure in resolved.measures}
        self._measures = {measure.name: measure for measure in measures}
        self._found: Mapping[tuple[str, str], tuple[Head, ...]] = {(d.name, group.name): group.heads for d in discoveries for group in d.groups}

    def value(self, quantity: Quantity) -> float:
        match quantity:
            case Constant(value):
                return value
            case CellOf():
                return self._cell(quantity).value
            case Size(circuit):
                return float(sum(len(self._found[g.heads.discovery, g.heads.group] if isinstance(g.heads, Found) else g.heads) for g in circuit.groups))
            case Arithmetic(first, rest):
                total = self.value(first)
                for sign, operand in rest:
                    other = self.value(operand)
                    total = float("inf") if sign == "/" and other == 0 else float(OPERATIONS[sign](np.float64(total), np.float64(other)))
                return total

    def samples(self, quantity: Quantity) -> Array:
        match quantity:
            case CellOf():
                return resampled_means(np.array(self._cell(quantity).outcomes), resampling_of(self._population(quantity)))
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
            case Arithmetic(first, rest):
                sizes = [size for part in (first, *(operand for _, operand in rest)) if (size := self.smallest(part))]
                return min(sizes, default=0)
        return 0

    def _cell(self, quantity: CellOf) -> Cell:
        return next(cell for cell in self._measures[quantity.measure].cells if cell.labels == quantity.labels)

    def _population(self, quantity: CellOf) -> Population:
        return next(cell.population for cell in self._specs[quantity.measure].cells if cell.labels == quantity.labels)


def _figure(item: ast.Figure) -> Figure:
    options = {word.removesuffix(" by") if word != "by" else word: name.text for word, name in item.options}
    return Figure(item.title.value, item.kind.text, item.of.plain or item.of.name, options)


