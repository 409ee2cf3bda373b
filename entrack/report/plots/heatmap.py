"""Heat maps of a measure of one or two axes, as coloured cells with numbers."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from math import ceil, floor, isfinite, nan

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colorbar import Colorbar
from matplotlib.colors import Colormap
from matplotlib.figure import Figure

from entrack.report.figure_width import WIDTHS
from entrack.report.format import decimals_for, number
from entrack.report.lookup import (
    free_axes,
    of_heads,
)
from entrack.report.measure_table import caption as measured
from entrack.report.plot_data import label_of, named
from entrack.report.plots.fitting import fitted
from entrack.report.plots.frame import Size, framed, settled
from entrack.report.plots.labels import SIZE, label_sides, names, shown, value_label
from entrack.report.plots.style import BETWEEN
from entrack.report.plots.text import fold, height, inches
from entrack.results import Axis, Cell, Measure

SIDE = 2.2
"""Inches of a line of the labels of rows."""
BAR_AND_WORDS = 0.75
"""Inches of a scale of colours with its numbers and its name."""
NOWHERE = "#D9D9D9"
"""The colour of what was not run because it cannot matter, and of what was not measured."""


def value_map(measure: Measure, title: str, options: Mapping[str, str], column: float | None = None) -> Figure:
    """Rows by columns of a measure, each number written on its colour. Option: `by`, the columns. Further axes are
    panels of one scale."""
    chosen = axes_of(measure, options.get("by"))
    return fitted(lambda size: _value_map(measure, title, chosen, size), column)


def _value_map(measure: Measure, title: str, chosen: tuple[Axis, Axis, tuple[Axis, ...]], size: Size) -> Figure:
    rows, columns, others = chosen
    parts = list(product(*(axis.labels for axis in others)))
    side = 0.35 + max(inches(label, SIZE) for label in row_labels(rows, WIDTHS[-1]))
    wide = 0.2 + 0.6 * len(columns.labels)
    width = size.width(side + len(parts) * wide + BAR_AND_WORDS)
    left = row_labels(rows, width)
    side = 0.35 + max(inches(label, SIZE) for label in left)
    across = max(1, min(len(parts), floor((width - BAR_AND_WORDS - side) / wide)))
    across = ceil(len(parts) / ceil(len(parts) / across))
    room = (width - BAR_AND_WORDS - side) / across - BETWEEN
    tall = max(0.3 * size.taller, max(height(label, SIZE) for label in left) + 0.08) * len(left)
    down = ceil(len(parts) / across)
    frame = framed(title, f"{measured(measure)}.", len(parts), width, across, sharex=True, sharey=True)
    widest = max(0.9 * size.wider * len(columns.labels), 1.2)
    for each, part in zip(frame.axes, parts, strict=True):
        cells = grid(measure, rows, columns, dict(zip(others, part, strict=True)))
        mesh = panel_of_values(each, cells, measure, min(room, widest), len(columns.labels))
        names(each, columns, min(room, widest), 0.5)
        label_rows(each, left)
        each.set_title(fold(", ".join(part), min(room, widest), 8), loc="left")
    frame.axes[0].invert_yaxis()
    label_sides(frame.axes, across, shown(columns)[1], fold(shown(rows)[1], max(tall, 1.0), 8), room)
    frame.bar = frame.figure.add_axes((0.9, 0.1, 0.05, 0.8))
    colour_bar(frame.figure.colorbar(mesh, cax=frame.bar), value_label(measure, max(down * tall, 1.0)))
    return settled(frame, lambda room: tall, widest)


def row_labels(rows: Axis, width: float) -> list[str]:
    """The labels beside the rows, in lines, in a figure or axes of so many inches."""
    return [fold(label, min(SIDE, 0.36 * width), SIZE) for label in shown(rows)[0]]


def panel_of_values(
    axes: Axes, cells: list[list[Cell | None]], measure: Measure, room: float, columns: int
) -> QuadMesh:
    """One panel's colours, `room` inches wide, and its numbers where they fit. Values of both signs have colours
    centred on 0."""
    ends = _limits(measure)
    values = [[cell.value if cell and isfinite(cell.value) else nan for cell in row] for row in cells]
    colours = colour_map("RdBu" if ends[0] < 0 else "viridis")
    mesh = axes.pcolormesh(values, cmap=colours, edgecolors="white", linewidth=0.6, vmin=ends[0], vmax=ends[1])
    decimals, counted = decimals_for(cell.interval for cell in measure.cells), of_heads(measure)
    words = [[_number(cell, decimals, counted=counted) for cell in row] for row in cells]
    if max(inches(each, 7) for row in words for each in row) + 0.06 < room / columns:
        _write(axes, cells, words, colours, ends)
    return mesh


def _number(cell: Cell | None, decimals: int, *, counted: bool) -> str:
    return "" if cell is None else number(cell.value, decimals) + (f" of {cell.n}" if counted else "")


def label_rows(axes: Axes, left: list[str]) -> None:
    """The labels of rows, and no frame."""
    axes.set_yticks([y + 0.5 for y in range(len(left))], labels=left)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def colour_bar(bar: Colorbar, unit: str) -> None:
    bar.outline.set_visible(False)
    bar.set_label(unit, fontsize=7.5)
    bar.ax.tick_params(labelsize=7, length=2)


def colour_map(name: str) -> Colormap:
    return colormaps[name].with_extremes(bad=NOWHERE)


def axes_of(measure: Measure, by: str | None) -> tuple[Axis, Axis, tuple[Axis, ...]]:
    """Rows, columns, and the axes of the panels: the last two axes make the map. Raises ValueError for an unknown
    axis."""
    free = list(free_axes(measure))
    columns = named(measure, by) if by is not None else free[-1] if len(free) > 1 else Axis("", ("",))
    left = [axis for axis in free if axis is not columns] or [Axis("", ("",))]
    return left[-1], columns, tuple(left[:-1])


def grid(measure: Measure, rows: Axis, columns: Axis, fixed: Mapping[Axis, str]) -> list[list[Cell | None]]:
    """The cells that have these labels on other axes, row by row."""

    def place(axis: Axis, cell: Cell) -> int:
        return axis.labels.index(label_of(measure, cell, axis)) if axis in measure.axes else 0

    found: list[list[Cell | None]] = [[None] * len(columns.labels) for _ in rows.labels]
    for cell in measure.cells:
        if all(label_of(measure, cell, axis) == label for axis, label in fixed.items()):
            found[place(rows, cell)][place(columns, cell)] = cell
    return found


def _limits(measure: Measure) -> tuple[float, float]:
    """The ends of the colours: as far below 0 as above it where values have both signs, 0 to 1 for shares that reach
    over half of it, else from 0."""
    values = [cell.value for cell in measure.cells if isfinite(cell.value)] or [0.0]
    low, high = min(0.0, *values), max(0.0, *values)
    if low < 0:
        return -max(-low, high), max(-low, high)
    return (0.0, 1.0) if 0.5 < high <= 1 else (0.0, high or 1.0)


def _write(
    axes: Axes, cells: list[list[Cell | None]], words: list[list[str]], cmap: Colormap, ends: tuple[float, float]
) -> None:
    """Each number in black or white, whichever is told better from its colour."""
    for (y, row), x in product(enumerate(cells), range(len(cells[0]))):
        cell = row[x]
        if cell is not None:
            share = (cell.value - ends[0]) / (ends[1] - ends[0]) if isfinite(cell.value) else nan
            axes.text(x + 0.5, y + 0.5, words[y][x], ha="center", va="center", fontsize=7, color=ink(cmap(share)))


def ink(colour: tuple[float, float, float, float]) -> str:
    """Black or white, whichever is told better from a colour (WCAG's relative luminance)."""
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour[:3])
    return "w" if 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.179 else "k"
