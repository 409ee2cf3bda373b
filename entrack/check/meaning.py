"""What is understood of a program, item by item. The order of the rules is the order of this file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any, TypeVar

from attrs import define, evolve, field

from entrack.check.allotments import Allotment, Constructs, Rows, check_allotments, rows_wanted
from entrack.check.alternates import check_alternates
from entrack.check.certificates import Spec
from entrack.check.changes import Changes
from entrack.check.claims import Grid, check_claims, grids
from entrack.check.discoveries import check_discoveries
from entrack.check.examinations import check_examinations, check_overlaps
from entrack.check.figures import check_shown
from entrack.check.heads import check_written
from entrack.check.interventions import check_interventions
from entrack.check.masks import check_masks
from entrack.check.measures import check_measures
from entrack.check.models import check_models
from entrack.check.receivers import Given
from entrack.check.resolved import (
    Alternate,
    Circuit,
    Claim,
    Discovery,
    Examination,
    Mask,
    Measure,
    Overlap,
    Vector,
)
from entrack.check.scope import Scope
from entrack.check.tables import Table
from entrack.check.tasks import check_tasks
from entrack.check.vectors import check_vectors
from entrack.diagnostics.suggest import did_you_mean
from entrack.source import Source, Span
from entrack.syntax import ast
from entrack.tree import names

Made = TypeVar("Made", bound=Any)
ABOUT = ("title", "cite", "authors", "note")
MOST_SEED = 2**53


@define
class Meaning:
    """What has been understood of a program so far. Items that are added may name all that is there, and are checked in
    the order of the rules; what is there is not checked again."""

    scope: Scope
    items: list[ast.Item] = field(factory=list)
    about: dict[str, str] = field(factory=dict)
    seed: int = 0
    alternates: dict[str, Alternate] = field(factory=dict)
    written: dict[str, Circuit] = field(factory=dict)
    circuits: dict[str, Circuit] = field(factory=dict)
    masks: dict[str, Mask] = field(factory=dict)
    vectors: dict[str, Vector] = field(factory=dict)
    discoveries: list[Discovery] = field(factory=list)
    measures: list[Measure] = field(factory=list)
    examinations: list[Examination] = field(factory=list)
    overlaps: list[Overlap] = field(factory=list)
    claims: list[Claim] = field(factory=list)
    by_name: dict[str, Grid] = field(factory=dict)
    """The measures as claims and figures see them."""
    rows: Rows = field(factory=dict)
    allotments: Mapping[Table, Allotment] = field(factory=dict)

    def add(self, items: list[ast.Item], source: Source) -> None:
        """Check these items. Problems go to the scope."""
        scope = self.scope
        scope.declare(items)
        self.items += items
        self.about = _about(scope, self.items)
        _params(scope, self.items, source)
        self.seed = _seed(scope, self.items)
        check_models(scope, items)
        check_tasks(scope, items)
        self.alternates |= check_alternates(scope, items)
        self.written |= check_written(scope, items)
        discoveries, found = check_discoveries(Given(scope, self.alternates, self.written, self.seed), items)
        self.circuits |= self.written | found
        changes = Changes(scope, self.circuits, self.alternates, self.seed, masks=self.masks, vectors=self.vectors)
        masks = check_masks(changes, items)
        self.masks |= {mask.name: mask for mask in masks}
        self.vectors |= check_vectors(changes, items)
        check_interventions(changes, items)
        measures = check_measures(changes, items)
        examinations, overlaps = check_examinations(changes, items), check_overlaps(changes, items)
        self._keep(measures, discoveries, examinations, overlaps)
        self._allot((measures, discoveries, examinations, masks))
        spec = Spec({measure.name: measure for measure in self.measures}, self.allotments)
        self.claims += check_claims(changes, items, self.by_name, spec)
        check_shown(changes, items, self.by_name)

    def _keep(
        self,
        measures: list[Measure],
        discoveries: list[Discovery],
        examinations: list[Examination],
        overlaps: list[Overlap],
    ) -> None:
        self.measures += measures
        self.discoveries += discoveries
        self.examinations += examinations
        self.overlaps += overlaps
        self.by_name |= grids(measures, examinations, overlaps)

    def _allot(self, constructs: Constructs) -> None:
        if any(constructs):
            self.rows = rows_wanted(constructs, self.rows)
            self.allotments = check_allotments(self.scope, self.rows)

    def copy(self) -> Meaning:
        """The same, to which items may be added that this one does not hear of. It has no problems yet."""
        copied = _copied(self)
        copied.scope = _copied(self.scope)
        copied.scope.problems.clear()
        return copied

    def without(self, items: Sequence[ast.Item]) -> Meaning:
        """The same as if these items, which include no file, were not there. What names them stays as it is, and there
        are no problems."""
        left = self.copy()
        gone = {name for item in items if isinstance(name := getattr(item, "name", None), str)}
        left.items = [item for item in self.items if not any(item is each for each in items)]
        for kept in (*_by_name(left), *_by_name(left.scope)):
            for name in gone & kept.keys():
                del kept[name]
        left.scope.broken -= gone
        for name in ("discoveries", "measures", "examinations", "overlaps"):
            setattr(left, name, [each for each in getattr(self, name) if each.name not in gone])
        left.rows = {}
        left._allot((left.measures, left.discoveries, left.examinations, [*left.masks.values()]))
        left.scope.problems.clear()
        return left


def _copied(value: Made) -> Made:
    """A value with lists and mappings of its own."""
    kind: type = type(value)
    own = {name: getattr(value, name) for name in names(kind) if not name.startswith("_")}
    return evolve(value, **{name: copy(part) for name, part in own.items() if isinstance(part, dict | list | set)})


def _by_name(value: Meaning | Scope) -> list[dict[str, object]]:
    """What a value keeps by the names of items."""
    if isinstance(value, Scope):
        return [value.names, value.params, value.models, value.tasks, value.typed]  # type: ignore[list-item]
    return [value.alternates, value.written, value.circuits, value.masks, value.vectors, value.by_name]  # type: ignore[list-item]


def _about(scope: Scope, items: list[ast.Item]) -> dict[str, str]:
    """The lines of `about`; of two with one word the first that says something."""
    found: dict[str, str] = {}
    for item in items:
        if not isinstance(item, ast.About):
            continue
        for line in item.fields:
            if line.name.text not in ABOUT:
                scope.report(
                    "E220",
                    f"`about` has no line `{line.name.text}`",
                    line.name.span,
                    "",
                    did_you_mean(line.name.text, ABOUT),
                )
            elif not found.get(line.name.text):
                found[line.name.text] = line.text.value
    return found


def _params(scope: Scope, items: list[ast.Item], source: Source) -> None:
    declared = [item for item in items if isinstance(item, ast.Param)]
    for item in declared:
        value = scope.number(item.value)
        scope.params[item.name] = scope.overrides.get(item.name, value if value is not None else 0.0)
    for name in sorted(set(scope.overrides) - {item.name for item in declared}):
        scope.report(
            "E205",
            f"`-p {name}=...` sets a param that this spec does not have",
            Span(source.name, 0, 1),
            "",
            did_you_mean(name, [item.name for item in declared], "param"),
        )


def _seed(scope: Scope, items: list[ast.Item]) -> int:
    seeds = [item for item in items if isinstance(item, ast.Seed)]
    for item in seeds[1:]:
        scope.report("E206", "a spec has one seed", item.span, "a second one", "delete one of them")
    if seeds and seeds[0].value.value > MOST_SEED:
        scope.report("E304", f"a seed is a whole number from 0 to {MOST_SEED}", seeds[0].value.span)
    return seeds[0].value.value if seeds else 0
