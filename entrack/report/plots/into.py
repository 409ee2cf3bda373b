"""Figures drawn into axes that a caller gives, one for each panel. Raises ValueError where these are not as many."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any, TypeVar

import matplotlib
from matplotlib.axes import Axes
from matplotlib.text import Text

from entrack.report.format import change_in
from entrack.report.lookup import fits_completeness, kept_scores, nested
from entrack.report.plot_data import Arrangement, Panel, arrange, parted
from entrack.report.plots.bars import panel_of_bars, patches
from entrack.report.plots.completeness import legend_of, pairs_of, points_of_completeness
from entrack.report.plots.curves import lines, panel_of_curves
from entrack.report.plots.diagram import scaled_diagram
from entrack.report.plots.error_bars import reach
from entrack.report.plots.heads import bars_of, lines_of, panel_of_heads, what_heads
from entrack.report.plots.heatmap import axes_of, colour_bar, grid, label_rows, panel_of_values, row_labels
from entrack.report.plots.labels import Key, key, names, shown, value_label
from entrack.report.plots.scatter import points, sides_of
from entrack.report.plots.score_map import panel_of_scores, unit_of
from entrack.report.plots.site_map import Sides, chosen_of, mark_baseline, over_sites, panel_of_sites
from entrack.report.plots.text import fold
from entrack.results import Discovery, Figure, Measure

Given = tuple[Axes, ...]
Each = TypeVar("Each")
IN_AXES: Any = {"fontsize": "small", "title_fontsize": "small", "framealpha": 0.85, "alignment": "left"}
"""The looks of a legend that stands over what is drawn."""
PLAIN: Any = {"text.parse_math": False, "text.usetex": False}


def into(figure: Figure, item: Measure | Discovery, given: Given) -> Given:
    """Draw a figure of a result into these axes. matplotlib's settings are as before."""
    with matplotlib.rc_context(PLAIN):
        _draw(figure, item, given)
        for text in (text for axes in given for text in axes.findobj(Text)):
            assert isinstance(text, Text)
            text.set_parse_math(False)
            text.set_usetex(False)
    return given


def _draw(figure: Figure, item: Measure | Discovery, given: Given) -> None:
    match figure.kind, item:
        case "diagram", Discovery():
            scaled_diagram(_one(given), item, *_size(given[0]))
        case "heatmap", Discovery():
            for axes, group in _each(given, item.groups, "group"):
                panel_of_scores(axes, group, unit_of(change_in(item.score), _size(axes)[1]), _size(axes)[0])
        case "bars", Discovery():
            _heads(figure, kept_scores(item), given)
        case "bars", Measure():
            (_bars if nested(item) is None else _heads)(figure, item, given)
        case "curves", Measure() if nested(item) is None:
            _curves(figure, item, given)
        case "heatmap", Measure() if nested(item) is None:
            (_sites if over_sites(item) else _values)(figure, item, given)
        case "scatter", Measure():
            (_completeness if fits_completeness(item) else _scatter)(figure, item, given)
        case _:
            raise ValueError(f"{item.name} cannot be drawn as {figure.kind!r}")


# --- bars and curves ---------------------------------------------------------------------------------------------


def _bars(figure: Figure, measure: Measure, given: Given) -> None:
    measure, options = parted(measure, figure.options)
    layout = arrange(measure, options.get("by"), options.get("coloured"))

    def draw(axes: Axes, panel: Panel, error: str) -> None:
        panel_of_bars(axes, panel, layout, error, _size(axes)[0])
        names(axes, layout.x, _size(axes)[0])

    _panels(figure, measure, layout, given, draw, patches)


def _curves(figure: Figure, measure: Measure, given: Given) -> None:
    layout = arrange(measure, figure.options.get("by"), figure.options.get("coloured"))

    def draw(axes: Axes, panel: Panel, error: str) -> None:
        panel_of_curves(axes, panel, layout, error, _size(axes)[0])

    _panels(figure, measure, layout, given, draw, lines)


def _panels(
    figure: Figure,
    measure: Measure,
    layout: Arrangement,
    given: Given,
    draw: Callable[[Axes, Panel, str], None],
    handles: Callable[[Key], Any],
) -> None:
    """A panel into each of the axes, on one scale, with a legend in the last."""
    error = figure.options.get("error", "interval")
    for axes, panel in _each(given, layout.panels, "panel"):
        axes.set_ylim(*reach(measure, error))
        draw(axes, panel, error)
        _named(axes, shown(layout.x)[1], value_label(measure, _size(axes)[1]))
    if layout.colour is not None:
        found = key(*shown(layout.colour), 100.0, 0.0)
        given[-1].legend(handles(found), found.labels, title=found.name, **IN_AXES)


def _heads(figure: Figure, measure: Measure, given: Given) -> None:
    pair = nested(measure)
    assert pair is not None  # whoever asks has looked
    groups, values, bars = bars_of(measure, pair)
    labels = values.labels if values else ("",)
    (line,) = lines_of(bars, 2 * len(bars) + len(groups.labels))
    for row, (axes, label) in enumerate(_each(given, labels, "value")):
        panel_of_heads(axes, bars, line, row, groups, figure.options.get("error", "interval"), named=True)
        _named(axes, what_heads(bars), fold(label, _size(axes)[1], 8) or value_label(measure, _size(axes)[1]))
    found = key(shown(groups)[0], "", 100.0, 0.0)
    given[0].legend(patches(found), found.labels, **IN_AXES)


# --- maps --------------------------------------------------------------------------------------------------------


def _values(figure: Figure, measure: Measure, given: Given) -> None:
    rows, columns, others = axes_of(measure, figure.options.get("by"))
    parts = tuple(product(*(axis.labels for axis in others)))
    for axes, part in _each(given, parts, "panel"):
        wide, tall = _size(axes)
        cells = grid(measure, rows, columns, dict(zip(others, part, strict=True)))
        mesh = panel_of_values(axes, cells, measure, wide, len(columns.labels))
        names(axes, columns, wide, 0.5)
        label_rows(axes, row_labels(rows, 2 * wide))
        axes.invert_yaxis()
        axes.set_title(fold(", ".join(part), wide, 8), loc="left")
        _named(axes, shown(columns)[1], fold(shown(rows)[1], tall, 8))
    colour_bar(axes.figure.colorbar(mesh, cax=axes.inset_axes((1.03, 0, 0.04, 1))), value_label(measure, tall))


def _sites(figure: Figure, measure: Measure, given: Given) -> None:
    chosen = chosen_of(measure, figure.options.get("by"))
    for axes, part in _each(given, chosen.parts, "panel"):
        wide, tall = _size(axes)
        cells = grid(chosen.measure, chosen.rows, chosen.columns, dict(zip(chosen.others, part, strict=True)))
        sides = Sides(wide, wide / len(chosen.columns.labels), tall / len(chosen.rows.labels), 1)
        panel_of_sites(axes, cells, chosen, sides, columns_named=True, rows_named=True)
        axes.set_title(fold(", ".join(part), wide, 8), loc="left")
        _named(axes, shown(chosen.columns)[1], fold(shown(chosen.rows)[1], tall, 8))
    bar = axes.figure.colorbar(axes.collections[0], cax=axes.inset_axes((1.03, 0, 0.04, 1)))
    mark_baseline(bar, chosen, value_label(measure, tall))


# --- points ------------------------------------------------------------------------------------------------------


def _completeness(figure: Figure, measure: Measure, given: Given) -> None:
    axes, pairs = _one(given), pairs_of(measure)
    handles = points_of_completeness(axes, measure, pairs, figure.options.get("error", "interval"), min(*_size(axes)))
    found = key(*legend_of(measure, pairs), 100.0, 0.0)
    axes.legend(handles, found.labels, title=found.name, **IN_AXES)


def _scatter(figure: Figure, measure: Measure, given: Given) -> None:
    axes = _one(given)
    axis, pairs = sides_of(measure, figure.options.get("by"))
    handles = points(axes, measure, axis, pairs, figure.options.get("error", "interval"), min(*_size(axes)))
    if len(pairs) > 1:
        found = key(tuple(pairs), axis.name, 100.0, 0.0)
        axes.legend(handles, found.labels, title=found.name, **IN_AXES)


def _one(given: Given) -> Axes:
    (axes,) = (each for each, _ in _each(given, ("",), "panel"))
    return axes


def _each(given: Given, parts: tuple[Each, ...], what: str) -> list[tuple[Axes, Each]]:
    """The axes with what goes into each. Raises ValueError where these are not as many."""
    if len(given) != len(parts):
        many = f"{len(parts)} {what}{'s' * (len(parts) != 1)}"
        raise ValueError(f"this is drawn as {many}, one in each axes, and {len(given)} axes are given")
    return list(zip(given, parts, strict=True))


def _size(axes: Axes) -> tuple[float, float]:
    """Inches of axes: across and down."""
    box, dpi = axes.get_window_extent(), axes.figure.dpi
    return max(0.5, box.width / dpi), max(0.5, box.height / dpi)


def _named(axes: Axes, x: str, y: str) -> None:
    axes.set_xlabel(x)
    axes.set_ylabel(y)
