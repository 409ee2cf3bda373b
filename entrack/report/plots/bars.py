"""Grouped bar charts of a measure, with error bars: one axis along x, one as colours, the others as panels."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from entrack.report.measure_table import caption as measured
from entrack.report.plot_data import Arrangement, Panel, arrange, parted
from entrack.report.plots.error_bars import error_bars, error_of, error_words, reach
from entrack.report.plots.fitting import fitted
from entrack.report.plots.frame import Size, framed, settled
from entrack.report.plots.labels import Key, key, label_sides, legend, names, shown, value_label
from entrack.report.plots.style import BETWEEN, LEFT, colours, nought
from entrack.report.plots.text import fold
from entrack.results import Measure


def bars(measure: Measure, title: str, options: Mapping[str, str], column: float | None = None) -> Figure:
    """Options: `by`, `coloured`, `error`. Raises ValueError for an axis that the measure does not have."""
    measure, options = parted(measure, options)
    layout, error = arrange(measure, options.get("by"), options.get("coloured")), options.get("error", "interval")
    return fitted(lambda size: _drawn(measure, title, layout, error, size), column)


def _drawn(measure: Measure, title: str, layout: Arrangement, error: str, size: Size) -> Figure:
    count = len(layout.x.labels) * (len(layout.colour.labels) if layout.colour else 1)
    across = _across(len(layout.panels), count)
    longest = max(len(label) for label in shown(layout.x)[0])
    wanted = max(across * (1.2 + 0.3 * count), 1.0 + 0.05 * longest * len(layout.x.labels))
    width = size.width(wanted + (1.4 if layout.colour else 0.0))
    found = key(*shown(layout.colour), width, LEFT + across * max(1.5, 0.13 * count)) if layout.colour else None
    beside = found.across if found else 0.0
    across = max(1, min(across, int((width - LEFT - beside) / max(1.2, 0.1 * count))))
    room = (width - LEFT - beside) / across - BETWEEN
    words = f"{measured(measure)}. {error_words(measure, error)}"
    frame = framed(title, words, len(layout.panels), width, across, sharey=True)
    low, high = reach(measure, error)
    for each, panel in zip(frame.axes, layout.panels, strict=True):
        each.set_ylim(low, high)
        panel_of_bars(each, panel, layout, error, room)
        names(each, layout.x, room)
    tall = 1.5 * size.taller
    label_sides(frame.axes, across, shown(layout.x)[1], value_label(measure, tall), room)
    if found:
        legend(frame, patches(found), found, handlelength=1.2)
    return settled(frame, lambda room: tall)


def patches(found: Key) -> list[Patch]:
    """What a legend of colours shows."""
    return [Patch(color=colour) for colour in colours(len(found.labels))]


def _across(count: int, bars: int) -> int:
    """Panels side by side: all of a few, else two; three or wide ones one below the other."""
    if count * bars <= 24 and count < 5:
        return max(1, count)
    return 1 if bars > 36 or count == 3 else min(2, count)


def panel_of_bars(axes: Axes, panel: Panel, layout: Arrangement, error: str, room: float) -> None:
    """Draw the bars of one panel, `room` inches wide."""
    count = len(panel.series)
    wide = 0.8 / count
    roomy = wide > 0.1 and len(layout.x.labels) < 30
    line, cap = (0.8, 2.0) if roomy else (0.5, 0.0)
    for place, (series, colour) in enumerate(zip(panel.series, colours(count), strict=True)):
        middles = [x - 0.4 + (place + 0.5) * wide for x, _ in series.points]
        cells = [cell for _, cell in series.points]
        axes.bar(middles, [cell.value for cell in cells], wide * 0.92, color=colour, linewidth=0)
        ends = [error_of(cell, error) for cell in cells]
        for middle, cell, (_, above) in zip(middles, cells, ends, strict=True):
            if cell.value == 0 and above < 0.01 * (axes.get_ylim()[1] - axes.get_ylim()[0]):
                nought(axes, middle, colour)
        barred = [(x, cell.value, *end) for x, cell, end in zip(middles, cells, ends, strict=True) if any(end)]
        error_bars(axes, barred, elinewidth=line, capsize=cap)
    axes.axhline(0, color="black", linewidth=0.7)
    axes.grid(axis="y")
    axes.set_xlim(-0.6, len(layout.x.labels) - 0.4)
    axes.set_title(fold(panel.title, room, 8), loc="left")
