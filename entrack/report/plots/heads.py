"""Bar charts with one bar per head, grouped by group: the fall in accuracy without the head, or the head's score.

Heads belong to one group each, so the axes are not crossed: a line of bars holds as many groups as fit. Several values
of a head (a fall, and the fall as a ratio) stand one above the other, on scales of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite, isinf, isnan
from typing import Any

from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from entrack.frozen import frozen
from entrack.report.lookup import bare, free_axes, nested
from entrack.report.measure_table import caption as measured
from entrack.report.plots.bars import patches
from entrack.report.plots.error_bars import error_bars, error_of, error_words
from entrack.report.plots.fitting import fitted
from entrack.report.plots.frame import Size, framed, settled
from entrack.report.plots.labels import key, legend, shown, value_label
from entrack.report.plots.style import LEFT, colours, nought
from entrack.report.plots.text import fold
from entrack.results import Axis, Cell, Measure

NARROW, ROOMY = 0.107, 0.13
"""Inches from bar to bar at least, and from which on labels need not be small."""


@frozen
class Bar:
    """A head in its group, with a cell for each value. `x` is its place on its line."""

    group: str
    head: str
    cells: tuple[Cell | None, ...]
    x: int = 0


Line = list[Bar]


def head_bars(measure: Measure, title: str, options: Mapping[str, str], column: float | None = None) -> Figure:
    """Options: `error`. The measure's heads are nested in its groups; the largest of each group come first."""
    pair = nested(measure)
    assert pair is not None  # whoever asks has looked
    return fitted(lambda size: _drawn(measure, title, pair, options.get("error", "interval"), size), column)


def _drawn(measure: Measure, title: str, pair: tuple[Axis, Axis], error: str, size: Size) -> Figure:
    groups, values, bars = bars_of(measure, pair)
    labels = values.labels if values else ("",)
    width = size.width(LEFT + 0.15 * (len(bars) + len(groups.labels)))
    lines = lines_of(bars, int((width - LEFT - 0.2) / NARROW))
    longest = max(line[-1].x for line in lines) + 1
    found = key(shown(groups)[0], "", width, width)
    words = f"{measured(measure)}. {error_words(measure, error)}{_beyond(measure)}"
    frame = framed(title, words, len(lines) * len(labels), width, 1)
    tall = 1.1 * size.taller
    for place, each in enumerate(frame.axes):
        row, line = place % len(labels), lines[place // len(labels)]
        panel_of_heads(each, bars, line, row, groups, error, named=row == len(labels) - 1)
        each.set_xlim(-1, longest)
        each.set_ylabel(fold(labels[row], tall, 8) if values else value_label(measure, tall))
        each.tick_params("x", labelsize=6 if (width - LEFT) / (longest + 1) < ROOMY else 7)
    frame.axes[-1].set_xlabel(what_heads(bars))
    legend(frame, patches(found), found, handlelength=1.2)
    return settled(frame, lambda room: tall)


def panel_of_heads(
    axes: Axes, bars: Sequence[Bar], line: Line, row: int, groups: Axis, error: str, *, named: bool
) -> None:
    """Draw a line of bars of one value into axes; `named`: with their heads below."""
    tints = dict(zip(groups.labels, colours(len(groups.labels)), strict=True))
    low, high = _reach([bar.cells[row] for bar in bars], error)
    _draw(axes, line, row, tints, error, high)
    axes.set_ylim(low, high)
    axes.set_xlim(-1, line[-1].x + 1)
    axes.set_xticks([bar.x for bar in line], labels=[fold(bar.head, 2.0, 7) for bar in line] if named else [])
    axes.tick_params("x", length=0, labelrotation=90)


def what_heads(bars: Sequence[Bar]) -> str:
    """What stands under the bars."""
    only_heads = all(bar.head[:1].isdigit() for bar in bars)
    return "head, as layer.head" if only_heads else "site; a head as layer.head"


def bars_of(measure: Measure, pair: tuple[Axis, Axis]) -> tuple[Axis, Axis | None, list[Bar]]:
    """The groups, the axis of values where there are several, and a bar for each head."""
    values = next((axis for axis in free_axes(measure) if axis not in pair), None)
    return pair[0], values, _bars(measure, pair, values)


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


def lines_of(bars: Sequence[Bar], most: int) -> list[Line]:
    """Whole groups on a line while they fit, with a gap between them; a group that fits on no line is broken."""
    groups: dict[str, Line] = {}
    for bar in bars:
        groups.setdefault(bar.group, []).append(bar)
    parts = [group[start : start + most] for group in groups.values() for start in range(0, len(group), most)]
    lines: list[Line] = []
    for part in parts:
        first = lines[-1][-1].x + 2 if lines else 0
        if not lines or first + len(part) > most + 3:
            lines.append([])
            first = 0
        lines[-1] += [Bar(bar.group, bar.head, bar.cells, first + place) for place, bar in enumerate(part)]
    return lines


def _draw(axes: Axes, line: Line, row: int, tints: Mapping[str, Any], error: str, top: float) -> None:
    known = [(bar, cell) for bar in line if (cell := bar.cells[row]) is not None and not isnan(cell.value)]
    axes.bar(
        [bar.x for bar, _ in known],
        [cell.value if isfinite(cell.value) else top for _, cell in known],
        0.8,
        color=[to_rgba(tints[bar.group], 1.0 if isfinite(cell.value) else 0.35) for bar, cell in known],
        linewidth=0,
    )
    ends = [(bar, cell, error_of(cell, error)) for bar, cell in known if isfinite(cell.value)]
    for bar, cell in known:
        if not isfinite(cell.value):
            axes.text(bar.x, top, "∞", ha="center", va="bottom", fontsize=7, color=tints[bar.group])
    for bar, cell, (below, above) in ends:
        if cell.value == below == above == 0:
            nought(axes, bar.x, tints[bar.group])
    barred = [(bar.x, cell.value, *end) for bar, cell, end in ends if any(end)]
    error_bars(axes, barred, elinewidth=0.6, capsize=0.0)
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
