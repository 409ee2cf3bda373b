"""Rules for claims: what they name must be one number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import product
from math import prod

from attrs import evolve

from entrack import budget
from entrack.check.act_heads import heads_of
from entrack.check.certificates import Sides, Spec, certificate_of
from entrack.check.changes import Changes
from entrack.check.metrics import UNITS
from entrack.check.resolved import (
    Arithmetic,
    Axes,
    CellOf,
    Claim,
    Constant,
    Examination,
    Measure,
    Overlap,
    Quantity,
    Size,
    Summary,
    carries,
)
from entrack.diagnostics.suggest import Suggestion, did_you_mean
from entrack.frozen import frozen
from entrack.labels import told_apart
from entrack.source import Span
from entrack.syntax import ast
from entrack.syntax.unparse import written

Wanted = tuple[str, str]
"""The name of an axis, or "" for any, and a label."""
Labelled = ast.Expression | ast.Where | ast.Named | ast.Act
"""What may stand in the brackets after a measure."""
SUMMARIES = ("smallest", "largest", "mean")
METRICS = tuple(kind for kind in UNITS if " " not in kind)
"""Those that could be taken for a function."""
SHOWN = 8
"""Labels of an axis that a message lists."""


@frozen(slots=False)
class Grid:
    """A measure as claims and figures see it: its axes, and the labels of each cell. Without axes its cells are
    known after the run."""

    axes: Axes
    cells: tuple[tuple[str, ...], ...]

    @cached_property
    def labels(self) -> Mapping[str, tuple[int, ...]]:
        """The cells that carry each label of an axis, by their places."""
        found: dict[str, list[int]] = {label: [] for _, labels in self.axes for label in labels}
        for place, cell in enumerate(self.cells):
            for label in dict.fromkeys(cell):
                found[label].append(place)
        return {label: tuple(places) for label, places in found.items()}

    def with_all(self, wanted: Sequence[Wanted]) -> list[tuple[str, ...]]:
        """The cells that carry all these labels, in order. Looks only through those with the rarest of them."""
        places: Sequence[int] = (
            min((self.labels[label] for _, label in wanted), key=len) if wanted else range(len(self.cells))
        )
        budget.spend(budget.CELLS_SEEN, len(places))
        names = [name for name, _ in self.axes]
        return [cell for cell in (self.cells[place] for place in places) if carries(cell, names, wanted)]


def grids(
    measures: Iterable[Measure], examinations: Iterable[Examination], overlaps: Iterable[Overlap]
) -> dict[str, Grid]:
    """Every measure of the program as a grid."""
    found = {measure.name: Grid(measure.axes, tuple(cell.labels for cell in measure.cells)) for measure in measures}
    others: list[Examination | Overlap] = [*examinations, *overlaps]
    for other in others:
        budget.spend(budget.ALL_CELLS, prod(len(labels) for _, labels in other.axes))
        found[other.name] = Grid(
            other.axes, tuple(product(*(labels for _, labels in other.axes))) if other.axes else ()
        )
    return found


def check_claims(changes: Changes, items: list[ast.Item], measures: Mapping[str, Grid], spec: Spec) -> list[Claim]:
    """Every claim that makes sense. `spec` is what those are certified on that are."""
    found: list[Claim] = []
    for item in items:
        if isinstance(item, ast.Claim):
            budget.work_on(item.span)
            claim = _claim(changes, item, measures)
            if claim is not None and item.certified is not None:
                sides = Sides(claim.left, claim.relation, claim.right, claim.tolerance)
                claim = evolve(claim, certificate=certificate_of(changes, item, len(found), sides, spec))
            if claim is not None:
                found.append(claim)
    return found


def _claim(changes: Changes, item: ast.Claim, measures: Mapping[str, Grid]) -> Claim | None:
    sides = [_quantity(changes, node, measures) for node in (item.left, item.right)]
    tolerance = None if item.tolerance is None else _quantity(changes, item.tolerance, measures)
    published = None if item.published is None else changes.scope.number(item.published)
    if item.relation == "!=":
        changes.scope.report(
            "E621",
            "a claim says what is, not what is not",
            item.span,
            "",
            "use >=, <=, >, <, == or `within ... of ...`",
        )
        return None
    if any(side is None for side in sides) or (item.tolerance is not None and tolerance is None):
        return None
    left, right = sides
    assert left is not None and right is not None  # for the type checker: both were looked at above
    if not any(isinstance(leaf, CellOf | Size | Summary) for leaf in _leaves(left)):
        changes.scope.report(
            "E622",
            "this claim measures nothing",
            item.left.span,
            "no measure stands here",
            "put the measured side first, such as `acc[base, nothing] >= 0.5`",
        )
        return None
    return Claim(item.text.value, written(item.left), left, item.relation, right, tolerance, published, item.span)


def _leaves(quantity: Quantity) -> list[Quantity]:
    if isinstance(quantity, Arithmetic):
        return [leaf for part in (quantity.first, *(operand for _, operand in quantity.rest)) for leaf in _leaves(part)]
    return [quantity]


def _quantity(changes: Changes, node: ast.Expression, measures: Mapping[str, Grid]) -> Quantity | None:
    match node:
        case ast.Integer(value):
            return Constant(float(value))
        case ast.Number():
            return Constant(node.value)
        case ast.Negative(sign, operand):
            inner = _quantity(changes, operand, measures)
            return None if inner is None else Arithmetic(Constant(0.0), ((sign, inner),))
        case ast.Sum(first, rest) | ast.Product(first, rest):
            start = _quantity(changes, first, measures)
            pairs = [(sign, _quantity(changes, operand, measures)) for sign, operand in rest]
            if start is None or any(value is None for _, value in pairs):
                return None
            return Arithmetic(start, tuple((sign, value) for sign, value in pairs if value is not None))
        case ast.Call("size", (ast.Reference() as heads,)):
            circuit = heads_of(changes, heads)
            return None if circuit is None else Size(circuit)
        case ast.Call("smallest" | "largest" | "mean" as kind, (ast.Reference() as named,)):
            return _summary(changes, kind, named, measures)
        case ast.Reference(name, ()) if name in changes.scope.params:
            return Constant(changes.scope.params[name])
        case ast.Reference():
            return _cell(changes, node, measures)
    if isinstance(node, ast.Call) and node.name in METRICS:
        changes.scope.report(
            "E623",
            "a claim names what was measured",
            node.span,
            "",
            f"declare `measure NAME = {node.name}(...) on 500 TASK`, and write `NAME` here",
        )
        return None
    changes.scope.report(
        "E623",
        "this is no number",
        node.span,
        "",
        Suggestion.of(
            "a claim compares cells of measures, `size(circuit)` and numbers",
            node.name if isinstance(node, ast.Call) else "",
            ("size", *SUMMARIES),
        ),
    )
    return None


def _summary(changes: Changes, kind: str, node: ast.Reference, measures: Mapping[str, Grid]) -> Summary | None:
    if changes.scope.find(node.name, node.span, "measure") is None or node.name not in measures:
        return None
    grid = measures[node.name]
    items = [item for part in node.rest if isinstance(part, ast.Subscript) for item in part.items]
    for item in items:
        if grid.labels and not _on_an_axis(changes, grid, node, item, node.span):
            return None
    return Summary(kind, node.name, tuple(map(_wanted, items)))


def _cell(changes: Changes, node: ast.Reference, measures: Mapping[str, Grid]) -> CellOf | None:
    scope = changes.scope
    if scope.find(node.name, node.span, "measure") is None or node.name not in measures:
        return None
    measure = measures[node.name]
    wanted: list[Wanted] = []
    for part in node.rest:
        if not isinstance(part, ast.Subscript):
            scope.report(
                "E623", "a measure has no parts with a point", part.span, "", f"choose a cell: `{node.name}[...]`"
            )
            return None
        for item in part.items:
            if not _on_an_axis(changes, measure, node, item, item.span):
                return None
            wanted.append(_wanted(item))
    if not measure.axes:
        scope.report(
            "E625",
            f"the cells of `{node.name}` are known after the run",
            node.span,
            "",
            f"claim something of all: `smallest({node.name})`, `mean({node.name})` or `largest({node.name})`",
        )
        return None
    hits = told_apart(measure.with_all(wanted), [label for name, label in wanted if not name])
    if len(hits) != 1:
        open_axes = [
            f"{name}: {_few(labels)}"
            for place, (name, labels) in enumerate(measure.axes)
            if len({cell[place] for cell in hits}) > 1
        ]
        scope.report(
            "E625",
            f"this names {len(hits)} cells of `{node.name}`, and a claim is about one",
            node.span,
            "",
            _which(node, measure, wanted, open_axes) if hits else "these labels exclude each other",
        )
        return None
    return CellOf(node.name, hits[0])


def _which(node: ast.Reference, measure: Grid, wanted: Sequence[Wanted], open_axes: Sequence[str]) -> str:
    """What to add to labels that are of several cells."""
    for name, label in wanted:
        axes = [axis for axis, labels in measure.axes if label in labels]
        if not name and len(axes) > 1:
            return f"say on which axis `{label}` stands: `{node.name}[{axes[0]} = {label}, ...]`"
    return f"add one of each: {'; '.join(open_axes)}"


def _wanted(item: Labelled | ast.Expression) -> Wanted:
    """A label, and the axis it is said to be on, if one is."""
    if isinstance(item, ast.Named):
        return item.name, _wanted(item.value)[1]
    return "", item.value if isinstance(item, ast.String) else written(item)


def _on_an_axis(changes: Changes, grid: Grid, node: ast.Reference, item: Labelled, span: Span) -> bool:
    """Whether an axis has a label: the one that is named, or any."""
    name, label = _wanted(item)
    axes = dict(grid.axes)
    if name and name not in axes:
        help = did_you_mean(name, axes)
        changes.scope.report("E624", f"`{node.name}` has no axis `{name}`", span, "", help)
        return False
    known = axes[name] if name else grid.labels
    if label in known:
        return True
    where = f"the axis `{name}` of `{node.name}`" if name else f"no axis of `{node.name}`"
    message = f"{where} has no `{label}`" if name else f"{where} has `{label}`"
    place = item.value.span if isinstance(item, ast.Named) else item.span
    changes.scope.report("E624", message, span, "", did_you_mean(label, known).at(place))
    return False


def _few(labels: Sequence[str]) -> str:
    return ", ".join(labels[:SHOWN]) + (f" ... ({len(labels):,})" if len(labels) > SHOWN else "")
