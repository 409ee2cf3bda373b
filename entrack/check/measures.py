"""Rules for measures: a grid of cells from models, interventions and prompts, each list an axis."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import assert_never

from attrs import evolve

from entrack import budget
from entrack.check.changes import Changes
from entrack.check.interventions import NOTHING, interventions
from entrack.check.loops import all_used, at_turn, goes_through, turns_of
from entrack.check.masks import members
from entrack.check.measure_fit import intervention_fits, warn_of_nothing_changed
from entrack.check.metric_words import tells_first_tokens
from entrack.check.metrics import axes_read, is_desideratum, metric, reading, recovery
from entrack.check.populations import Swept, first_twice, sweep
from entrack.check.resolved import (
    CellSpec,
    Intervention,
    Measure,
    Metric,
    Population,
)
from entrack.check.scope import Scope
from entrack.model_config import ModelFacts
from entrack.sites import Part, Share, Site
from entrack.syntax import ast
from entrack.syntax.substitute import label_of
from entrack.syntax.unparse import written

MOST_CELLS = budget.CELLS.most


MOST_DRAWS = budget.DRAWS.most


def check_measures(changes: Changes, items: list[ast.Item]) -> list[Measure]:
    """Every measure that makes sense."""
    return [measure for _, measure in changes.scope.sound(items, ast.Measure, lambda item: _measure(changes, item))]


def _measure(changes: Changes, item: ast.Measure) -> Measure | None:
    scope = changes.scope
    models = _models(scope, item.subject)
    swept = sweep(scope, changes.alternates, item.prompts, changes.seed, "measure")
    if swept is not None and not tells_first_tokens(item.metric):
        swept = _whole(swept)
    turns = _turns(evolve(changes, shapes=_shapes(scope, models or [])), item, models or [], swept)
    draws = 1 if item.draws is None else scope.whole(item.draws, "the number of draws", 1, MOST_DRAWS)
    if models is None or turns is None or swept is None or draws is None:
        return None
    if item.prompts.count is None:
        scope.report(
            "E614",
            "a measure says on how many prompts",
            item.prompts.span,
            "",
            f"write, for example, `on 500 {written(item.prompts.of)}`",
        )
        return None
    sites = _sites_read(scope, item, models)
    if sites is None or not _adds_up(scope, item, models):
        return None
    runs = len(models) * sum(len(changed) for _, changed in turns) * len(swept.populations) * draws
    if runs * max(len(sites), 1) > MOST_CELLS:
        scope.report("E705", f"a measure has at most {MOST_CELLS:,} cells", item.span, "", "sweep over fewer")
        return None
    kind = _metric(changes, item, swept)
    kinds = _kinds(swept)
    fits = all(
        intervention_fits(changes, item, model, intervention, kinds)
        for model in models
        for _, changed in turns
        for intervention in changed
    )
    if kind is None or not fits:
        return None
    warn_of_nothing_changed(scope, (intervention for _, changed in turns for intervention in changed))
    grid = _grid(item, kind, models, turns, swept, draws)
    return _by_site(evolve(grid, loops=goes_through(scope, item, grid.axes)), sites, axes_read(item.metric))


def _whole(swept: Swept) -> Swept:
    """The same prompts, of whose words nothing is told by their first tokens."""
    return evolve(swept, populations=tuple((labels, evolve(one, whole=True)) for labels, one in swept.populations))


Turns = list[tuple[tuple[str, ...], list[Intervention]]]
"""The labels of each turn of the loops, and its interventions."""


def _turns(changes: Changes, item: ast.Measure, models: list[str], swept: Swept | None) -> Turns | None:
    """The interventions of each turn of the measure's loops; one turn without a label where there is no loop."""
    if not item.loops:
        once = _interventions(changes, item)
        return None if once is None else [((), once)]
    values = turns_of(changes, item, models, None if swept is None else [one for _, one in swept.populations])
    if values is None:
        return None
    turns: Turns = []
    for turn in values:
        changed = _interventions(changes, evolve(item, interventions=at_turn(item, turn)))
        if changed is None:
            return None
        if len(changed) == len(item.interventions):
            changed = [
                evolve(made, label=written(given)) for made, given in zip(changed, item.interventions, strict=True)
            ]
        turns.append((tuple(map(label_of, turn)), changed))
    return turns if all_used(changes.scope, item) else None


def _shapes(scope: Scope, models: list[str]) -> tuple[ModelFacts, ...]:
    """The shapes of the models that are measured, as far as they are known."""
    known = (scope.models.get(name) for name in models)
    return tuple(model.facts for model in known if model is not None and model.facts is not None)


def _grid(item: ast.Measure, kind: Metric, models: list[str], turns: Turns, swept: Swept, draws: int) -> Measure:
    """All cells. A mask's group is an axis of its own, and its desideratum goes with that of the prompts."""
    budget.spend(budget.ALL_CELLS, len(models) * sum(len(changed) for _, changed in turns) * len(swept.populations))
    cells: list[CellSpec] = []
    paired = [name for name, _ in turns[0][1][0].paired]
    names = [name for name, _ in swept.axes]
    axes = [
        "model",
        *(loop.name for loop in item.loops),
        *(paired or ["intervention"]),
        *(name for name in names if name not in paired),
    ]
    for model in models:
        for turn, changed in turns:
            for intervention in changed:
                for labels, population in swept.populations:
                    placed = {
                        "model": model,
                        **{loop.name: label for loop, label in zip(item.loops, turn, strict=True)},
                        "intervention": intervention.label,
                    }
                    own, other = dict(intervention.paired), dict(zip(names, labels, strict=True))
                    if all(other[name] == own[name] for name in own if name in other):
                        placed |= own | other
                        cells.append(
                            CellSpec(tuple(placed[name] for name in axes), model, intervention, population, draws)
                        )
    labelled = tuple(
        (name, tuple(dict.fromkeys(cell.labels[place] for cell in cells))) for place, name in enumerate(axes)
    )
    return Measure(item.name, kind, labelled, tuple(cells), item.name_span)


SitesRead = Mapping[tuple[str, ...], Site | Share]
"""What is read site by site, by its labels."""


def _sites_read(scope: Scope, item: ast.Measure, models: list[str]) -> SitesRead | None:
    """What a measure reads site by site; empty for what is not read so. Reports and gives None where it is not known
    how many there are."""
    if not axes_read(item.metric):
        return {}
    if not scope.models.keys() >= {*models}:
        return None  # what is wrong with a model is said where it is declared
    known = {(facts.layers, facts.heads) if (facts := scope.models[name].facts) else None for name in models}
    shape = known.pop() if len(known) == 1 else None
    if shape is None:
        scope.report(
            "E613",
            "it is not known here how many layers and heads there are",
            item.metric.span,
            "the model is not on this machine, or the models differ",
            "measure one model at a time, and have its config.json here",
        )
        return None
    return _read_of(item.metric, *shape)


def _read_of(quantity: ast.Quantity, layers: int, heads: int) -> SitesRead:
    """The heads whose attention is read, the layers before which, and after the last of which, a logit lens stands, or
    what a logit is attributed to."""
    match quantity:
        case ast.LogitLens():
            return {(str(layer),): Site(layer, Part.RESIDUAL) for layer in range(layers + 1)}
        case ast.DirectLogitAttribution(by="parts"):
            return {(share.value,): share for share in Share}
        case ast.DirectLogitAttribution(by="layers"):
            parts = Part.ATTENTION, Part.MLP
            return {(str(layer), part.value): Site(layer, part) for layer in range(layers) for part in parts}
        case ast.Attention() | ast.DirectLogitAttribution():
            places = product(range(layers), range(heads))
            return {(str(layer), str(head)): Site.of_head(layer, head) for layer, head in places}
        case ast.Metric() | ast.Recovery() | ast.Loss():
            return {}
        case _:
            assert_never(quantity)


def _adds_up(scope: Scope, item: ast.Measure, models: list[str]) -> bool:
    """Whether a logit that is attributed is a sum over what the models' heads and MLPs write."""
    if not isinstance(item.metric, ast.DirectLogitAttribution):
        return True
    known = ((name, scope.models[name].facts) for name in models)
    normed = next((name for name, facts in known if facts is not None and facts.layout.norms_what_is_added), None)
    if normed is not None:
        scope.report(
            "E515",
            f"in `{normed}` no head, attention or MLP adds a vector of its own to a logit",
            item.metric.span,
            "a norm stands after the attention and after the MLP: what is added depends on all of it",
            f"write `logit lens of {item.metric.metric} at {item.metric.at.text}`, or measure the metric with heads at "
            "their mean",
        )
    return normed is None


def _by_site(measure: Measure, sites: SitesRead, read: tuple[tuple[str, str], ...]) -> Measure:
    """A measure with a cell for each of some sites in place of each cell, if there are sites. `read` are their axes."""
    if not sites:
        return measure
    budget.spend(budget.ALL_CELLS, len(sites) * len(measure.cells))
    cells = tuple(
        evolve(cell, labels=(*cell.labels, *labels), site=site)
        for cell in measure.cells
        for labels, site in sites.items()
    )
    columns = zip(*sites, strict=True)
    axes = tuple((name, tuple(dict.fromkeys(column))) for (name, _), column in zip(read, columns, strict=True))
    counted = tuple(axis for axis in read if axis[1])
    return evolve(measure, axes=(*measure.axes, *axes), cells=cells, loops=(*measure.loops, *counted))


def _models(scope: Scope, subject: ast.Expression) -> list[str] | None:
    found: dict[str, None] = {}
    for part in subject.items if isinstance(subject, ast.ListOf) else (subject,):
        if not isinstance(part, ast.Reference) or part.rest:
            scope.report(
                "E615",
                "a measure is of a model",
                part.span,
                "",
                "write `accuracy(MODEL)` or `accuracy([MODEL, MODEL])`",
            )
            return None
        if scope.find(part.name, part.span, "model") is None:
            return None
        if part.name in found:
            scope.report("E616", f"`{part.name}` stands twice in this list", part.span, "again here", "delete it")
            return None
        found[part.name] = None
    return list(found)


def _interventions(changes: Changes, item: ast.Measure) -> list[Intervention] | None:
    if not item.interventions:
        return [NOTHING]
    found: list[Intervention] = []
    good = True
    for part in item.interventions:
        for paired, member in members(part, changes.masks):
            several = interventions(changes, member)  # type: ignore[arg-type]  # a member is of the part's own kind
            good = good and several is not None
            found.extend(evolve(one, paired=paired) for one in several or [])
    if len({tuple(name for name, _ in one.paired) for one in found}) > 1:
        changes.scope.report(
            "E616",
            "a mask's heads are measured by themselves: they have a group and a desideratum, the others have not",
            item.span,
            "",
            "make two measures of it",
        )
        return None
    labels = [intervention.label for intervention in found]
    twice = first_twice(labels)
    if good and twice is not None:
        changes.scope.report(
            "E616", f"`{labels[twice]}` stands twice in this list", item.span, "", "delete one of them"
        )
        return None
    return found if good else None


def _metric(changes: Changes, item: ast.Measure, swept: Swept) -> Metric | None:
    scope, found = changes.scope, None
    if isinstance(item.metric, ast.Recovery):
        return _unrelated(scope, item, recovery(scope, item.metric, changes.alternates, _kinds(swept)))
    for population in _kinds(swept):
        if isinstance(item.metric, ast.Reading):
            found = reading(scope, item.metric, population.task, desideratum=is_desideratum(population))
        else:
            found = metric(scope, item.metric, population.task, desideratum=is_desideratum(population))
        if found is None:
            return None
    return _unrelated(scope, item, found)


def _unrelated(scope: Scope, item: ast.Measure, found: Metric | None) -> Metric | None:
    """A metric that is of one run."""
    if found is not None and found.relative:
        scope.report(
            "E617",
            "a relative metric compares two runs; a measure has one",
            item.metric.span,
            "",
            f"measure `{found.kind}` and compare in a claim",
        )
        return None
    return found


def _kinds(swept: Swept) -> tuple[Population, ...]:
    """The first population of each task and alternate: what makes sense on it does on the others."""
    kinds: dict[tuple[str, str | None], Population] = {}
    for _, population in swept.populations:
        kinds.setdefault(
            (population.task.name, population.alternate.name if population.alternate else None), population
        )
    return tuple(kinds.values())
