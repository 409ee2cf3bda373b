"""Line plots of a measure along an axis of numbers (a layer, n), with an interval band for each label of another
axis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from entrack.report.measure_table import caption as measured
from entrack.report.plot_data import Arrangement, Panel, Series, arrange, numbers
from entrack.report.plots.error_bars import error_of, error_words, reach
from entrack.report.plots.fitting import fitted
from entrack.report.plots.frame import Size, framed, settled
from entrack.report.plots.labels import Key, key, label_sides, legend, names, shown, value_label
from entrack.report.plots.style import BETWEEN, LEFT, LINES, MARKS, colours
from entrack.report.plots.text import fold
from entrack.results import Measure


def curves(measure: Measure, title: str, options: Mapping[str, str], column: float | None = None) -> Figure:
    """Options: `by`, `coloured`, `error`. Where the x axis has names and no numbers, its labels stand side by side."""
    layout, error = arrange(measure, options.get("by"), options.get("coloured")), options.get("error", "interval")
    return fitted(lambda size: _drawn(measure, title, layout, error, size), column)


def _drawn(measure: Measure, title: str, layout: Arrangement, error: str, size: Size) -> Figure:
    across = max(1, min(len(layout.panels), 2))
    width = size.width(3.0 * across + (1.6 if layout.colour else 0.0))
    across = across if width > 4 else 1
    found = key(*shown(layout.colour), width, LEFT + across * 2.0) if layout.colour else None
    room = (width - LEFT - (found.across if found else 0.0)) / across - BETWEEN
    words = f"{measured(measure)}. {error_words(measure, error).replace('Error bars', 'Bands')}"
    frame = framed(title, words, len(layout.panels), width, across, sharey=True)
    for each, panel in zip(frame.axes, layout.panels, strict=True):
        panel_of_curves(each, panel, layout, error, room)
        each.set_ylim(*reach(measure, error))
    tall = 1.8 * size.taller
    label_sides(frame.axes, across, shown(layout.x)[1], value_label(measure, tall), room)
    if found:
        legend(frame, lines(found), found, handlelength=3.2)
    return settled(frame, lambda room: tall)


def panel_of_curves(axes: Axes, panel: Panel, layout: Arrangement, error: str, room: float) -> None:
    """Draw the curves of one panel, `room` inches wide."""
    values = numbers(layout.x)
    places = values or tuple(float(place) for place in range(len(layout.x.labels)))
    for place, (series, colour) in enumerate(zip(panel.series, colours(len(panel.series)), strict=True)):
        _curve(axes, series, places, error, place, colour)
    axes.grid(axis="y")
    axes.set_title(fold(panel.title, room, 8), loc="left")
    if values is None:
        names(axes, layout.x, room)
    elif all(value == int(value) for value in values):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10], min_n_ticks=1))


def lines(found: Key) -> list[Line2D]:
    """What a legend of curves shows."""
    return [
        Line2D(
            [], [], color=colour, linestyle=LINES[place % len(LINES)], marker=MARKS[place % len(MARKS)], markersize=3.5
        )
        for place, colour in enumerate(colours(len(found.labels)))
    ]


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
