"""Error bars: their length, how the caption calls them, and y limits that include them."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

from matplotlib.axes import Axes

from entrack.report.format import spread
from entrack.results import Cell, Measure

KNOWN = ("interval", "sd", "none")


def error_of(cell: Cell, error: str) -> tuple[float, float]:
    """How far the error bar goes below and above the value. Raises ValueError for an unknown kind."""
    if error not in KNOWN:
        raise ValueError(f"error bars are {', '.join(KNOWN)}, not {error!r}")
    if error == "sd":
        return (cell.sd or 0.0, cell.sd or 0.0)
    if error == "none" or cell.interval is None or not isfinite(cell.interval.low + cell.interval.high):
        return (0.0, 0.0)
    return (max(0.0, cell.value - cell.interval.low), max(0.0, cell.interval.high - cell.value))


def error_bars(axes: Axes, ends: Sequence[tuple[float, float, float, float]], **style: Any) -> None:
    """Upright error bars, each at an x, from a value so far below and above."""
    if ends:
        xs, values, below, above = zip(*ends, strict=True)
        axes.errorbar(xs, values, [below, above], fmt="none", ecolor="#222222", **style)


def crossed(axes: Axes, x: Cell, y: Cell, error: str, **style: Any) -> None:
    """The error bars of a point at two values, along both axes."""
    (left, right), (below, above) = error_of(x, error), error_of(y, error)
    axes.errorbar(x.value, y.value, [[below], [above]], [[left], [right]], fmt="none", **style)


def error_words(measure: Measure, error: str) -> str:
    """What the error bars are, for a caption."""
    if error == "none" or (error == "interval" and not any(cell.interval for cell in measure.cells)):
        return ""
    if error == "sd":
        draws = [len(cell.draws) for cell in measure.cells if cell.draws]
        return f"Error bars: sd over {spread(draws)} draws." if draws else "Error bars: sd over draws."
    some = "" if all(cell.interval for cell in measure.cells) else ", where there is one"
    over = "draws" if any(cell.interval_of_these_draws for cell in measure.cells) else "prompts"
    return f"Error bars: 95 % interval over {over}{some}."


def reach(measure: Measure, error: str) -> tuple[float, float]:
    """Y limits: from 0, or below, to a little above the highest error bar; 1 is the top of shares that come near it."""
    ends = [end for cell in measure.cells for end in _ends(cell, error) if isfinite(end)]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    room = 0.06 * (high - low or 1.0)
    top = 1.0 if low >= 0 and 0.6 <= high <= 1 else high + room if high > 0 else 0.0
    return (low - room if low < 0 else 0.0, top)


def _ends(cell: Cell, error: str) -> tuple[float, float]:
    below, above = error_of(cell, error)
    return cell.value - below, cell.value + above
