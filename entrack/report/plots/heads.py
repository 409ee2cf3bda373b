"""Bar charts with one bar per head, grouped by group: the fall in accuracy without the head, or the head's score.

Heads belong to one group each, so the axes are not crossed: a line of bars holds as many groups as fit. Several values
of a head (a fall, and the fall as a ratio) stand one above the other, on scales of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite, isinf, isnan
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from entrack.frozen import frozen
from entrack.report.lookup import bare, free_axes, nested
from entrack.report.measure_table import caption as measured
from entrack.report.plots.error_bars import error_of, error_words
from entrack.report.plots.fitting import fitted
from entrack.report.plots.labels import SIZE, shown, value_label
from entrack.report.plots.style import WIDTH, around, caption, colours, nought, panels
from entrack.report.plots.text import fold, height, inches
from entrack.results import Axis, Cell, Measure

MOST = 76
"""Bars on a line: so many labels can be read on two columns of a page."""


@frozen
class Bar:
    """A head in its group, with a cell for each value. `x` is its place on its line."""

    group: str
    head: str
    cells: tuple[Cell | None, ...]
    x: int = 0


Line = list[Bar]


def head_bars(measure: Measure, title: str, options: Mapping[str, str]) -> Figure:
    """Options: `error`. The measure's heads are nested in its groups; the largest of each group come first."""
    pair = nested(measure)
    assert pair is not None  # whoever asks has looked
    return fitted(lambda scale: _drawn(measure, title, pair, options.get("error", "interval"), scale))


def _drawn(measure: Measure, title: str, pair: tuple[Axis, Axis], error: str, scale: float) -> Figure:
    groups = pair[0]
    values = next((axis for axis in free_axes(measure) if axis not in pair), None)
    labels = values.labels if values else ("",)
    lines = _lines(_bars(measure, pair, values))
    longest = max(line[-1].x for line in lines) + 1
    width = scale * min(WIDTH, max(4.8, 1.0 + 0.16 * longest))
    legend = [fold(name, (width - 1.0) / 2 - 0.5, SIZE) for name in shown(groups)[0]]
    columns = max(1, min(4, len(legend), int((width - 1.0) / (0.55 + max(inches(name, SIZE) for name in legend)))))
    above = sum(height(name, SIZE) + 0.06 for name in legend) / columns + 0.25
    words = f"{measured(measure)}. {error_words(measure, error)}{_beyond(measure)}"
    inside = scale * len(lines) * (1.25 * len(labels) + 0.35) + 0.25
    figure, axes = panels(title, len(lines) * len(labels), width, around(title, words, width) + above + inside, 1)
    tints = dict(zip(groups.labels, colours(len(groups.labels)), strict=True))
    for place, each in enumerate(axes):
        row, line = place % len(labels), lines[place // len(labels)]
        low, high = _reach([bar.cells[row] for line in lines for bar in line], error)
        _draw(each, line, row, tints, error, high)
        each.set_ylim(low, high)
        each.set_xlim(-1, longest)
        each.set_ylabel(fold(labels[row], 1.2 * scale, 8) if values else value_label(measure, 1.2 * scale))
        each.set_xticks(
            [bar.x for bar in line], labels=[fold(bar.head, 2.0, 7) for bar in line] if row == len(labels) - 1 else []
        )
        each.tick_params("x", length=0, labelrotation=90, labelsize=5.5 if longest > 30 * scale else 7)
    only_heads = all(bar.head[:1].isdigit() for line in lines for bar in line)
    axes[-1].set_xlabel("head, as layer.head" if only_heads else "site; a head as layer.head")
    patches = [Patch(color=tints[name]) for name in groups.labels]
    axes[0].legend(patches, legend, loc="lower left", bbox_to_anchor=(0, 1), borderpad=0, ncols=columns)
    caption(figure, words)
    return figure


def _bars(measure: Measure, pair: tuple[Axis, Axis], values: Axis | None) -> list[Bar]:
    """Group by group, by the first value: the largest fall first, or the lowest score."""
    group_at, head_at = (measure.axes.index(axis) for axis in pair)
    labels = values.labels if values else ("",)
    cells = {
        (cell.labels[head_at], cell.labels[measure.axes.index(values)] if values else ""): cell
        for cell in measure.cells
    }
    owners = {cell.labels[head_at]: cell.labels[group_at] for cell in measure.cells}
    found = [
        Bar(group, bare(measure, pair[1], head), tuple(cells.get((head, label)) for label in labels))
        for head, group in owners.items()
    ]
    down = -1 if sum(bar.cells[0].value for bar in found if bar.cells[0]) >= 0 else 1
    return sorted(
        found, key=lambda bar: (pair[0].labels.index(bar.group), down * bar.cells[0].value if bar.cells[0] else 0.0)
    )


def _lines(bars: Sequence[Bar]) -> list[Line]:
    """Whole groups on a line while they fit, with a gap between them; a group that fits on no line is broken."""
    groups: dict[str, Line] = {}
    for bar in bars:
        groups.setdefault(bar.group, []).append(bar)
    parts = [group[start : start + MOST] for group in groups.values() for start in range(0, len(group), MOST)]
    lines: list[Line] = []
    for part in parts:
        first = lines[-1][-1].x + 2 if lines else 0
        if not lines or first + len(part) > MOST + 3:
            lines.append([])
            first = 0
        lines[-1] += [Bar(bar.group, bar.head, bar.cells, first + place) for place, bar in enumerate(part)]
    return lines


def _draw(axes: Axes, line: Line, row: int, tints: Mapping[str, Any], error: str, top: float) -> None:
    for bar in line:
        cell = bar.cells[row]
        if cell is None or isnan(cell.value):
            continue
        finite = isfinite(cell.value)
        axes.bar(
            bar.x,
            cell.value if finite else top,
            0.8,
            color=tints[bar.group],
            linewidth=0,
            alpha=1.0 if finite else 0.35,
        )
        if not finite:
            axes.text(bar.x, top, "∞", ha="center", va="bottom", fontsize=7, color=tints[bar.group])
        below, above = error_of(cell, error) if finite else (0.0, 0.0)
        if cell.value == below == above == 0:
            nought(axes, bar.x, tints[bar.group])
        if below or above:
            axes.errorbar(bar.x, cell.value, [[below], [above]], fmt="none", ecolor="#222222", elinewidth=0.6)
    axes.axhline(0, color="black", linewidth=0.7)
    axes.grid(axis="y")


def _reach(cells: Sequence[Cell | None], error: str) -> tuple[float, float]:
    found = [(cell, error_of(cell, error)) for cell in cells if cell is not None and isfinite(cell.value)]
    low = min([0.0, *(cell.value - below for cell, (below, _) in found)])
    high = max([0.0, *(cell.value + above for cell, (_, above) in found)])
    room = 0.06 * (high - low or 1.0)
    return (low - room if low < 0 else 0.0, high + room if high > 0 or low == 0 else 0.0)


def _beyond(measure: Measure) -> str:
    """What stands where a value is no number that can be drawn."""
    infinite = " ∞: nothing is left without this head." if any(isinf(cell.value) for cell in measure.cells) else ""
    return infinite + (
        " No ratio where nothing was left before." if any(isnan(cell.value) for cell in measure.cells) else ""
    )
