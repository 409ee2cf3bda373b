"""Series: how the axes of a measure become the x axis, the colours and the panels of a figure."""

from __future__ import annotations

import re
from itertools import product

from attrs import frozen

from entrack.report.pick import free_axes
from entrack.results import Axis, Cell, Measure

FEWEST_NUMBERS = 5
"""Labels that an axis of numbers needs before a curve says more than bars."""


@frozen
class Series:
    """The cells of one colour, by the place of their label on the x axis. A cell that was not measured is not there."""

    label: str
    points: tuple[tuple[int, Cell], ...]


@frozen
class Panel:
    title: str
    series: tuple[Series, ...]


@frozen
class Arrangement:
    """Panels that share an x axis and colours. `colour` is None where there is one series a panel."""

    x: Axis
    colour: Axis | None
    panels: tuple[Panel, ...]


def arrange(measure: Measure, by: str | None = None, coloured: str | None = None) -> Arrangement:
    """`by` names the x axis, `coloured` the colours; the rest makes panels. Raises ValueError for an unknown axis."""
    free = free_axes(measure) or measure.axes or (Axis("", ("",)),)
    x, colour = _x_axis(measure, free, by, coloured), None if coloured is None else _named(measure, coloured)
    left = [axis for axis in free if axis.name not in (x.name, colour.name if colour else None)]
    if colour is None and left:
        colour = left.pop()
    panels = (_panel(measure, x, colour, dict(zip((axis.name for axis in left), labels, strict=True)))
              for labels in product(*(axis.labels for axis in left)))  # fmt: skip
    return Arrangement(x, colour, tuple(panel for panel in panels if panel.series))


def numbers(axis: Axis) -> tuple[float, ...] | None:
    """The labels as numbers, where all are one number in the same words: `12`, `k = 12`, `12..`."""
    split = [re.fullmatch(r"([^\d.-]*)(-?\d+(?:\.\d+)?)(\D*)", label) for label in axis.labels]
    found = [match for match in split if match]
    if len(found) != len(split) or len({match.group(1, 3) for match in found}) != 1:
        return None
    values = tuple(float(match.group(2)) for match in found)
    return values if len(set(values)) == len(values) else None


def is_curve(measure: Measure) -> bool:
    """Whether the first axis of numbers is long enough for curves."""
    return any(numbers(axis) and len(axis.labels) >= FEWEST_NUMBERS for axis in free_axes(measure))


def label_of(measure: Measure, cell: Cell, axis: Axis) -> str:
    """The cell's label on this axis."""
    return cell.labels[measure.axes.index(axis)] if axis in measure.axes else ""


def _x_axis(measure: Measure, free: tuple[Axis, ...], by: str | None, coloured: str | None) -> Axis:
    if by is not None:
        return _named(measure, by)
    open_axes = [axis for axis in free if axis.name != coloured] or list(free)
    numeric = [axis for axis in open_axes if numbers(axis) and len(axis.labels) >= FEWEST_NUMBERS]
    return (numeric or open_axes)[0]


def _named(measure: Measure, name: str) -> Axis:
    for axis in measure.axes:
        if axis.name == name:
            return axis
    known = ", ".join(axis.name for axis in measure.axes) or "none"
    raise ValueError(f"{measure.name} has no axis {name!r}; its axes: {known}")


def _panel(measure: Measure, x: Axis, colour: Axis | None, fixed: dict[str, str]) -> Panel:
    names = [axis.name for axis in measure.axes]
    cells = [cell for cell in measure.cells if fixed.items() <= dict(zip(names, cell.labels, strict=True)).items()]
    series = []
    for label in colour.labels if colour else ("",):
        mine = [cell for cell in cells if colour is None or label_of(measure, cell, colour) == label]
        points = sorted(
            ((x.labels.index(label_of(measure, cell, x)), cell) for cell in mine), key=lambda point: point[0]
        )
        series.append(Series(label, tuple(points)))
    return Panel(", ".join(fixed.values()), tuple(series) if any(each.points for each in series) else ())
