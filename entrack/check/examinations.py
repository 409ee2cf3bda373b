"""Rules for measures of whole circuits: completeness, minimality, and the overlap of two circuits."""

from __future__ import annotations

from collections.abc import Mapping

from entrack.check.act_heads import heads_of
from entrack.check.changes import Changes
from entrack.check.populations import population
from entrack.check.resolved import Circuit, Examination, Overlap
from entrack.diagnostics.suggest import SHOWN
from entrack.syntax import ast

DEFAULT_AMOUNT: Mapping[str, float] = {"completeness": 20, "minimality": 0.3}
"""Published: 20 random subsets; the first 30 % of a group's other heads (arXiv 2402.14811)."""


def check_examinations(changes: Changes, items: list[ast.Item]) -> list[Examination]:
    """Every completeness and minimality that makes sense."""
    return [made for _, made in changes.scope.sound(items, ast.Examine, lambda item: _examination(changes, item))]


def check_overlaps(changes: Changes, items: list[ast.Item]) -> list[Overlap]:
    """Every overlap that makes sense."""
    return [made for _, made in changes.scope.sound(items, ast.Overlap, lambda item: _overlap(changes, item))]


def _examination(changes: Changes, item: ast.Examine) -> Examination | None:
    scope = changes.scope
    circuit = heads_of(changes, item.circuit)
    amount = _amount(changes, item)
    over = population(scope, changes.alternates, item.over, changes.seed, "mean")
    measured = population(scope, changes.alternates, item.prompts, changes.seed, "measure")
    if (
        scope.find(item.model.text, item.model.span, "model") is None
        or circuit is None
        or amount is None
        or over is None
        or measured is None
    ):
        return None
    if measured.count is None:
        scope.report(
            "E614", "a measure says on how many prompts", item.prompts.span, "", "write, for example, `on 500 boxes`"
        )
        return None
    missing = next((group.position for group in circuit.groups if group.position not in measured.task.positions), None)
    if missing is not None:
        scope.report(
            "E618",
            f"the task `{measured.task.name}` has no position `{missing}`",
            item.prompts.span,
            "",
            "measure on a task that names it",
        )
        return None
    return Examination(item.name, item.kind, circuit, amount, item.model.text, over, measured, item.name_span)


def _amount(changes: Changes, item: ast.Examine) -> float | None:
    if item.amount is None:
        return DEFAULT_AMOUNT[item.kind]
    if item.kind == "completeness":
        return changes.scope.whole(item.amount, "the number of random subsets", 0, 1000)
    value = changes.scope.number(item.amount)
    if value is not None and not 0 < value <= 1:
        changes.scope.report(
            "E652",
            "the fraction of a group lies between 0 and 1",
            item.amount.span,
            f"this is {value:g}",
            "write, for example, 0.3",
        )
        return None
    return value


def _overlap(changes: Changes, item: ast.Overlap) -> Overlap | None:
    circuits = [heads_of(changes, reference) for reference in (item.first, item.second)]
    if circuits[0] is None or circuits[1] is None:
        return None
    first, second = circuits[0], circuits[1]
    common = tuple(group.name for group in first.groups if group.name in second.by_name)
    if not common:
        changes.scope.report(
            "E653",
            f"`{first.label}` and `{second.label}` have no group of one name",
            item.span,
            f"{_few(first)}; {_few(second)}",
            "give the groups that are to be compared the same names",
        )
        return None
    return Overlap(item.name, first, second, common, item.name_span)


def _few(circuit: Circuit) -> str:
    names = list(circuit.by_name)
    return ", ".join(names[:SHOWN]) + (" ..." if len(names) > SHOWN else "")
