"""The checker: a source in, what it means and all that is wrong with it out. The rules: `meaning.py`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from attrs import field

from entrack.budget import Spent, within
from entrack.check.files import Files
from entrack.check.includes import gather
from entrack.check.meaning import Meaning
from entrack.check.resolved import (
    Resolved,
)
from entrack.check.scope import Parse, Scope, TokenCount
from entrack.diagnostics import Diagnostic
from entrack.diagnostics.over_budget import told
from entrack.frozen import frozen
from entrack.models.datasets import Dataset
from entrack.models.supplied import NOTHING_SUPPLIED, Supplied
from entrack.source import Source, Span
from entrack.syntax import ast
from entrack.syntax.parse import parse

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
    hub; `read` are the texts of both, and `contents` the bytes of files that are no texts."""

    resolved: Resolved
    problems: tuple[Diagnostic, ...]
    sources: Mapping[str, Source]
    data: Mapping[str, Source] = field(factory=dict, repr=False)
    files: tuple[Path, ...] = field(default=(), repr=False)
    datasets: Mapping[Dataset, Path] = field(factory=dict, repr=False)
    supplied: Supplied = field(default=NOTHING_SUPPLIED, repr=False)
    read: tuple[Source, ...] = field(default=(), repr=False)
    contents: tuple[tuple[Path, bytes], ...] = field(default=(), repr=False)
    meaning: Meaning | None = field(default=None, eq=False, repr=False)
    """What `resolved` was made of: an editor asks it what else could be said."""

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
    meaning = Meaning(scope)
    with within():
        try:
            resolved = _resolved(meaning, source)
        except Spent as spent:
            resolved = NOTHING
            scope.problems.append(told(spent, Span(source.name, 0, 1)))
    downloaded = set(scope.datasets.values())
    read = scope.files.read
    contents = scope.files.contents
    files = tuple(path for text in read if (path := Path(text.name)) not in downloaded)
    return Checked(
        resolved,
        _once(scope.problems),
        dict(scope.sources),
        dict(scope.data),
        (*files, *(path for path, _ in contents)),
        dict(scope.datasets),
        supplied,
        read,
        contents,
        meaning,
    )


def _resolved(meaning: Meaning, source: Source) -> Resolved:
    scope = meaning.scope
    meaning.add(gather(source, scope), source)
    items, by_name = meaning.items, meaning.by_name
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
        circuits=dict(meaning.circuits),
    )


def _once(problems: list[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Each problem once, in the order of the text: a sweep may meet the same one many times."""
    seen = {(problem.code, problem.span, problem.message): problem for problem in problems}
    return tuple(sorted(seen.values(), key=lambda problem: (problem.span.file, problem.span.start, problem.code)))


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
