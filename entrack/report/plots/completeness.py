"""Scatter plot of a completeness: accuracy of the circuit against accuracy of the model, with the same heads removed.

A small point for each random set of removed heads, a large one for their mean and for each whole group. On the dashed
diagonal both fall alike: nothing outside the circuit does the work of what was removed.
"""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure

from entrack.report.lookup import fits_completeness
from entrack.report.measure_table import caption as measured
from entrack.report.plots.error_bars import crossed, error_of, error_words
from entrack.report.plots.fitting import fitted
from entrack.report.plots.frame import Size, framed, settled
from entrack.report.plots.labels import key, legend, shown
from entrack.report.plots.style import LEFT, MARKS, colours
from entrack.report.plots.text import fold
from entrack.results import Cell, Measure

Pair = tuple[str, Cell, Cell]
"""What was removed, the model's cell and the circuit's."""


def completeness(measure: Measure, title: str, options: Mapping[str, str], column: float | None = None) -> Figure:
    """Options: `error`, of the large points."""
    assert fits_completeness(measure)  # whoever asks has looked
    pairs = pairs_of(measure)
    return fitted(lambda size: _drawn(measure, title, pairs, options.get("error", "interval"), size), column)


def pairs_of(measure: Measure) -> list[Pair]:
    """What was removed, with both cells."""
    return [(label, measure.cell(label, "model"), measure.cell(label, "circuit")) for label in measure.axes[0].labels]


def _drawn(measure: Measure, title: str, pairs: list[Pair], error: str, size: Size) -> Figure:
    draws = max((len(model.draws) for _, model, _ in pairs), default=0)
    small = f" Small points: each of {draws} random sets; the large one is their mean." if draws else ""
    words = f"{measured(measure)}. Dashed: circuit and model fall alike.{small} {error_words(measure, error)}"
    legend_words = legend_of(measure, pairs)
    width = size.width(min(6.0, 4.0 + key(*legend_words, 100, 0).across))
    found = key(*legend_words, width, LEFT + 2.6)
    frame = framed(title, words, 1, width, 1)
    room = min(3.6 * size.taller, width - LEFT - found.across)
    handles = points_of_completeness(frame.axes[0], measure, pairs, error, room)
    legend(frame, handles, found, handlelength=1.2)
    return settled(frame, lambda room: room, 3.6 * size.taller)


def legend_of(measure: Measure, pairs: list[Pair]) -> tuple[list[str], str]:
    """The words of the legend, and what it is called."""
    labels = zip(shown(measure.axes[0])[0], pairs, strict=True)
    means = [f"{label}, mean of {len(model.draws)}" if model.draws else label for label, (_, model, _) in labels]
    return means, "heads removed"


def points_of_completeness(
    axes: Axes, measure: Measure, pairs: list[Pair], error: str, room: float
) -> list[PathCollection]:
    """Draw the points into axes that are so many inches wide and high. The large points, for a legend."""
    top = _top(pairs, error)
    axes.plot([0, top], [0, top], color="#777777", linestyle="--", linewidth=0.8, zorder=1)
    handles = []
    for place, (pair, colour) in enumerate(zip(pairs, colours(len(pairs)), strict=True)):
        _small(axes, pair, colour)
        handles.append(_large(axes, pair, colour, MARKS[place % len(MARKS)], error))
    axes.set(xlim=(-0.03 * top, top), ylim=(-0.03 * top, top))
    axes.set_xlabel(fold(f"{measure.metric} of the model without these heads", room, 8))
    axes.set_ylabel(fold(f"{measure.metric} of the circuit without these heads", room, 8))
    axes.grid()
    return handles


def _small(axes: Axes, pair: Pair, colour: str) -> None:
    _, model, circuit = pair
    axes.scatter(model.draws, circuit.draws, s=9, color=colour, alpha=0.45, linewidths=0, zorder=2, clip_on=False)


def _large(axes: Axes, pair: Pair, colour: str, mark: str, error: str) -> PathCollection:
    _, model, circuit = pair
    crossed(axes, model, circuit, error, ecolor=colour, elinewidth=0.8, alpha=0.7, zorder=2.5)
    return axes.scatter(
        model.value,
        circuit.value,
        s=42,
        color=colour,
        marker=mark,
        edgecolors="white",
        linewidths=0.6,
        zorder=3,
        clip_on=False,
    )


def _top(pairs: list[Pair], error: str) -> float:
    ends = [cell.value + error_of(cell, error)[1] for _, *cells in pairs for cell in cells]
    draws = [value for _, *cells in pairs for cell in cells for value in cell.draws]
    high = 1.06 * max([0.05, *ends, *draws])
    return high if high < 0.9 else max(1.0, min(high, 1.03))
