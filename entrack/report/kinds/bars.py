"""Bars: a measure as grouped bars with error bars; one axis along x, one as colours, the rest as panels."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from entrack.report.grids import caption as measured
from entrack.report.kinds.canvas import WIDTH, caption, colours, panels
from entrack.report.kinds.error import error_of, error_words, reach
from entrack.report.kinds.labels import label_sides, names, value_label
from entrack.report.series import Arrangement, Panel, arrange
from entrack.report.words import clip
from entrack.results import Measure


def bars(measure: Measure, title: str, options: Mapping[str, str]) -> Figure:
    """Options: `by`, `coloured`, `error`. Raises ValueError for an axis that the measure does not have."""
    layout, error = arrange(measure, options.get("by"), options.get("coloured")), options.get("error", "interval")
    count = len(layout.x.labels) * (len(layout.colour.labels) if layout.colour else 1)
    across = (
        len(layout.panels)
        if len(layout.panels) * count <= 24 and len(layout.panels) < 5
        else min(2, len(layout.panels))
    )
    across = 1 if count > 36 else max(1, across)
    down = ceil(len(layout.panels) / across)
    width = min(WIDTH, max(4.8 if layout.colour else 3.6, across * (1.2 + 0.3 * count)))
    figure, axes = panels(title, len(layout.panels), width, 2.0 * down + 1.1, across, sharey=True)
    low, high = reach(measure, error)
    for each, panel in zip(axes, layout.panels, strict=True):
        _panel(each, panel, layout, error)
        names(each, layout.x, width / across)
        each.set_ylim(low, high)
    label_sides(axes, across, clip(layout.x.name, 44), value_label(measure))
    _legend(figure, layout)
    caption(figure, f"{measured(measure)}. {error_words(measure, error)}")
    return figure


def _panel(axes: Axes, panel: Panel, layout: Arrangement, error: str) -> None:
    count = len(panel.series)
    wide = 0.8 / count
    for place, (series, colour) in enumerate(zip(panel.series, colours(count), strict=True)):
        for x, cell in series.points:
            middle = x - 0.4 + (place + 0.5) * wide
            axes.bar(middle, cell.value, wide * 0.92, color=colour, linewidth=0)
            below, above = error_of(cell, error)
            if below or above:
                axes.errorbar(
                    middle,
                    cell.value,
                    [[below], [above]],
                    fmt="none",
                    ecolor="#222222",
                    elinewidth=0.8 if wide > 0.1 and len(layout.x.labels) < 30 else 0.5,
                    capsize=2.0 if wide > 0.1 and len(layout.x.labels) < 30 else 0.0,
                )
    axes.axhline(0, color="black", linewidth=0.7)
    axes.grid(axis="y")
    axes.set_xlim(-0.6, len(layout.x.labels) - 0.4)
    axes.set_title(clip(panel.title, 44), loc="left")


def _legend(figure: Figure, layout: Arrangement) -> None:
    if layout.colour is None:
        return
    labels = [clip(label, 40) for label in layout.colour.labels]
    patches = [Patch(color=colour) for colour in colours(len(labels))]
    figure.legend(patches, labels, title=clip(layout.colour.name, 40), loc="outside right center", alignment="left")
