"""The steps under each claim: those that the cells and discoveries it rests on are made of, those that train its masks,
those that decide it on fresh prompts, and those that all these need."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from entrack.analysis.basis import basis_of, masks_of
from entrack.check.resolved import Claim, Masked, Resolved
from entrack.plan.plan import CellPlan, Plan, RemovalPlan, RunPlan
from entrack.results import Basis


def steps_under(resolved: Resolved, plan: Plan) -> tuple[frozenset[str], ...]:
    """Of each claim, in the order of the spec. None of one that rests on no model's outcomes, such as how many heads a
    circuit has that is written down."""
    steps = frozenset(plan.steps)
    return tuple(
        frozenset(_closed({*_at_once(claim, resolved, plan), *_fresh(number, plan)}, plan)) & steps
        for number, claim in enumerate(resolved.claims)
    )


def _at_once(claim: Claim, resolved: Resolved, plan: Plan) -> Iterator[str]:
    yield from _made_of(basis_of(claim, resolved), plan)
    yield from _training(masks_of(claim, resolved), plan)


def _made_of(basis: Basis, plan: Plan) -> Iterator[str]:
    wanted = {*basis.cells, *((name, None) for name in basis.measures)}
    for name, cells in plan.cells.items():
        for cell in cells:
            if {(name, cell.labels), (name, None)} & wanted:
                yield from _evaluations(_runs(cell))
    for name, removal in ((found.name, removal) for found in plan.examinations for removal in found.removals):
        if any(name == measure and (labels is None or removal.label in labels) for measure, labels in wanted):
            yield from _evaluations(_compared(removal))
    yield from (group.select for found in plan.discoveries if found.name in basis.discoveries for group in found.groups)


def _training(masks: Collection[Masked], plan: Plan) -> Iterator[str]:
    return (one.step for one in plan.masks if Masked(one.name, one.group, one.desideratum) in masks)


def _fresh(number: int, plan: Plan) -> Iterator[str]:
    """The steps that decide a claim on fresh prompts, where that is asked for."""
    if number in plan.certificates:
        yield from plan.certificates[number].evaluations


def _runs(cell: CellPlan) -> tuple[RunPlan, ...]:
    return (*cell.runs, *((*cell.between.clean, *cell.between.corrupted) if cell.between else ()))


def _compared(removal: RemovalPlan) -> tuple[RunPlan, ...]:
    return removal.first, removal.second


def _evaluations(runs: Iterable[RunPlan]) -> Iterator[str]:
    return (id for run in runs for id in run.evaluations)


def _closed(ids: set[str], plan: Plan) -> set[str]:
    """These nodes, and all that they need."""
    waiting, seen = list(ids), set(ids)
    while waiting:
        new = {*plan.needs[waiting.pop()]} - seen
        seen |= new
        waiting += new
    return seen
