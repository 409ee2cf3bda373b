"""Line plots of a measure along an axis of numbers (a layer, n), with an interval band for each label of another
axis."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from entrack.report.measure_table import caption as measured
from entrack.report.plot_data import Arrangement, Panel, Series, arrange, numbers
from entrack.report.plots.error_bars import error_of, error_words, reach
from entrack.report.plots.fitting import fitted
from entrack.report.plots.labels import depth, label_sides, legend_size, legend_words, names, shown, value_label
from entrack.report.plots.style import BESIDE, BETWEEN, LEFT, LINES, MARKS, WIDTH, around, caption, colours, panels
from entrack.report.plots.text import fold, height
from entrack.results import Measure


def curves(measure: Measure, title: str, options: Mapping[str, str]) -> Figure:
    """Options: `by`, `coloured`, `error`. Where the x axis has names and no numbers, its labels stand side by side."""
    layout, error = arrange(measure, options.get("by"), options.get("coloured")), options.get("error", "interval")
    return fitted(lambda scale: _drawn(measure, title, layout, error, scale))


def _drawn(measure: Measure, title: str, layout: Arrangement, error: str, scale: float) -> Figure:
    across = max(1, min(len(layout.panels), 2))
    down = ceil(len(layout.panels) / across)
    beside, tall = legend_size(*legend_words(layout.colour)) if layout.colour else (0.0, 0.0)
    width = scale * max(WIDTH if layout.colour or across > 1 else 4.8, LEFT + beside + across * 1.5)
    room = (width - LEFT - beside) / across - BETWEEN
    values = numbers(layout.x)
    words = f"{measured(measure)}. {error_words(measure, error).replace('Error bars', 'Bands')}"
    titles = max(height(fold(panel.title, room, 8.5), 8.5) for panel in layout.panels)
    under = (0.15 if values else depth(layout.x, room)) + height(fold(shown(layout.x)[1], room, 8), 8)
    inside = down * (scale * (1.9 + titles) + under)
    figure, axes = panels(
        title, len(layout.panels), width, around(title, words, width) + max(inside, tall), across, sharey=True
    )
    for each, panel in zip(axes, layout.panels, strict=True):
        _panel(each, panel, values or tuple(float(place) for place in range(len(layout.x.labels))), error, room)
        if values is None:
            names(each, layout.x, room)
        elif all(value == int(value) for value in values):
            each.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10], min_n_ticks=1))
        each.set_ylim(*reach(measure, error))
    label_sides(axes, across, shown(layout.x)[1], value_label(measure, 1.9 * scale), room)
    _legend(figure, layout)
    caption(figure, words)
    return figure


def _panel(axes: Axes, panel: Panel, values: tuple[float, ...], error: str, room: float) -> None:
    for place, (series, colour) in enumerate(zip(panel.series, colours(len(panel.series)), strict=True)):
        _curve(axes, series, values, error, place, colour)
    axes.grid(axis="y")
    axes.set_title(fold(panel.title, room, 8.5), loc="left")


def _curve(axes: Axes, series: Series, values: tuple[float, ...], error: str, place: int, colour: Any) -> None:
    points = sorted(((values[x], cell) for x, cell in series.points), key=lambda point: point[0])
    xs, ys = [x for x, _ in points], [cell.value for _, cell in points]
    ends = [error_of(cell, error) for _, cell in points]
    axes.fill_between(
        xs,
        [y - below for y, (below, _) in zip(ys, ends, strict=True)],
        [y + above for y, (_, above) in zip(ys, ends, strict=True)],
        color=colour,
        alpha=0.18,
        linewidth=0,
    )
    axes.plot(xs, ys, color=colour, linestyle=LINES[place % len(LINES)], marker=MARKS[place % len(MARKS)], markersize=3)


def _legend(figure: Figure, layout: Arrangement) -> None:
    if layout.colour is None:
        return
    labels, name = legend_words(layout.colour)
    lines = [
        Line2D(
            [], [], color=colour, linestyle=LINES[place % len(LINES)], marker=MARKS[place % len(MARKS)], markersize=3.5
        )
        for place, colour in enumerate(colours(len(labels)))
    ]
    figure.legend(lines, labels, title=name, handlelength=4, **BESIDE)
