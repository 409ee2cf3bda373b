"""Claims: what they come to, with its interval, and whether they hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from math import isfinite, nan
from typing import assert_never

from entrack.analysis.cells import Readings, readings, together
from entrack.analysis.estimates import Estimate, constant, difference, product, quotient, summary, total
from entrack.analysis.run_values import Ran
from entrack.check.resolved import (
    Arithmetic,
    CellOf,
    Constant,
    Found,
    Quantity,
    Resolved,
    Size,
    Summary,
    carries,
)
from entrack.check.resolved import Claim as ClaimSpec
from entrack.check.resolved import Group as GroupSpec
from entrack.plan.plan import Plan
from entrack.results import Cell, Certificate, Claim, Discovery, Interval, Measure, Verdict
from entrack.sites import Site

ROUNDING = 1e-12
Labels = tuple[str, ...]
OPERATIONS: Mapping[str, Callable[[Estimate, Estimate], Estimate]] = {
    "+": total,
    "-": difference,
    "*": product,
    "/": quotient,
}


def claim_of(spec: ClaimSpec, cells: Cells, certificate: Certificate | None = None) -> Claim:
    """A claim with its verdict. The value decides, or the certificate where there is one."""
    value, bound = cells.value(spec.left), cells.value(spec.right)
    tolerance = None if spec.tolerance is None else cells.value(spec.tolerance)
    defined = isfinite(value) and isfinite(bound)
    holds = defined and _passes(spec.relation, value, bound, tolerance)
    found = cells.readings(spec.left) if defined else None
    return Claim(
        text=spec.text,
        expression=spec.expression,
        value=value if defined else nan,
        relation=spec.relation,
        bound=bound,
        passed=holds if certificate is None else certificate.verdict is Verdict.CERTIFIED,
        n=cells.smallest(spec.left),
        interval=found.interval if found else Interval(nan, nan),
        tolerance=tolerance,
        published=spec.published,
        interval_of_these_draws=found.of_these_draws if found else None,
        certificate=certificate,
    )


def _passes(relation: str, value: float, bound: float, tolerance: float | None) -> bool:
    """Numbers that differ by rounding only are equal: 0.8 is within 0.1 of 0.7, and three times 0.1 is 0.3."""
    if tolerance is not None:
        return abs(value - bound) <= tolerance + ROUNDING
    equal = abs(value - bound) <= ROUNDING
    above, below = value > bound and not equal, value < bound and not equal
    return {">=": above or equal, "<=": below or equal, ">": above, "<": below, "==": equal}[relation]


class Cells:
    """The quantities of claims, as values and as estimates."""

    def __init__(
        self,
        resolved: Resolved,
        plan: Plan,
        ran: Ran,
        measures: Sequence[Measure],
        discoveries: Sequence[Discovery],
        examined: Mapping[str, Mapping[Labels, Estimate]],
    ) -> None:
        self._ran, self._examined = ran, examined
        self._specs = {spec.name: (spec, plan.cells[spec.name]) for spec in resolved.measures}
        self._measures = {measure.name: measure for measure in measures}
        self._found: Mapping[tuple[str, str], tuple[Site, ...]] = {
            (d.name, group.name): group.sites for d in discoveries for group in d.groups
        }
        self._known: dict[tuple[str, Labels], Readings] = {}

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
                values = [(sign, self.value(operand)) for sign, operand in rest]
                return reduce(lambda so_far, pair: _computed(so_far, *pair), values, self.value(first))
        assert_never(quantity)

    def readings(self, quantity: Quantity) -> Readings:
        """What the interval of a quantity is made of. Paired where its cells are of the same prompts or draws."""
        match quantity:
            case CellOf(measure):
                return self._of_cell(measure, self._cell(quantity))
            case Summary(kind, measure):
                several = [self._of_cell(measure, cell) for cell in self._summarised(quantity)]
                return together(lambda *estimates: summary(kind, estimates), several)
            case Arithmetic(first, rest):
                pairs = [(sign, self.readings(operand)) for sign, operand in rest]
                return reduce(
                    lambda so_far, pair: together(OPERATIONS[pair[0]], [so_far, pair[1]]), pairs, self.readings(first)
                )
            case Constant() | Size():
                return Readings(constant(self.value(quantity)))
        assert_never(quantity)

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
            case Constant() | Size():
                return 0
        assert_never(quantity)

    def _of_cell(self, measure: str, cell: Cell) -> Readings:
        key = measure, cell.labels
        if key not in self._known:
            self._known[key] = self._read(measure, cell)
        return self._known[key]

    def _read(self, measure: str, cell: Cell) -> Readings:
        if measure in self._examined:
            return Readings(self._examined[measure][cell.labels])
        if measure not in self._specs or not isfinite(cell.value):
            return Readings(constant(cell.value))
        spec, planned = self._specs[measure]
        pairs = zip(spec.cells, planned, strict=True)
        population, runs = next((one.population, run) for one, run in pairs if one.labels == cell.labels)
        return readings(spec, population, runs, self._ran)

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

    def _cell(self, quantity: CellOf) -> Cell:
        return next(cell for cell in self._measures[quantity.measure].cells if cell.labels == quantity.labels)


def _computed(first: float, sign: str, second: float) -> float:
    """Not a number where it would divide by 0."""
    match sign:
        case "+":
            return first + second
        case "-":
            return first - second
        case "*":
            return first * second
        case _:
            return first / second if second != 0 else nan
