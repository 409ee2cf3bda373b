"""Rules for whether interventions, models and prompts of a measure fit one another: shapes, positions, layers."""

from __future__ import annotations

from collections.abc import Iterable

from entrack import budget
from entrack.check.changes import Changes
from entrack.check.layers import LAST_LAYER
from entrack.check.resolved import (
    AddAct,
    BlockAct,
    Group,
    Intervention,
    KeepAct,
    Model,
    Population,
    ProjectAct,
    SetAct,
)
from entrack.check.scope import Scope
from entrack.check.shapes import same_shape
from entrack.check.sources import FromClean, source_fits
from entrack.check.spans import one_token
from entrack.diagnostics import Label, nearest
from entrack.diagnostics.suggest import did_you_mean
from entrack.syntax import ast


def intervention_fits(
    changes: Changes, item: ast.Measure, model: str, intervention: Intervention, populations: Iterable[Population]
) -> bool:
    """Whether an intervention can be made in a model on these prompts."""
    scope = changes.scope
    known = scope.models.get(model)
    for act in intervention.acts:
        budget.spend(budget.EXPANDED, 1 + len(act.groups))
        if isinstance(act, BlockAct) and not _blockable(scope, act, populations, known):
            return False
        for group in act.groups:
            owner = scope.models.get(group.model)
            if not same_shape(scope, known, owner, item.span, f"`{group.name}`", whole=group.whole):
                return False
            if not all(_stands(scope, group, item, population) for population in populations):
                return False
        if isinstance(act, AddAct | ProjectAct) and not _same_stream(scope, act, known):
            return False
        if isinstance(act, SetAct) and not source_fits(scope, act, item, populations, known):
            return False
        if isinstance(act, KeepAct) and not act.groups:
            return False
    return True


def warn_of_nothing_changed(scope: Scope, interventions: Iterable[Intervention]) -> None:
    """That values are taken from the clean run where nothing else makes the run another: once for each that is
    written, however many turns of loops it has."""
    idle = {one.acts[-1].span: one for one in interventions if _changes_nothing(one)}
    for span, intervention in idle.items():
        scope.report(
            "W405",
            f"`{intervention.label}` changes nothing",
            span,
            "where nothing else is changed, this is what stands there already",
            "let another act of the same intervention change something, `intervention i = zero mlp.2 at last, "
            "freeze ...`, or measure on alternates and patch `from original`",
        )


def _changes_nothing(intervention: Intervention) -> bool:
    return bool(intervention.acts) and all(
        isinstance(act, KeepAct) or (isinstance(act, SetAct) and isinstance(act.source, FromClean))
        for act in intervention.acts
    )


def _same_stream(scope: Scope, act: AddAct | ProjectAct, known: Model | None) -> bool:
    """Whether a vector's model has the residual stream that it is used in."""
    owners = (scope.models.get(term.model) for term in act.terms)
    return all(same_shape(scope, known, owner, act.span, "this vector", whole=True) for owner in owners)


def _stands(scope: Scope, group: Group, item: ast.Measure, population: Population) -> bool:
    """Whether prompts have the position of a group."""
    if not isinstance(group.position, str) or group.position in population.task.positions:
        return True
    near = nearest(group.position, population.task.positions)
    help = f"did you mean `{near}`?" if near else "measure on a task that names it"
    message = f"the task `{population.task.name}` has no position `{group.position}`"
    if group.at is None:
        label, related = f"`{group.name}` stands there", (Label(group.span, "the group"),)
        scope.report("E618", message, item.prompts.span, label, help, related)
    else:
        known = did_you_mean(group.position, population.task.positions)
        scope.report("E618", message, group.at, "", known, (Label(item.prompts.span, "measured on these"),))
    return False


def _blockable(scope: Scope, act: BlockAct, populations: Iterable[Population], known: Model | None) -> bool:
    for population in populations:
        for name in (act.reader, *act.read):
            if isinstance(name, str) and name not in population.task.positions:
                scope.report(
                    "E618",
                    f"the task `{population.task.name}` has no position `{name}`",
                    act.span,
                    "",
                    did_you_mean(name, population.task.positions),
                )
                return False
        if not one_token(scope, population.task, act.reader, act.span, "attention is blocked"):
            return False
    beyond = next(
        (
            layer
            for layer in (act.first, act.last)
            if layer != LAST_LAYER and known is not None and known.facts is not None and layer >= known.facts.layers
        ),
        None,
    )
    if beyond is not None and known is not None and known.facts is not None:
        scope.report(
            "E612",
            f"there is no layer {beyond}",
            act.span,
            f"`{known.name}` has {known.facts.layers} layers, counted from 0",
            f"layers 0 to {known.facts.layers - 1}",
        )
        return False
    return True
