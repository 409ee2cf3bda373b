"""Grouped bar charts of a measure, with error bars: one axis along x, one as colours, the others as panels."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from entrack.report.measure_table import caption as measured
from entrack.report.plot_data import Arrangement, Panel, arrange, parted
from entrack.report.plots.error_bars import error_of, error_words, reach
from entrack.report.plots.fitting import fitted
from entrack.report.plots.labels import depth, label_sides, legend_size, legend_words, names, shown, value_label
from entrack.report.plots.style import BESIDE, BETWEEN, LEFT, WIDTH, around, caption, colours, nought, panels
from entrack.report.plots.text import fold, height
from entrack.results import Measure


def bars(measure: Measure, title: str, options: Mapping[str, str]) -> Figure:
    """Options: `by`, `coloured`, `error`. Raises ValueError for an axis that the measure does not have."""
    measure, options = parted(measure, options)
    layout, error = arrange(measure, options.get("by"), options.get("coloured")), options.get("error", "interval")
    return fitted(lambda scale: _drawn(measure, title, layout, error, scale))


def _drawn(measure: Measure, title: str, layout: Arrangement, error: str, scale: float) -> Figure:
    count = len(layout.x.labels) * (len(layout.colour.labels) if layout.colour else 1)
    across = _across(len(layout.panels), count)
    down = ceil(len(layout.panels) / across)
    longest = max(len(label) for label in shown(layout.x)[0])
    beside, tall = legend_size(*legend_words(layout.colour)) if layout.colour else (0.0, 0.0)
    wanted = max(
        4.8 if layout.colour else 3.6, across * (1.2 + 0.3 * count), 1.0 + 0.05 * longest * len(layout.x.labels)
    )
    width = scale * max(min(WIDTH, wanted), LEFT + beside + across * 1.5)
    room = (width - LEFT - beside) / across - BETWEEN
    words = f"{measured(measure)}. {error_words(measure, error)}"
    titles = max(height(fold(panel.title, room, 8.5), 8.5) for panel in layout.panels)
    inside = scale * down * (1.6 + titles) + depth(layout.x, room) + height(fold(shown(layout.x)[1], room, 8), 8)
    figure, axes = panels(
        title, len(layout.panels), width, around(title, words, width) + max(inside, tall), across, sharey=True
    )
    low, high = reach(measure, error)
    for each, panel in zip(axes, layout.panels, strict=True):
        each.set_ylim(low, high)
        _panel(each, panel, layout, error, room)
        names(each, layout.x, room)
    label_sides(axes, across, shown(layout.x)[1], value_label(measure, 1.85 * scale), room)
    _legend(figure, layout)
    caption(figure, words)
    return figure


def _across(count: int, bars: int) -> int:
    """Panels side by side: all of a few, else two; three or wide ones one below the other."""
    if count * bars <= 24 and count < 5:
        return max(1, count)
    return 1 if bars > 36 or count == 3 else min(2, count)


def _panel(axes: Axes, panel: Panel, layout: Arrangement, error: str, room: float) -> None:
    count = len(panel.series)
    wide = 0.8 / count
    roomy = wide > 0.1 and len(layout.x.labels) < 30
    line, cap = (0.8, 2.0) if roomy else (0.5, 0.0)
    for place, (series, colour) in enumerate(zip(panel.series, colours(count), strict=True)):
        for x, cell in series.points:
            middle = x - 0.4 + (place + 0.5) * wide
            axes.bar(middle, cell.value, wide * 0.92, color=colour, linewidth=0)
            below, above = error_of(cell, error)
            if cell.value == 0 and above < 0.01 * (axes.get_ylim()[1] - axes.get_ylim()[0]):
                nought(axes, middle, colour)
            if below or above:
                ends = [[below], [above]]
                axes.errorbar(middle, cell.value, ends, fmt="none", ecolor="#222222", elinewidth=line, capsize=cap)
    axes.axhline(0, color="black", linewidth=0.7)
    axes.grid(axis="y")
    axes.set_xlim(-0.6, len(layout.x.labels) - 0.4)
    axes.set_title(fold(panel.title, room, 8.5), loc="left")


def _legend(figure: Figure, layout: Arrangement) -> None:
    if layout.colour is None:
        return
    labels, name = legend_words(layout.colour)
    patches = [Patch(color=colour) for colour in colours(len(labels))]
    figure.legend(patches, labels, title=name, **BESIDE)
