"""Heat maps of a measure over sites: layers upwards, tokens, positions or heads to the right, a panel for each
intervention, all on one scale of colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from math import ceil, isfinite, nan

from attrs import evolve
from matplotlib.axes import Axes
from matplotlib.colorbar import Colorbar
from matplotlib.figure import Figure

from entrack.frozen import frozen
from entrack.report.format import decimals_for, number
from entrack.report.lookup import free_axes
from entrack.report.measure_table import caption as measured
from entrack.report.plot_data import named, numbers
from entrack.report.plots.fitting import fitted
from entrack.report.plots.frame import Frame, Size, framed, settled
from entrack.report.plots.heatmap import colour_bar, colour_map, grid, ink, row_labels
from entrack.report.plots.labels import NOTHING, SIZE, label_sides, names, shown, token_words, value_label
from entrack.report.plots.style import BETWEEN
from entrack.report.plots.text import fold, height, inches
from entrack.results import Axis, Cell, Measure

ACROSS = ("tokens", "positions", "heads", "neurons", "", "layers")
"""What is set along x, the first that there is."""
UP = ("layers", "heads", "neurons", "positions", "tokens", "")
"""What is then set along y."""
COUNTED = ("layers", "heads", "neurons")
"""What goes upwards from 0, as in the heads' heat map. Everything else is read downwards."""
BAR, SIDE = 0.5, 2.2
"""Inches of the scale of colours without its name, and of a line of the labels of rows."""
LEAST, NARROW, MOST, SQUARE, TALLEST = 0.118, 0.085, 0.5, 0.22, 0.3
"""Inches of a cell's sides: at least, so that its label can be read, and where only some numbers are labels; of its
width at most, and where cells are square; of its height at most."""
LOWEST, HIGHEST, TITLE = 1.1, 4.2, 1.2
"""Inches of all rows together: at least where cells need not be higher than they may, and at most where they need not
be lower; and of a panel that has a title, at least, from side to side."""
LABELLED = 150
"""Columns or rows up to which each has its label."""
TOKEN, INDEX = 6.8, 6.0
"""Points of the words under a column of a token, and of its number."""
WRITTEN, FEW = 6.5, 160
"""Points of the numbers in cells, and cells of a panel up to which there are any."""
SHARES = ("fraction of prompts", "fraction", "probability")
"""Units in which nought is the least there can be."""


@frozen
class Chosen:
    """What is drawn: rows by columns, a panel for each of the labels of `others`; and what there is without an
    intervention, where that was measured and is one number."""

    measure: Measure
    rows: Axis
    columns: Axis
    others: tuple[Axis, ...]
    baseline: float | None = None

    @property
    def parts(self) -> tuple[tuple[str, ...], ...]:
        """The labels of each panel."""
        return tuple(product(*(axis.labels for axis in self.others)))


@frozen
class Colours:
    """The ends of the colours, and the map. Where a baseline or 0 is their middle, that is white."""

    low: float
    high: float
    name: str


@frozen
class Sides:
    """Inches of the figure and of a cell, and how many panels stand side by side."""

    width: float
    wide: float
    tall: float
    across: int


def over_sites(measure: Measure) -> bool:
    """Whether a loop of this measure has several layers, heads, neurons, positions or tokens."""
    return any(axis.over for axis in free_axes(measure))


def site_map(measure: Measure, title: str, options: Mapping[str, str], column: float | None = None) -> Figure:
    """Option: `by`, the columns. Raises ValueError for an axis that the measure does not have."""
    chosen = chosen_of(measure, options.get("by"))
    return fitted(lambda size: _drawn(chosen, title, size), column)


def chosen_of(measure: Measure, by: str | None = None) -> Chosen:
    """Layers as rows; tokens, else positions, else heads as columns, unless `by` says which. What was measured without
    an intervention is a baseline, and no panel."""
    free = free_axes(measure)[::-1]
    columns = named(measure, by) if by is not None else min(free, key=lambda axis: ACROSS.index(axis.over))
    left = [axis for axis in free if axis != columns] or [Axis("", ("",))]
    rows = min(left, key=lambda axis: UP.index(axis.over))
    others = tuple(axis for axis in left[::-1] if axis != rows)
    given = next((axis for axis in others if NOTHING in axis.labels), None)
    unchanged = {cell.value for cell in measure.cells if NOTHING in cell.labels}
    if given is None or len(unchanged) != 1 or not isfinite(next(iter(unchanged))):
        return Chosen(measure, rows, columns, others)
    rest = evolve(given, labels=tuple(label for label in given.labels if label != NOTHING))
    changed = evolve(
        measure,
        axes=tuple(rest if axis == given else axis for axis in measure.axes),
        cells=tuple(cell for cell in measure.cells if NOTHING not in cell.labels),
    )
    kept = tuple(rest if axis == given else axis for axis in others if axis != given or len(rest.labels) > 1)
    return Chosen(changed, rows, columns, kept, unchanged.pop())


def colours_of(chosen: Chosen) -> Colours:
    """From the baseline as far down as up, where values are no shares; without one from 0 so, where they have both
    signs; else one way: 0 to 1 for shares that reach over half of it, from the lowest value where 0 is far below
    it."""
    measure = chosen.measure
    values = [cell.value for cell in measure.cells if isfinite(cell.value)] or [0.0]
    low, high = min(values), max(values)
    share = measure.unit in SHARES and low >= 0
    middle = None if share else chosen.baseline if chosen.baseline is not None else 0.0 if low < 0 < high else None
    if middle is not None:
        far = max(abs(value - middle) for value in values) or 1.0
        return Colours(middle - far, middle + far, "RdBu")
    if share:
        return Colours(0.0, 1.0 if 0.5 < high <= 1 else high or 1.0, "viridis")
    if high <= 0:
        return Colours(low if low < 0 else -1.0, 0.0, "viridis")
    return Colours(low if low > high / 2 and low < high else 0.0, high, "viridis")


def _drawn(chosen: Chosen, title: str, size: Size) -> Figure:
    measure, rows, columns, parts = chosen.measure, chosen.rows, chosen.columns, chosen.parts
    sides = _sides(chosen, size)
    down = ceil(len(parts) / sides.across)
    room, tall = sides.wide * len(columns.labels), sides.tall * len(rows.labels)
    frame = framed(title, _words(chosen), len(parts), sides.width, sides.across)
    for place, (each, part, words) in enumerate(zip(frame.axes, parts, _titles(chosen), strict=True)):
        cells = grid(measure, rows, columns, dict(zip(chosen.others, part, strict=True)))
        lowest, first = place + sides.across >= len(parts), place % sides.across == 0
        panel_of_sites(each, cells, chosen, sides, columns_named=lowest, rows_named=first)
        each.set_title(fold(", ".join(words), max(room, TITLE), 8), loc="left")
    label_sides(frame.axes, sides.across, shown(columns)[1], fold(shown(rows)[1], max(tall, 1.0), 8), room)
    _bar(frame, chosen, value_label(measure, down * tall - 0.1))
    return settled(frame, lambda _: tall, room)


def panel_of_sites(
    axes: Axes,
    cells: Sequence[Sequence[Cell | None]],
    chosen: Chosen,
    sides: Sides,
    *,
    columns_named: bool,
    rows_named: bool,
) -> None:
    """Draw one panel, with labels under its columns and beside its rows where these are named."""
    _cells(axes, cells, colours_of(chosen), sides, _decimals(chosen.measure))
    _columns(axes, chosen.columns, sides.wide if columns_named else 0.0)
    _rows(axes, chosen.rows, sides.tall if rows_named else 0.0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _sides(chosen: Chosen, size: Size) -> Sides:
    """As many panels side by side as can be read there, in cells that are square for heads of layers."""
    rows, columns, count = chosen.rows, chosen.columns, len(chosen.columns.labels)
    narrow = NARROW if columns.over in COUNTED else LEAST
    least = narrow if count <= LABELLED else 150 * narrow / count
    titled = TITLE / count if chosen.others else 0.0
    labels = shown(rows)[0] if rows.over not in COUNTED else ("88",)
    side = 0.45 + max(inches(fold(label, SIDE, SIZE), SIZE) for label in labels) + 2 * BAR
    width = size.width(side + len(chosen.parts) * (max(1.3 * least, titled) * count + BETWEEN))
    side = 0.45 + max(inches(label, SIZE) for label in row_labels(rows, width)) if rows.over not in COUNTED else 0.6
    left = width - side - BAR - 0.3
    across = _across(len(chosen.parts), int(left / (max(least, titled) * count + BETWEEN)))
    wide = min(MOST, (left / across - BETWEEN) / count)
    lines = max(height(label, SIZE) for label in row_labels(rows, width)) + 0.02
    lowest = NARROW if rows.over in COUNTED else max(LEAST, lines) if len(rows.labels) <= LABELLED else 0.03
    if {rows.over, columns.over} <= set(COUNTED):
        wide = min(wide, size.taller * SQUARE, size.taller * HIGHEST / len(rows.labels))
        return Sides(width, wide, wide, across)
    tall = min(TALLEST, max(1.5 * wide, LOWEST / len(rows.labels)), HIGHEST / len(rows.labels))
    return Sides(width, wide, size.taller * max(lowest, tall), across)


def _across(count: int, most: int) -> int:
    """Panels side by side, of at most so many: rows of equally many where these are not too short."""
    if count <= most:
        return count
    even = max(each for each in range(1, max(most, 1) + 1) if count % each == 0)
    return even if 2 * even >= most else ceil(count / ceil(count / most))


def _titles(chosen: Chosen) -> tuple[tuple[str, ...], ...]:
    """What differs between the panels; what they share is said below."""
    return tuple(product(*(shown(axis)[0] for axis in chosen.others)))


def _words(chosen: Chosen) -> str:
    """The caption: what was measured, and what the panels and a mark on the scale are."""
    shared = "".join(f" Panels: {shown(axis)[1]}." for axis in chosen.others if shown(axis)[1] != axis.name)
    line = ""
    if chosen.baseline is not None:
        line = f" Line on the scale: without an intervention, {number(chosen.baseline, _decimals(chosen.measure))}."
    missing = len(chosen.measure.cells) < len(chosen.parts) * len(chosen.rows.labels) * len(chosen.columns.labels)
    return f"{measured(chosen.measure)}.{shared}{line}{' Grey: not measured.' if missing else ''}"


def _cells(axes: Axes, cells: Sequence[Sequence[Cell | None]], scheme: Colours, sides: Sides, decimals: int) -> None:
    """The colours of a panel, and the numbers where each fits into its cell."""
    values = [[cell.value if cell and isfinite(cell.value) else nan for cell in row] for row in cells]
    shades = colour_map(scheme.name)
    line = 0.6 if min(sides.wide, sides.tall) > 0.2 else 0.25
    axes.pcolormesh(values, cmap=shades, edgecolors="white", linewidth=line, vmin=scheme.low, vmax=scheme.high)
    written = {cell: number(cell.value, decimals) for row in cells for cell in row if cell is not None}
    widest = max((inches(words, WRITTEN) for words in written.values()), default=0.0)
    many = len(cells) * len(cells[0]) > FEW
    if many or widest + 0.06 > sides.wide or height("", WRITTEN) + 0.02 > sides.tall:
        return
    for (y, row), x in product(enumerate(cells), range(len(cells[0]))):
        cell = row[x]
        if cell is not None:
            colour = ink(shades((values[y][x] - scheme.low) / (scheme.high - scheme.low)))
            axes.text(x + 0.5, y + 0.5, written[cell], ha="center", va="center", fontsize=WRITTEN, color=colour)


def _columns(axes: Axes, columns: Axis, wide: float) -> None:
    """The labels under the cells of a panel, each `wide` inches; none where others stand under the panels below."""
    if not wide:
        axes.set_xticks([])
    elif columns.tokens:
        _tokens(axes, columns, wide)
    elif numbers(columns):
        places = _labelled(columns, wide, 0.2)
        axes.set_xticks([place + 0.5 for place in places], labels=[columns.labels[place] for place in places])
    else:
        names(axes, columns, wide * len(columns.labels), 0.5)
    axes.tick_params("x", which="both", length=0)


def _tokens(axes: Axes, columns: Axis, wide: float) -> None:
    """Under each column the number of its token, and under that its text, upright."""
    every = range(0, len(columns.labels), ceil(LEAST / wide - 1e-6))
    across = inches(columns.labels[-1], INDEX) + 0.04
    step = next((step for step in (1, 2, 5, 10, 20, 50) if step * every.step * wide >= across), 100)
    numbered, words = every[::step], token_words(columns)
    axes.set_xticks([place + 0.5 for place in numbered], labels=[columns.labels[place] for place in numbered])
    axes.set_xticks([place + 0.5 for place in every], labels=[words[place] for place in every], minor=True)
    axes.xaxis.remove_overlapping_locs = False
    axes.tick_params("x", labelsize=INDEX, pad=1.5)
    axes.tick_params("x", which="minor", labelsize=TOKEN, labelrotation=90, pad=3.5 + 1.25 * INDEX)


def _rows(axes: Axes, rows: Axis, tall: float) -> None:
    """The labels beside the cells of a panel, each `tall` inches high; none where others stand left of the panel."""
    labels = row_labels(rows, axes.figure.bbox.width / axes.figure.dpi)
    places = _labelled(rows, tall, 0.2 if rows.over in COUNTED else LEAST) if tall else ()
    axes.set_yticks([place + 0.5 for place in places], labels=[labels[place] for place in places])
    axes.tick_params("y", length=0)
    if rows.over not in COUNTED:
        axes.invert_yaxis()


def _labelled(axis: Axis, each: float, least: float) -> Sequence[int]:
    """Which labels are shown: all, or of numbers that follow one another every second, fourth, ... so that these are
    `least` inches apart."""
    values = numbers(axis) or ()
    count = len(axis.labels)
    follow = values == tuple(range(int(values[0]), int(values[0]) + count)) if values else count > LABELLED
    step = next(step for step in (1, 2, 4, 8, 16, 32, 64, 128, count) if step * each >= least or step >= count)
    return range(0, count, step if follow else 1)


def _decimals(measure: Measure) -> int:
    return decimals_for(cell.interval for cell in measure.cells)


def _bar(frame: Frame, chosen: Chosen, unit: str) -> None:
    """The scale of colours beside all panels."""
    (mesh, *_) = frame.axes[0].collections
    frame.bar = frame.figure.add_axes((0.9, 0.1, 0.05, 0.8))
    mark_baseline(frame.figure.colorbar(mesh, cax=frame.bar), chosen, unit)


def mark_baseline(bar: Colorbar, chosen: Chosen, unit: str) -> None:
    """Name a scale of colours, with a line where the measure lies without an intervention."""
    colour_bar(bar, unit)
    if chosen.baseline is not None:
        bar.ax.axhline(chosen.baseline, color="black", linewidth=1.2)
