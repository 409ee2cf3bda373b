"""Results as tables of a size that a notebook keeps: the first rows of each, and how many more there are."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from attrs import evolve

from entrack.report.claims_table import claims_grid
from entrack.report.grid import Entry, Grid
from entrack.report.measure_table import measure_grids
from entrack.report.table_data import discovery_grid, group_grid, mask_grids, masks_grid, titled
from entrack.results import Axis, Claim, Claims, Discovery, Group, Mask, Masks, Measure, Results

Shown = Results | Measure | Discovery | Group | Mask | Masks | Claim | Claims
"""What a notebook shows as tables."""
ROWS, SIDE_BY_SIDE, CELLS, TABLES = 40, 60, 2_000, 40
"""Of a table; of short things in one of its cells; of a measure; of results."""
UNBOUNDED = 10_000
"""A browser scrolls, so a table of rows by columns is not given up for being wide."""


def bounded_grids(item: Shown, width: int = UNBOUNDED) -> tuple[Grid, ...]:
    """The tables of a result. What they leave out is counted below them."""
    found = list(islice(_grids(item, width), TABLES + 1))
    shown = tuple(map(bounded, found[:TABLES]))
    return shown if len(found) <= TABLES else (*shown, _note("... and more results: `[name]` shows one of them"))


def bounded(grid: Grid) -> Grid:
    """The first rows of a table, and how many more there are; no column that is empty."""
    grid = _without_empty(grid)
    rows = tuple(tuple(_first(entry) for entry in row) for row in grid.rows[:ROWS])
    more = len(grid.rows) - ROWS
    caption = f"... and {more:,} more rows\n{grid.caption}" if more > 0 else grid.caption
    return evolve(grid, rows=rows, caption=caption, good=grid.good[:ROWS])


def _without_empty(grid: Grid) -> Grid:
    kept = [place for place in range(len(grid.head)) if not grid.rows or any(row[place] for row in grid.rows)]
    return evolve(
        grid,
        head=tuple(grid.head[place] for place in kept),
        rows=tuple(tuple(row[place] for place in kept) for row in grid.rows),
        right=frozenset(new for new, place in enumerate(kept) if place in grid.right),
        anchors={},
    )


def _first(entry: Entry) -> Entry:
    if isinstance(entry, str) or len(entry) <= SIDE_BY_SIDE:
        return entry
    return (*entry[:SIDE_BY_SIDE], f"... and {len(entry) - SIDE_BY_SIDE:,} more")


def _grids(item: Shown, width: int) -> Iterator[Grid]:
    match item:
        case Results():
            for title, one in titled(item):
                yield from _measure(one, title, width) if isinstance(one, Measure) else (discovery_grid(one, title),)
            yield from mask_grids(item)
            if item.claims:
                yield claims_grid(item.claims)
        case Measure():
            yield from _measure(item, "", width)
        case Discovery():
            yield discovery_grid(item)
        case Group():
            yield group_grid(item)
        case Mask():
            yield masks_grid((item,))
        case Masks():
            for name in dict.fromkeys(mask.name for mask in item):
                yield masks_grid(tuple(mask for mask in item if mask.name == name))
        case Claim():
            yield claims_grid((item,))
        case Claims():
            yield claims_grid(item)


def _measure(item: Measure, title: str, width: int) -> Iterator[Grid]:
    yield from measure_grids(_beginning(item), title, width)
    more = len(item.cells) - CELLS
    if more > 0:
        yield _note(f"... and {more:,} more cells of {item.name}: `to_pandas()` has all of them")


def _beginning(item: Measure) -> Measure:
    """A measure with its first cells alone."""
    cells = item.cells[:CELLS]
    if len(cells) == len(item.cells):
        return item
    seen = [frozenset(labels) for labels in zip(*(cell.labels for cell in cells), strict=True)]
    return evolve(item, cells=cells, axes=tuple(map(_of_labels, item.axes, seen)))


def _of_labels(axis: Axis, seen: frozenset[str]) -> Axis:
    places = [place for place, label in enumerate(axis.labels) if label in seen]
    tokens = tuple(axis.tokens[place] for place in places) if axis.tokens else ()
    return evolve(axis, labels=tuple(axis.labels[place] for place in places), tokens=tokens)


def _note(words: str) -> Grid:
    return Grid("", (), (), words)
