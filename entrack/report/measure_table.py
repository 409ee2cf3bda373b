"""A measure as a table: rows by columns, or a row a cell."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve

from entrack.report.anchors import cell_anchor
from entrack.report.format import decimals_for, estimate, number, spread, visible
from entrack.report.grid import Grid
from entrack.report.lookup import bare, fixed_labels, free_axes, of_heads
from entrack.results import Axis, Cell, Measure

WIDTH = 100
"""Columns that a table of a measure may take."""
LARGE = 30
"""Cells from which on numbers are set by rows and columns without their intervals, where these do not fit."""
WORD = 8
"""Characters of a token beside its number."""


def measure_grids(measure: Measure, title: str = "", width: int = WIDTH) -> tuple[Grid, ...]:
    """A measure as one table; as several, of some columns each, where it is large and does not fit into `width`."""
    grid, axes = measure_grid(measure, title, width), free_axes(measure)
    if len(measure.cells) < LARGE or len(axes) < 2 or len(grid.rows) < len(measure.cells) or of_heads(measure):
        return (grid,)
    title = visible(title or measure.name)
    for across in (axes[-1], *axes[-2::-1]):
        whole = _crossed(measure, across, intervals=False)
        if whole.width <= width:
            return (evolve(whole, title=title),)
    return tuple(evolve(part, title=title) for part in _parted(measure, axes[-1], width))


def measure_grid(measure: Measure, title: str = "", width: int = WIDTH) -> Grid:
    """Rows by columns where that fits into `width` and one n holds for all, or stands beside each; otherwise one row
    per cell."""
    alike = of_heads(measure) or len({cell.n for cell in measure.cells}) == 1
    for across in reversed(free_axes(measure)):
        grid = _crossed(measure, across)
        if len(free_axes(measure)) > 1 and alike and grid.width <= width:
            return evolve(grid, title=visible(title or measure.name))
    return evolve(_tidy(measure), title=visible(title or measure.name))


def caption(measure: Measure) -> str:
    """What the numbers of a measure are: metric, unit, n, the labels that all cells share, whose tokens are named."""
    unit = f" ({measure.unit})" if measure.unit and measure.unit != measure.metric else ""
    things = measure.unit.removeprefix("fraction of ") if of_heads(measure) else "prompts"
    counts = f"n = {spread(cell.n for cell in measure.cells)} {things}" if measure.cells else "no cells"
    shared = [f"{axis}: {label}" for axis, label in fixed_labels(measure)]
    tokens = ["tokens: those of the first prompt"] if any(axis.tokens for axis in free_axes(measure)) else []
    return visible("; ".join([f"{measure.metric}{unit}, {counts}", *shared, *tokens]))


def _parted(measure: Measure, across: Axis, width: int) -> Iterator[Grid]:
    """The columns of a table, as many at once as fit."""
    whole = _crossed(measure, across, intervals=False)
    names = len(whole.head) - len(across.labels)
    wide = max(whole.wide(column) for column in range(names, len(whole.head)))
    many = max(1, (width - sum(whole.wide(column) for column in range(names))) // wide)
    for start in range(0, len(across.labels), many):
        kept = (*range(names), *range(names + start, names + min(start + many, len(across.labels))))
        places = {column: place for place, column in enumerate(kept)}
        yield evolve(
            whole,
            head=tuple(whole.head[column] for column in kept),
            rows=tuple(tuple(row[column] for column in kept) for row in whole.rows),
            right=frozenset(range(names, len(kept))),
            caption=whole.caption if start + many >= len(across.labels) else "",
            anchors={(row, places[column]): to for (row, column), to in whole.anchors.items() if column in places},
        )


def _crossed(measure: Measure, across: Axis, *, intervals: bool = True) -> Grid:
    """Rows are all free axes but one, whose labels are the columns. A label that repeats the row above is left out."""
    down = [axis for axis in free_axes(measure) if axis is not across]
    places = [measure.axes.index(axis) for axis in down]
    column = measure.axes.index(across)
    cells = {(tuple(cell.labels[place] for place in places), cell.labels[column]): cell for cell in measure.cells}
    keys = sorted(
        {key for key, _ in cells},
        key=lambda key: [axis.labels.index(label) for axis, label in zip(down, key, strict=True)],
    )
    decimals, counted = _decimals(measure), of_heads(measure)
    names = {key: tuple(_named(measure, axis, label) for axis, label in zip(down, key, strict=True)) for key in keys}
    rows = [
        (
            *_unrepeated(key, before, names[key]),
            *(_cell(cells.get((key, label)), decimals, counted=counted, interval=intervals) for label in across.labels),
        )
        for key, before in zip(keys, [(), *keys], strict=False)
    ]
    head = (*(visible(axis.name) for axis in down), *(_heading(across, label) for label in across.labels))
    how = _how(measure) if intervals else ["intervals: --json, or a figure"]
    words = "; ".join([caption(measure), f"columns: {visible(across.name)}", *how])
    row_of = {key: row for row, key in enumerate(keys)}
    column_of = {label: at for at, label in enumerate(across.labels, len(down))}
    anchors = {
        (row_of[key], column_of[label]): cell_anchor(measure.name, cell.labels) for (key, label), cell in cells.items()
    }
    return Grid("", head, tuple(rows), words, frozenset(range(len(down), len(head))), anchors=anchors)


def _tidy(measure: Measure) -> Grid:
    axes = free_axes(measure)
    places = [measure.axes.index(axis) for axis in axes]
    decimals = _decimals(measure)
    sd = any(cell.sd is not None for cell in measure.cells)
    rows = tuple(
        (
            *(visible(bare(measure, axis, cell.labels[place])) for axis, place in zip(axes, places, strict=True)),
            estimate(cell.value, cell.interval, decimals),
            *([_sd(cell, decimals)] if sd else []),
            str(cell.n),
        )
        for cell in measure.cells
    )
    head = (*(visible(axis.name) for axis in axes), visible(measure.metric), *(["sd over draws"] if sd else []), "n")
    words = "; ".join([caption(measure), *_how(measure)])
    anchors = {(row, len(axes)): cell_anchor(measure.name, cell.labels) for row, cell in enumerate(measure.cells)}
    return Grid("", head, rows, words, frozenset(range(len(axes), len(head))), anchors=anchors)


def _how(measure: Measure) -> list[str]:
    """What stands beside the values."""
    draws = {len(cell.draws) for cell in measure.cells if cell.sd is not None}
    over = " over draws" if any(cell.interval_of_these_draws for cell in measure.cells) else ""
    brackets = [f"95 % interval{over} in brackets"] if any(cell.interval for cell in measure.cells) else []
    return [*brackets, *([f"sd over {spread(draws)} draws"] if draws - {0} else [])]


def _decimals(measure: Measure) -> int:
    """A fall of 1 % is where a head is said not to matter: 0.006 is not shown as 0.01."""
    return max(decimals_for(cell.interval for cell in measure.cells), 3 if measure.metric == "minimality" else 0)


def _named(measure: Measure, axis: Axis, label: str) -> str:
    """A label as it stands before a row: of a token, with its text in the first prompt."""
    word = _word(axis, label)
    return f"{label} {word}" if word else bare(measure, axis, label)


def _heading(axis: Axis, label: str) -> str:
    """A label as it stands above a column."""
    return "\n".join(filter(None, (visible(label), _word(axis, label))))


def _word(axis: Axis, label: str) -> str:
    place = axis.labels.index(label)
    text = visible(axis.tokens[place]).strip() if axis.tokens else ""
    return text if len(text) <= WORD else f"{text[: WORD - 1]}…"


def _cell(cell: Cell | None, decimals: int, *, counted: bool = False, interval: bool = True) -> str:
    """`counted`: a share of `n` heads, said beside it because it differs."""
    if cell is None:
        return "-"
    text = estimate(cell.value, cell.interval if interval else None, decimals) + (f" of {cell.n}" if counted else "")
    return text if cell.sd is None else f"{text}\nsd {_sd(cell, decimals)}"


def _sd(cell: Cell, decimals: int) -> str:
    return "" if cell.sd is None else number(cell.sd, max(decimals, 3))


def _unrepeated(key: tuple[str, ...], before: tuple[str, ...], shown: tuple[str, ...]) -> tuple[str, ...]:
    """The names `shown` of a row's labels `key`, but for those that the row above has too."""
    same = 0
    while same < len(before) and key[same] == before[same]:
        same += 1
    return tuple("" if place < same else visible(label) for place, label in enumerate(shown))
