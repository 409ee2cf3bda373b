"""Rules for measures: a grid of cells from models, interventions and prompts, each list an axis."""

from __future__ import annotations

from entrack.check.heads import metric
from entrack.check.interventions import NOTHING, Changes, interventions
from entrack.check.populations import Swept, sweep
from entrack.check.resolved import CellSpec, Intervention, KeepAct, Measure, Metric, Model, PatchAct
from entrack.check.scope import Scope
from entrack.diagnostics import Label
from entrack.facts import ModelFacts
from entrack.source import Span
from entrack.syntax import ast

MOST_CELLS = 1_000_000


def check_measures(changes: Changes, items: list[ast.Item]) -> list[Measure]:
    """Every measure that makes sense."""
    found: list[Measure] = []
    for item in items:
        if isinstance(item, ast.Measure) and changes.scope.names.get(item.name) is item:
            before = len(changes.scope.problems)
            measure = _measure(changes, item)
            if measure is None or any(problem.is_error for problem in changes.scope.problems[before:]):
                changes.scope.broken.add(item.name)
            else:
                found.append(measure)
    return found


def _measure(changes: Changes, item: ast.Measure) -> Measure | None:
    scope = changes.scope
    models = _models(scope, item.subject)
    changed = _interventions(changes, item)
    swept = sweep(scope, changes.alternates, item.prompts, changes.seed, "measure")
    if models is None or changed is None or swept is None:
        return None
    if item.prompts.count is None:
        scope.report("E614", "a measure says on how many prompts", item.prompts.span, "", "write, for example, `on 500 boxes`")
        return None
    if len(models) * len(changed) * len(swept.populations) > MOST_CELLS:
        scope.report("E705", f"a measure has at most {MOST_CELLS:,} cells", item.span, "", "sweep over fewer")
        return None
    kind = _metric(scope, item, swept)
    if kind is None or not all(_fits(changes, item, model, intervention, swept) for model in models for intervention in changed):
        return None
    return _grid(item, kind, models, changed, swept)


def _grid(item: ast.Measure, kind: Metric, models: list[str], changed: list[Intervention], swept: Swept) -> Measure:
    axes = (("model", tuple(models)), ("intervention", tuple(i.label for i in changed)), *swept.axes)
    cells = tuple(
        CellSpec((model, intervention.label, *labels), model, intervention, population)
        for model in models
        for intervention in changed
        for labels, population in swept.populations
    )
    return Measure(item.name, kind, axes, cells, item.name_span)


def _models(scope: Scope, subject: ast.Expression) -> list[str] | None:
    found: list[str] = []
    for part in subject.items if isinstance(subject, ast.ListOf) else (subject,):
        if not isinstance(part, ast.Reference) or part.rest:
            scope.report("E615", "a measure is of a model", part.span, "", "write `accuracy(MODEL)` or `accuracy([MODEL, MODEL])`")
            return None
        if scope.find(part.name, part.span, "model") is None:
            return None
        if part.name in found:
            scope.report("E616", f"`{part.name}` stands twice in this list", part.span, "again here", "delete it")
            return None
        found.append(part.name)
    return found


def _interventions(changes: Changes, item: ast.Measure) -> list[Intervention] | None:
    if not item.interventions:
        return [NOTHING]
    found: list[Intervention] = []
    good = True
    for part in item.interventions:
        several = interventions(changes, part)
        good = good and several is not None
        found.extend(several or [])
    labels = [intervention.label for intervention in found]
    twice = next((label for label in labels if labels.count(label) > 1), None)
    if good and twice:
        changes.scope.report("E616", f"`{twice}` stands twice in this list", item.span, "", "delete one of them")
        return None
    return found if good else None


def _metric(scope: Scope, item: ast.Measure, swept: Swept) -> Metric | None:
    found: Metric | None = None
    for _, population in swept.populations:
        desideratum = population.alternate is not None and population.alternate.target is not None
        found = metric(scope, item.metric, population.task, desideratum)
        if found is None:
            return None
    if found is not None and found.relative:
        scope.report("E617", "a relative metric compares two runs; a measure has one", item.metric.span, "", f"measure `{item.metric.kind}` and compare in a claim")
        return None
    return found


def _fits(changes: Changes, item: ast.Measure, model: str, intervention: Intervention, swept: Swept) -> bool:
    """Whether an intervention can be made in a model on these prompts."""
    scope = changes.scope
    known = scope.models.get(model)
    for act in intervention.acts:
        for group in act.circuit.groups if act.circuit else ():
            if not _same_shape(scope, known, scope.models.get(group.model), item.span, group.name):
                return False
            for _, population in swept.populations:
                if group.position not in population.task.positions:
                    scope.report("E618", f"the task `{population.task.name}` has no position `{group.position}`", item.prompts.span, f"`{group.name}` stands there",
                                 "measure on a task that names it", (Label(group.span, "the group"),))  # fmt: skip
                    return False
        if isinstance(act, PatchAct) and not _patchable(scope, act, item, swept):
            return False
        if isinstance(act, KeepAct) and not act.circuit.groups:
            return False
    return True


def _patchable(scope: Scope, act: PatchAct, item: ast.Measure, swept: Swept) -> bool:
    for _, population in swept.populations:
        if act.alternate is None and population.alternate is None:
            scope.report("E619", f"`{population.label}` has no alternate to patch from", item.prompts.span, "",
                         "measure on a desideratum, or patch from a named alternate", (Label(act.span, "patched here"),))  # fmt: skip
            return False
        if act.alternate is not None and act.alternate.task.name != population.task.name:
            scope.report("E619", f"`{act.alternate.name}` is no alternate of `{population.task.name}`", act.span, "", f"it belongs to `{act.alternate.task.name}`")
            return False
    return True


def _same_shape(scope: Scope, model: Model | None, other: Model | None, span: Span, group: str) -> bool:
    if model is None or other is None or model.facts is None or other.facts is None or _shape(model.facts) == _shape(other.facts):
        return True
    scope.report("E620", f"`{group}` belongs to a model of another shape", span, f"`{other.name}` has {_said(other.facts)}, `{model.name}` has {_said(model.facts)}", "")
    return False


def _shape(facts: ModelFacts) -> tuple[int, int, int]:
    return facts.layers, facts.heads, facts.d_head


def _said(facts: ModelFacts) -> str:
    return f"{facts.layers} layers x {facts.heads} heads"
