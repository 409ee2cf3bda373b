"""Scatter plot of one label of an axis against its other labels, one point per combination of the remaining axes.

The dashed diagonal is where both are equal: for completeness, circuit and model fall together on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure

from entrack.report.format import told_apart
from entrack.report.lookup import free_axes
from entrack.report.measure_table import caption as measured
from entrack.report.plot_data import label_of
from entrack.report.plots.error_bars import crossed, error_of, error_words
from entrack.report.plots.fitting import fitted
from entrack.report.plots.frame import Size, framed, settled
from entrack.report.plots.labels import LEGEND, key, legend
from entrack.report.plots.style import LEFT, MARKS, colours
from entrack.report.plots.text import fold, height, inches
from entrack.results import Axis, Cell, Measure

MOST_NAMED = 12
"""Points up to which each carries its name."""
POINT = 6.5
"""Points of these names."""
Pair = tuple[str, Cell, Cell]


def scatter(measure: Measure, title: str, options: Mapping[str, str], column: float | None = None) -> Figure:
    """Options: `by`, the axis whose first label is x; `error`. Raises ValueError where no axis has two labels."""
    axis, pairs = sides_of(measure, options.get("by"))
    return fitted(lambda size: _drawn(measure, title, axis, pairs, options.get("error", "interval"), size), column)


def _drawn(measure: Measure, title: str, axis: Axis, pairs: Mapping[str, list[Pair]], error: str, size: Size) -> Figure:
    labels = told_apart(axis.labels)[1:]
    beside = key(labels, axis.name, 100, 0).across if len(labels) > 1 else 0.0
    width = size.width(min(6.0, 4.0 + beside))
    found = key(labels, axis.name, width, LEFT + 2.6)
    frame = framed(title, f"{measured(measure)}. Dashed: equal. {error_words(measure, error)}", 1, width, 1)
    widest = 3.6 * size.taller
    room = min(widest, width - LEFT - (found.across if len(labels) > 1 else 0.0))
    handles = points(frame.axes[0], measure, axis, pairs, error, room)
    if len(labels) > 1:
        legend(frame, handles, found, handlelength=1.2)
    return settled(frame, lambda room: room, widest)


def points(
    axes: Axes, measure: Measure, axis: Axis, pairs: Mapping[str, list[Pair]], error: str, room: float
) -> list[PathCollection]:
    """Draw the points into axes that are so many inches wide and high, for each label a kind, and return them."""
    first, *others = told_apart(axis.labels)
    low, high = _limits(pairs, error)
    axes.plot([low, high], [low, high], color="#777777", linestyle="--", linewidth=0.8)
    handles = [
        _points(axes, found, error, colour, MARKS[place % len(MARKS)])
        for place, (found, colour) in enumerate(zip(pairs.values(), colours(len(pairs)), strict=True))
    ]
    _name([pair for each in pairs.values() for pair in each], axes, (low, high), room)
    axes.set(xlim=(low, high), ylim=(low, high))
    axes.set_xlabel(fold(f"{measure.metric}, {first}", room, 8))
    axes.set_ylabel(fold(f"{measure.metric}, {others[0] if len(others) == 1 else axis.name}", room, 8))
    return handles


def sides_of(measure: Measure, by: str | None) -> tuple[Axis, dict[str, list[Pair]]]:
    """The axis whose labels are held against each other, and the points for each but its first. Raises ValueError."""
    axis = _axis(measure, by)
    return axis, {label: _pairs(measure, axis, axis.labels[0], label) for label in axis.labels[1:]}


def _axis(measure: Measure, by: str | None) -> Axis:
    axes = [axis for axis in free_axes(measure) if by in (None, axis.name)]
    if not axes:
        called = "axis" if by is None else f"axis {by}"
        raise ValueError(f"{measure.name} has no {called} with two labels or more to hold against each other")
    return next((axis for axis in axes if len(axis.labels) == 2), axes[0])


def _pairs(measure: Measure, axis: Axis, first: str, second: str) -> list[Pair]:
    """What carries `first` beside what carries `second` and is otherwise the same, with its name."""
    place = measure.axes.index(axis)
    free = [measure.axes.index(each) for each in free_axes(measure) if each != axis]
    rest = {
        (cell.labels[:place], cell.labels[place + 1 :]): cell
        for cell in measure.cells
        if label_of(measure, cell, axis) == second
    }
    return [
        (", ".join(cell.labels[each] for each in free), cell, rest[key])
        for cell in measure.cells
        if cell.labels[place] == first and (key := (cell.labels[:place], cell.labels[place + 1 :])) in rest
    ]


def _points(axes: Axes, pairs: list[Pair], error: str, colour: Any, mark: str) -> PathCollection:
    xs, ys = [x.value for _, x, _ in pairs], [y.value for _, _, y in pairs]
    points = axes.scatter(xs, ys, s=16, color=colour, marker=mark, zorder=3, linewidths=0)
    for _, x, y in pairs:
        crossed(axes, x, y, error, ecolor=colour, elinewidth=0.5, alpha=0.6)
    return points


def _name(pairs: list[Pair], axes: Axes, ends: tuple[float, float], room: float) -> None:
    """Names beside points, where they are few, on the side with more room; a name that would stand on another moves
    up, `room` inches being the whole."""
    placed: list[tuple[float, float, float, float]] = []
    inch = (ends[1] - ends[0]) / room
    for name, x, y in sorted(pairs, key=lambda pair: pair[2].value) if len(pairs) <= MOST_NAMED else []:
        over = x.value > sum(ends) / 2
        space = max(0.4, ((x.value - ends[0]) if over else (ends[1] - x.value)) / inch - 0.1)
        words = fold(name, min(space, LEGEND), POINT)
        wide, tall = inches(words, POINT) * inch, height(words, POINT) * inch
        left, low = x.value + (-0.05 * inch - wide if over else 0.05 * inch), y.value
        while any(
            left < right and start < left + wide and low < top and foot < low + tall
            for start, foot, right, top in placed
        ):
            low += 0.03 * inch
        placed.append((left, low, left + wide, low + tall))
        axes.text(left, low, words, fontsize=POINT, color="#333333", va="bottom")


def _limits(pairs: Mapping[str, list[Pair]], error: str) -> tuple[float, float]:
    ends = [
        cell.value + sign * error_of(cell, error)[sign > 0]
        for each in pairs.values()
        for _, x, y in each
        for cell in (x, y)
        for sign in (-1, 1)
    ]
    finite = [end for end in ends if isfinite(end)] or [0.0, 1.0]
    room = 0.06 * (max(finite) - min(finite) or 1.0)
    return min(finite) - room, max(finite) + room
