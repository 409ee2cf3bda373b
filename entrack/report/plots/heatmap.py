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

from entrack.report.format import decimals_for, number
from entrack.report.lookup import (
    free_axes,
    of_heads,
)
from entrack.report.measure_table import caption as measured
from entrack.report.plot_data import label_of, named
from entrack.report.plots.fitting import fitted
from entrack.report.plots.labels import SIZE, depth, label_sides, names, shown, value_label
from entrack.report.plots.style import BETWEEN, WIDTH, around, caption, panels
from entrack.report.plots.text import fold, height, inches
from entrack.results import Axis, Cell, Measure

SIDE = 2.2
"""Inches of a line of the labels of rows."""
NOWHERE = "#D9D9D9"
"""The colour of what was not run because it cannot matter, and of what was not measured."""


def value_map(measure: Measure, title: str, options: Mapping[str, str]) -> Figure:
    """Rows by columns of a measure, each number written on its colour. Option: `by`, the columns. Further axes are
    panels of one scale."""
    chosen = _axes(measure, options.get("by"))
    return fitted(lambda scale: _value_map(measure, title, chosen, scale))


def _value_map(measure: Measure, title: str, chosen: tuple[Axis, Axis, tuple[Axis, ...]], scale: float) -> Figure:
    rows, columns, others = chosen
    parts = list(product(*(axis.labels for axis in others)))
    left = [fold(label, SIDE, SIZE) for label in shown(rows)[0]]
    side = 0.35 + max(inches(label, SIZE) for label in left)
    wide = 0.2 + 0.65 * len(columns.labels)
    across = max(1, min(len(parts), floor((WIDTH - 1.0 - side) / wide)))
    across = ceil(len(parts) / ceil(len(parts) / across))
    down = ceil(len(parts) / across)
    width = scale * max(4.0, side + across * max(wide, 1.2) + 1.0)
    room = (width - 1.0 - side) / across - BETWEEN
    titles = [fold(", ".join(part), room, 8.5) for part in parts]
    tall = max(0.32, max(height(label, SIZE) for label in left) + 0.1) * len(left)
    grown = scale * (0.45 + max(height(text, 8.5) for text in titles) + tall)
    inside = down * grown + depth(columns, room) + height(fold(shown(columns)[1], room, 8), 8)
    words = f"{measured(measure)}."
    figure, axes = panels(
        title, len(parts), width, around(title, words, width) + inside, across, sharex=True, sharey=True
    )
    ends = _limits(measure)
    for each, part, words_over in zip(axes, parts, titles, strict=True):
        mesh = _values(
            each,
            grid(measure, rows, columns, dict(zip(others, part, strict=True))),
            measure,
            ends,
            len(columns.labels) * across,
        )
        names(each, columns, room, 0.5)
        _labels(each, left)
        each.set_title(words_over, loc="left")
    axes[0].invert_yaxis()
    label_sides(axes, across, shown(columns)[1], fold(shown(rows)[1], max(tall, 1.0), 8), room)
    colour_bar(figure.colorbar(mesh, ax=axes, aspect=max(16, 9 * inside), pad=0.02), value_label(measure, inside - 0.3))
    caption(figure, words)
    return figure


def _values(
    axes: Axes, cells: list[list[Cell | None]], measure: Measure, ends: tuple[float, float], columns: int
) -> QuadMesh:
    """One panel's colours, and its numbers where there are few enough columns. Values of both signs have colours
    centred on 0."""
    values = [[cell.value if cell and isfinite(cell.value) else nan for cell in row] for row in cells]
    colours = colour_map("RdBu" if ends[0] < 0 else "viridis")
    mesh = axes.pcolormesh(values, cmap=colours, edgecolors="white", linewidth=0.6, vmin=ends[0], vmax=ends[1])
    if columns <= 12:
        _write(
            axes, cells, decimals_for(cell.interval for cell in measure.cells), colours, ends, counted=of_heads(measure)
        )
    return mesh


def _labels(axes: Axes, left: list[str]) -> None:
    axes.set_yticks([y + 0.5 for y in range(len(left))], labels=left)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def colour_bar(bar: Colorbar, unit: str) -> None:
    bar.outline.set_visible(False)
    bar.set_label(unit, fontsize=7)
    bar.ax.tick_params(labelsize=6.5, length=2)


def colour_map(name: str) -> Colormap:
    return colormaps[name].with_extremes(bad=NOWHERE)


def _axes(measure: Measure, by: str | None) -> tuple[Axis, Axis, tuple[Axis, ...]]:
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
    axes: Axes,
    cells: list[list[Cell | None]],
    decimals: int,
    cmap: Colormap,
    ends: tuple[float, float],
    *,
    counted: bool,
) -> None:
    """Each number in black or white, whichever is told better from its colour."""
    for (y, row), x in product(enumerate(cells), range(len(cells[0]))):
        cell = row[x]
        if cell is not None:
            red, green, blue, _ = cmap((cell.value - ends[0]) / (ends[1] - ends[0]) if isfinite(cell.value) else nan)
            words = number(cell.value, decimals) + (f" of {cell.n}" if counted else "")
            dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.55
            axes.text(x + 0.5, y + 0.5, words, ha="center", va="center", fontsize=7, color="w" if dark else "k")
