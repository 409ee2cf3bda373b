"""Which rows of a file each purpose takes: none takes another's, and a spec that asks for more than there are is told.

The rows stand in one order, drawn from the seed (`prompts/rows.py`). What is measured takes rows from its beginning,
the other purposes theirs from its end, one after the other in the order of `FROM_THE_END`. So more prompts of a measure
move no other row.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import starmap
from typing import assert_never

from attrs import field

from entrack.check.resolved import (
    Act,
    AddAct,
    BlockAct,
    CellSpec,
    Discovery,
    Examination,
    KeepAct,
    Mask,
    MeanOf,
    Measure,
    NoiseAct,
    Population,
    ProjectAct,
    ScaleAct,
    SetAct,
)
from entrack.check.scope import Scope
from entrack.check.sources import drawn_by
from entrack.check.tables import Table, table_key
from entrack.diagnostics import Label
from entrack.frozen import frozen
from entrack.source import Span
from entrack.syntax import ast

FROM_THE_END = ("discover", "train", "validate", "mean", "sample", "confirm", "certify")
"""Another purpose goes to the end, so that it moves no row of these."""


@frozen
class Allotment:
    """How many rows of a table each purpose takes."""

    taken: Mapping[str, int] = field(factory=dict)

    def first(self, purpose: str) -> int:
        """Where a purpose begins, counted from the end at which it takes its rows."""
        if purpose not in FROM_THE_END:
            return 0
        return sum(self.taken.get(other, 0) for other in FROM_THE_END[: FROM_THE_END.index(purpose)])

    def left(self, purpose: str, rows: int) -> int:
        """How many of so many rows no other purpose takes."""
        return rows - sum(many for other, many in self.taken.items() if other != purpose)


@frozen
class Wanted:
    """So many prompts of a population, for a purpose."""

    population: Population
    many: int

    @property
    def purpose(self) -> str:
        return self.population.purpose


Constructs = tuple[Sequence[Measure], Sequence[Discovery], Sequence[Examination], Sequence[Mask]]


Rows = Mapping[Table, Mapping[str, tuple[int, Span]]]
"""How many rows of each table each purpose wants at most, and where."""


def rows_wanted(constructs: Constructs, before: Rows) -> Rows:
    """The rows that are wanted, with those `before`."""
    wanted: dict[Table, dict[str, tuple[int, Span]]] = defaultdict(dict)
    wanted.update((table, dict(each)) for table, each in before.items())
    for some in _wanted(constructs):
        for table, each in rows_of(some.population).items():
            many = some.many * each
            if many > wanted[table].get(some.purpose, (0, None))[0]:
                wanted[table][some.purpose] = many, some.population.span
    return wanted


def check_allotments(scope: Scope, rows: Rows) -> Mapping[Table, Allotment]:
    """The allotment of each table. Reports tables whose rows run out."""
    for table, each_purpose in rows.items():
        if not len(table):
            continue  # it is not on this machine
        _enough(scope, table, each_purpose)
    return {table: Allotment({purpose: many for purpose, (many, _) in each.items()}) for table, each in rows.items()}


def rows_of(population: Population) -> Mapping[Table, int]:
    """How many rows of each table a prompt takes, or its alternate where that has others."""
    found = Counter(population.task.rows.values())
    changes = () if population.alternate is None else population.alternate.changes
    for change in changes:
        if isinstance(change, ast.Override) and isinstance(change.drawing, ast.Row):
            table = population.task.tables[table_key(change.drawing.table)]
            found[table] = max(found[table], 1)
    return found


def _enough(scope: Scope, table: Table, wanted: Mapping[str, tuple[int, Span]]) -> None:
    total = sum(many for many, _ in wanted.values())
    if total <= len(table):
        return
    *others, (purpose, (many, span)) = sorted(wanted.items(), key=lambda item: item[1][0])
    scope.report(
        "E424",
        f"`{table.name}` has {len(table):,} row{'s' * (len(table) != 1)}, and {total:,} are wanted",
        span,
        _used(purpose, many),
        "ask for fewer, also of means and samples (`over 100 scrambled`): no purpose takes a row that another takes",
        tuple(Label(where, _used(other, some)) for other, (some, where) in others),
    )


def _used(purpose: str, many: int) -> str:
    return f"{many:,} to {purpose}" if purpose not in ("mean", "sample") else f"{many:,} for a {purpose}"


def _wanted(constructs: Constructs) -> Iterator[Wanted]:
    measures, discoveries, examinations, masks = constructs
    for measure in measures:
        for cell in measure.cells:
            yield Wanted(cell.population, (cell.population.count or 0) * cell.draws)
            for act in cell.intervention.acts:
                yield from _wanted_by(act, cell)
    for discovery in discoveries:
        yield _all_of(discovery.originals)
        yield _all_of(discovery.alternates)
        yield from map(_all_of, discovery.confirm or ())
    for given in examinations:
        yield _all_of(given.population)
        yield Wanted(given.over, given.over.count or given.population.count or 0)
    for mask in masks:
        yield from map(_all_of, (*mask.train.values(), *mask.validate.values()))


def _wanted_by(act: Act, cell: CellSpec) -> Iterator[Wanted]:
    match act:
        case SetAct(source=source):
            yield from starmap(Wanted, drawn_by(source, cell.population, cell.draws))
        case AddAct(terms=terms) | ProjectAct(terms=terms):
            means = (term for term in terms if isinstance(term, MeanOf))
            yield from (Wanted(mean.over, mean.over.count or cell.population.count or 0) for mean in means)
        case KeepAct() | NoiseAct() | ScaleAct() | BlockAct():
            return
        case _:
            assert_never(act)


def _all_of(population: Population) -> Wanted:
    return Wanted(population, population.count or 0)
