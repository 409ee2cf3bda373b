"""The checker: a source in, what it means and all that is wrong with it out. The order of the rules is the order of
this file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from attrs import field

from entrack.budget import Spent, within
from entrack.check.allotments import check_allotments
from entrack.check.alternates import check_alternates
from entrack.check.certificates import Spec
from entrack.check.changes import Changes
from entrack.check.claims import check_claims, grids
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
from entrack.check.resolved import Resolved
from entrack.check.scope import Parse, Scope, TokenCount
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

ABOUT = ("title", "cite", "authors", "note")
MOST_SEED = 2**53
NOTHING = Resolved("", 0, {}, (), {}, {}, {}, (), (), (), (), (), (), (), (), ())
"""What is understood of a spec that asks for more work than a command does."""
NOTHING_UNSAVED: Mapping[Path, str] = {}


@frozen
class Checked:
    """`resolved` is what could be understood; it may only be run when there is no error. `sources` are the texts of
    the spec, `data` those of its tables; `files` are all that were read beside the spec, and `datasets` those of the
    hub; `read` are the texts of both."""

    resolved: Resolved
    problems: tuple[Diagnostic, ...]
    sources: Mapping[str, Source]
    data: Mapping[str, Source] = field(factory=dict, repr=False)
    files: tuple[Path, ...] = field(default=(), repr=False)
    datasets: Mapping[Dataset, Path] = field(factory=dict, repr=False)
    supplied: Supplied = field(default=NOTHING_SUPPLIED, repr=False)
    read: tuple[Source, ...] = field(default=(), repr=False)

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
    reader = Files(Path(source.name).parent, {str(path.resolve()): text for path, text in unsaved.items()})
    scope = Scope(reader, overrides, stand_in, supplied, tokens=tokens, parse=parse)
    with within():
        try:
            resolved = _resolved(scope, source)
        except Spent as spent:
            resolved = NOTHING
            scope.problems.append(told(spent, Span(source.name, 0, 1)))
    downloaded = set(scope.datasets.values())
    read = scope.files.read
    files = tuple(path for text in read if (path := Path(text.name)) not in downloaded)
    return Checked(
        resolved,
        _once(scope.problems),
        dict(scope.sources),
        dict(scope.data),
        files,
        dict(scope.datasets),
        supplied,
        read,
    )


def _resolved(scope: Scope, source: Source) -> Resolved:
    overrides = scope.overrides
    items = gather(source, scope)
    scope.declare(items)
    about = _about(scope, items)
    _params(scope, items, source)
    seed = _seed(scope, items)
    check_models(scope, items)
    check_tasks(scope, items)
    alternates = check_alternates(scope, items)
    written = check_written(scope, items)
    discoveries, found = check_discoveries(Given(scope, alternates, written, seed), items)
    changes = Changes(scope, {**written, **found}, alternates, seed)
    masks = check_masks(changes, items)
    changes.masks.update({mask.name: mask for mask in masks})
    changes.vectors.update(check_vectors(changes, items))
    check_interventions(changes, items)
    measures = check_measures(changes, items)
    examinations, overlaps = check_examinations(changes, items), check_overlaps(changes, items)
    by_name = grids(measures, examinations, overlaps)
    allotments = check_allotments(scope, (measures, discoveries, examinations, masks))
    spec = Spec({measure.name: measure for measure in measures}, allotments)
    claims = check_claims(changes, items, by_name, spec)
    check_shown(changes, items, by_name)
    _something(scope, items, source)
    return Resolved(
        title=about.get("title", ""),
        about=about,
        seed=seed,
        params=dict(scope.params),
        changed_params=tuple(sorted(overrides)),
        models=dict(scope.models),
        tasks=dict(scope.tasks),
        alternates=alternates,
        discoveries=tuple(discoveries),
        masks=tuple(masks),
        measures=tuple(measures),
        examinations=tuple(examinations),
        overlaps=tuple(overlaps),
        measured=tuple(
            item.name
            for item in items
            if isinstance(item, ast.Measure | ast.Examine | ast.Overlap) and item.name in by_name
        ),
        claims=tuple(claims),
        figures=tuple(item for item in items if isinstance(item, ast.Figure)),
        tables=tuple(item for item in items if isinstance(item, ast.Table)),
        allotments=allotments,
        absent=tuple(scope.absent.values()),
        circuits={**written, **found},
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
