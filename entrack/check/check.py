"""The checker: a source in, what it means and all that is wrong with it out. The order of the rules is the order of
this file."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from pathlib import Path
from typing import Any, TypeVar

from attrs import define, evolve, field

from entrack.budget import Spent, within
from entrack.check.allotments import Allotment, check_allotments
from entrack.check.alternates import check_alternates
from entrack.check.certificates import Spec
from entrack.check.changes import Changes
from entrack.check.claims import Grid, check_claims, grids
from entrack.check.discoveries import check_discoveries
from entrack.check.examinations import check_examinations, check_overlaps
from entrack.check.figures import check_shown
from entrack.check.files import Files
from entrack.check.heads import check_written
from entrack.check.includes import gather
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
    Resolved,
    Vector,
)
from entrack.check.scope import Parse, Scope, TokenCount
from entrack.check.tables import Table
from entrack.check.tasks import check_tasks
from entrack.check.vectors import check_vectors
from entrack.diagnostics import Diagnostic
from entrack.diagnostics.over_budget import told
from entrack.diagnostics.suggest import did_you_mean
from entrack.frozen import frozen
from entrack.models.datasets import Dataset
from entrack.models.supplied import NOTHING_SUPPLIED, Supplied
from entrack.source import Source, Span
from entrack.syntax import ast
from entrack.syntax.parse import parse
from entrack.tree import names

Made = TypeVar("Made", bound=Any)
ABOUT = ("title", "cite", "authors", "note")
MOST_SEED = 2**53
NOTHING = Resolved("", 0, {}, (), {}, {}, {}, (), (), (), (), (), (), (), (), ())
"""What is understood of a spec that asks for more work than a command does."""
NOTHING_UNSAVED: Mapping[Path, str] = {}


@frozen
class Checked:
    """`resolved` is what could be understood; it may only be run when there is no error. `sources` are the texts of
    the spec, `data` those of its tables; `files` are all that were read beside the spec, and `datasets` those of the
    hub."""

    resolved: Resolved
    problems: tuple[Diagnostic, ...]
    sources: Mapping[str, Source]
    data: Mapping[str, Source] = field(factory=dict, repr=False)
    files: tuple[Path, ...] = field(default=(), repr=False)
    datasets: Mapping[Dataset, Path] = field(factory=dict, repr=False)
    supplied: Supplied = field(default=NOTHING_SUPPLIED, repr=False)

    @property
    def texts(self) -> Mapping[str, Source]:
        """All texts that a problem may point into."""
        return {**self.data, **self.sources}


def check(
    source: Source,
    overrides: Mapping[str, float],
    stand_in: Path | None = None,
    tokens: TokenCount | None = None,
    supplied: Supplied = NOTHING_SUPPLIED,
    unsaved: Mapping[Path, str] = NOTHING_UNSAVED,
    parse: Parse = parse,
) -> Checked:
    """Check a spec. `overrides` are the params set from outside; an unknown one is a problem too. `stand_in`, `tokens`,
    `supplied` and `parse`: see `Scope`. `unsaved` are the texts that an editor has of files that the spec names."""
    files = Files(Path(source.name).parent, {str(path.resolve()): text for path, text in unsaved.items()})
    scope = Scope(files, overrides, stand_in, supplied, tokens=tokens, parse=parse)
    with within():
        try:
            resolved = _resolved(scope, source)
        except Spent as spent:
            resolved = NOTHING
            scope.problems.append(told(spent, Span(source.name, 0, 1)))
    downloaded = set(scope.datasets.values())
    return Checked(
        resolved,
        _once(scope.problems),
        dict(scope.sources),
        dict(scope.data),
        tuple(path for path in scope.files.read if path not in downloaded),
        dict(scope.datasets),
        supplied,
    )


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
        self.discoveries += discoveries
        self.circuits |= self.written | found
        changes = Changes(scope, self.circuits, self.alternates, self.seed, masks=self.masks, vectors=self.vectors)
        self.masks |= {mask.name: mask for mask in check_masks(changes, items)}
        self.vectors |= check_vectors(changes, items)
        check_interventions(changes, items)
        self._measure(changes, items)

    def _measure(self, changes: Changes, items: list[ast.Item]) -> None:
        self.measures += check_measures(changes, items)
        self.examinations += check_examinations(changes, items)
        self.overlaps += check_overlaps(changes, items)
        by_name = self.grids
        constructs = (self.measures, self.discoveries, self.examinations, [*self.masks.values()])
        self.allotments = check_allotments(changes.scope, constructs)
        spec = Spec({measure.name: measure for measure in self.measures}, self.allotments)
        self.claims += check_claims(changes, items, by_name, spec)
        check_shown(changes, items, by_name)

    @property
    def grids(self) -> Mapping[str, Grid]:
        return grids(self.measures, self.examinations, self.overlaps)

    def copy(self) -> Meaning:
        """The same, to which items may be added that this one does not hear of. It has no problems yet."""
        copied = _copied(self)
        copied.scope = _copied(self.scope)
        copied.scope.problems.clear()
        return copied


def _copied(value: Made) -> Made:
    """A value with lists and mappings of its own."""
    own = {name: getattr(value, name) for name in names(type(value)) if not name.startswith("_")}
    return evolve(value, **{name: copy(part) for name, part in own.items() if isinstance(part, dict | list | set)})


def _resolved(scope: Scope, source: Source) -> Resolved:
    meaning = Meaning(scope)
    meaning.add(gather(source, scope), source)
    items, by_name = meaning.items, {one.name for one in (*meaning.measures, *meaning.examinations, *meaning.overlaps)}
    _something(scope, items, source)
    return Resolved(
        title=meaning.about.get("title", ""),
        about=meaning.about,
        seed=meaning.seed,
        params=dict(scope.params),
        changed_params=tuple(sorted(scope.overrides)),
        models=dict(scope.models),
        tasks=dict(scope.tasks),
        alternates=meaning.alternates,
        discoveries=tuple(meaning.discoveries),
        masks=tuple(meaning.masks.values()),
        measures=tuple(meaning.measures),
        examinations=tuple(meaning.examinations),
        overlaps=tuple(meaning.overlaps),
        measured=tuple(
            item.name
            for item in items
            if isinstance(item, ast.Measure | ast.Examine | ast.Overlap) and item.name in by_name
        ),
        claims=tuple(meaning.claims),
        figures=tuple(item for item in items if isinstance(item, ast.Figure)),
        tables=tuple(item for item in items if isinstance(item, ast.Table)),
        allotments=meaning.allotments,
        absent=tuple(scope.absent.values()),
    )


def _once(problems: list[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Each problem once, in the order of the text: a sweep may meet the same one many times."""
    seen = {(problem.code, problem.span, problem.message): problem for problem in problems}
    return tuple(sorted(seen.values(), key=lambda problem: (problem.span.file, problem.span.start, problem.code)))


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


def _something(scope: Scope, items: list[ast.Item], source: Source) -> None:
    if scope.problems or any(
        isinstance(item, ast.Measure | ast.Examine | ast.Overlap | ast.Discover) for item in items
    ):
        return
    scope.report(
        "W201",
        "this spec measures nothing",
        Span(source.name, 0, 1),
        "",
        "add a `measure` or a `discover`, or include this file from a spec that has one",
    )
