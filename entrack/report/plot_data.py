"""Data of a plot: which axis of a measure becomes the x axis, which the colours and which the panels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import product

from attrs import evolve

from entrack.frozen import frozen
from entrack.report.lookup import free_axes
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
    x, colour = _x_axis(measure, free, by, coloured), None if coloured is None else named(measure, coloured)
    left = [axis for axis in free if axis.name not in (x.name, colour.name if colour else None)]
    if colour is None and left:
        colour = left.pop()
    panels = (
        _panel(measure, x, colour, dict(zip((axis.name for axis in left), labels, strict=True)))
        for labels in product(*(axis.labels for axis in left))
    )
    return Arrangement(x, colour, tuple(panel for panel in panels if panel.series))


def parted(measure: Measure, options: Mapping[str, str]) -> tuple[Measure, Mapping[str, str]]:
    """An axis of labels that differ in two words, every first with every second, as two axes: what is patched, and from
    where.

    `patch cir.a from base`, `patch cir.b from base`, `patch cir.a from tuned`, ... are axes of a, b and of base, tuned.
    With options that name the axis these name the first; what names both `by` and `coloured` is left as it is.
    """
    for at, axis in enumerate(measure.axes):
        split = _two_words(axis)
        if split is not None and len(free_axes(measure)) < 3 and not {"by", "coloured"} <= options.keys():
            first, second, words = split
            cells = tuple(
                evolve(cell, labels=(*cell.labels[:at], *words[cell.labels[at]], *cell.labels[at + 1 :]))
                for cell in measure.cells
            )
            made = evolve(measure, axes=(*measure.axes[:at], first, second, *measure.axes[at + 1 :]), cells=cells)
            return made, {word: first.name if name == axis.name else name for word, name in options.items()}
    return measure, options


def numbers(axis: Axis) -> tuple[float, ...] | None:
    """The labels as numbers, where all are one number in the same words: `12`, `k = 12`, `12..`. A token is no
    number."""
    if axis.tokens:
        return None
    split = [re.fullmatch(r"([^\d.-]*)(-?\d+(?:\.\d+)?)(\D*)", label) for label in axis.labels]
    found = [match for match in split if match]
    if len(found) != len(split) or len({match.group(1, 3) for match in found}) != 1:
        return None
    values = tuple(float(match.group(2)) for match in found)
    return values if len(set(values)) == len(values) else None


def is_curve(measure: Measure) -> bool:
    """Whether there are several layers, or an axis of numbers that is long enough for curves; heads are no numbers."""
    return any(map(_along, free_axes(measure)))


def is_map(measure: Measure) -> bool:
    """Whether loops over layers, heads, positions or tokens cross."""
    return sum(bool(axis.over) for axis in free_axes(measure)) > 1


def _along(axis: Axis) -> bool:
    """Whether curves go along this axis."""
    if axis.over:
        return axis.over == "layers"
    return numbers(axis) is not None and len(axis.labels) >= FEWEST_NUMBERS


def label_of(measure: Measure, cell: Cell, axis: Axis) -> str:
    """The cell's label on this axis."""
    return cell.labels[measure.axes.index(axis)] if axis in measure.axes else ""


def _two_words(axis: Axis) -> tuple[Axis, Axis, dict[str, tuple[str, str]]] | None:
    pieces = [re.findall(r"\w+|\W", label) for label in axis.labels]
    if len(pieces) < 4 or len({len(each) for each in pieces}) > 1:
        return None
    differ = [place for place, each in enumerate(zip(*pieces, strict=True)) if len(set(each)) > 1]
    if len(differ) != 2:
        return None
    words = {label: (each[differ[0]], each[differ[1]]) for label, each in zip(axis.labels, pieces, strict=True)}
    firsts, seconds = (tuple(dict.fromkeys(pair[side] for pair in words.values())) for side in (0, 1))
    if len(firsts) * len(seconds) != len(words):
        return None
    before, between = "".join(pieces[0][: differ[0]]), "".join(pieces[0][differ[0] + 1 : differ[1]])
    if not re.search(r"\w", before) or not re.search(r"\w", between) or "(" in before + between:
        return None  # `only(a)`, `without(b)`: what an intervention is called, and what it is given, are no axes
    return Axis(f"{axis.name}: {before.strip()} …", firsts), Axis(f"{between.strip(' .,')} …", seconds), words


def _x_axis(measure: Measure, free: tuple[Axis, ...], by: str | None, coloured: str | None) -> Axis:
    if by is not None:
        return named(measure, by)
    open_axes = [axis for axis in free if axis.name != coloured] or list(free)
    return next(filter(_along, open_axes), open_axes[0])


def named(measure: Measure, name: str) -> Axis:
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
