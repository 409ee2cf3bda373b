"""Rules for whether interventions, models and prompts of a measure fit one another: shapes, positions, layers."""

from __future__ import annotations

from collections.abc import Iterable

from entrack import budget
from entrack.check.changes import Changes
from entrack.check.interventions import LAST_LAYER
from entrack.check.resolved import (
    BlockAct,
    Intervention,
    KeepAct,
    Model,
    PatchAct,
    Population,
)
from entrack.check.scope import Scope
from entrack.diagnostics import Label, nearest
from entrack.diagnostics.suggest import did_you_mean
from entrack.model_config import ModelFacts
from entrack.models.locate import vocabulary_of
from entrack.source import Span
from entrack.syntax import ast


def intervention_fits(
    changes: Changes, item: ast.Measure, model: str, intervention: Intervention, populations: Iterable[Population]
) -> bool:
    """Whether an intervention can be made in a model on these prompts."""
    scope = changes.scope
    known = scope.models.get(model)
    for act in intervention.acts:
        groups = act.circuit.groups if act.circuit else ()
        budget.spend(budget.EXPANDED, 1 + len(groups))
        if isinstance(act, BlockAct) and not _blockable(scope, act, populations, known):
            return False
        for group in groups:
            if not _same_shape(scope, known, scope.models.get(group.model), item.span, group.name):
                return False
            for population in populations:
                if group.position not in population.task.positions:
                    near = nearest(group.position, population.task.positions)
                    scope.report(
                        "E618",
                        f"the task `{population.task.name}` has no position `{group.position}`",
                        item.prompts.span,
                        f"`{group.name}` stands there",
                        f"did you mean `{near}`?" if near else "measure on a task that names it",
                        (Label(group.span, "the group"),),
                    )
                    return False
        if isinstance(act, PatchAct) and act.model is not None and not _donates(scope, act, known):
            return False
        if isinstance(act, PatchAct) and act.model is None and not _patchable(scope, act, item, populations):
            return False
        if isinstance(act, KeepAct) and not act.circuit.groups:
            return False
    return True


def _donates(scope: Scope, act: PatchAct, known: Model | None) -> bool:
    """Whether another model's heads can stand in: the same shape, and a tokenizer that gives the same tokens."""
    donor = scope.models.get(act.model or "")
    if not _same_shape(scope, known, donor, act.span, act.circuit.label):
        return False
    if known is None or donor is None or known.source is None or donor.source is None:
        return True
    if vocabulary_of(known.source) == vocabulary_of(donor.source):
        return True
    scope.report(
        "E632",
        f"`{donor.name}` and `{known.name}` do not read the same tokens",
        act.span,
        "their tokenizers differ",
        "patch between a model and its fine-tune",
    )
    return False


def _blockable(scope: Scope, act: BlockAct, populations: Iterable[Population], known: Model | None) -> bool:
    for population in populations:
        for name in (act.reader, *act.read):
            if name not in population.task.positions:
                scope.report(
                    "E618",
                    f"the task `{population.task.name}` has no position `{name}`",
                    act.span,
                    "",
                    did_you_mean(name, population.task.positions),
                )
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


def _patchable(scope: Scope, act: PatchAct, item: ast.Measure, populations: Iterable[Population]) -> bool:
    for population in populations:
        if population.alternate is not None and population.alternate.target is None:
            scope.report(
                "E619",
                f"`{population.label}` are alternates themselves",
                item.prompts.span,
                "each would be patched from itself",
                "measure on the task, or on a desideratum",
                (Label(act.span, "patched here"),),
            )
            return False
        if act.alternate is None and population.alternate is None:
            scope.report(
                "E619",
                f"`{population.label}` has no alternate to patch from",
                item.prompts.span,
                "",
                "measure on a desideratum, or patch from a named alternate",
                (Label(act.span, "patched here"),),
            )
            return False
        if act.alternate is not None and act.alternate.task.name != population.task.name:
            scope.report(
                "E619",
                f"`{act.alternate.name}` is no alternate of `{population.task.name}`",
                act.span,
                "",
                f"it belongs to `{act.alternate.task.name}`",
            )
            return False
    return True


def _same_shape(scope: Scope, model: Model | None, other: Model | None, span: Span, group: str) -> bool:
    if (
        model is None
        or other is None
        or model.facts is None
        or other.facts is None
        or _shape(model.facts) == _shape(other.facts)
    ):
        return True
    scope.report(
        "E620",
        f"`{group}` belongs to a model of another shape",
        span,
        f"`{other.name}` has {_said(other.facts)}, `{model.name}` has {_said(model.facts)}",
        f"find or write these heads in `{model.name}`",
    )
    return False


def _shape(facts: ModelFacts) -> tuple[int, int, int]:
    return facts.layers, facts.heads, facts.d_head


def _said(facts: ModelFacts) -> str:
    return f"{facts.layers} layers x {facts.heads} heads"
