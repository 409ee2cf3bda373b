"""Scatter plot of a completeness: accuracy of the circuit against accuracy of the model, with the same heads removed.

A small point for each random set of removed heads, a large one for their mean and for each whole group. On the dashed
diagonal both fall alike: nothing outside the circuit does the work of what was removed.
"""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from entrack.report.lookup import fits_completeness
from entrack.report.measure_table import caption as measured
from entrack.report.plots.error_bars import crossed, error_of, error_words
from entrack.report.plots.fitting import fitted
from entrack.report.plots.labels import LEGEND, SIZE, legend_size, shown
from entrack.report.plots.style import BESIDE, MARKS, around, caption, colours, panels
from entrack.report.plots.text import fold
from entrack.results import Cell, Measure

Pair = tuple[str, Cell, Cell]
"""What was removed, the model's cell and the circuit's."""


def completeness(measure: Measure, title: str, options: Mapping[str, str]) -> Figure:
    """Options: `error`, of the large points."""
    assert fits_completeness(measure)  # whoever asks has looked
    pairs = [(label, measure.cell(label, "model"), measure.cell(label, "circuit")) for label in measure.axes[0].labels]
    return fitted(lambda scale: _drawn(measure, title, pairs, options.get("error", "interval"), scale))


def _drawn(measure: Measure, title: str, pairs: list[Pair], error: str, scale: float) -> Figure:
    legend = [_named(label, pair, scale) for label, pair in zip(shown(measure.axes[0])[0], pairs, strict=True)]
    beside, tall = legend_size(legend, "heads removed")
    draws = max((len(model.draws) for _, model, _ in pairs), default=0)
    small = f" Small points: each of {draws} random sets; the large one is their mean." if draws else ""
    words = f"{measured(measure)}. Dashed: circuit and model fall alike.{small} {error_words(measure, error)}"
    width = 4.2 * scale + beside
    figure, (axes,) = panels(title, 1, width, around(title, words, width) + max(3.9 * scale, tall), 1)
    top = _top(pairs, error)
    axes.plot([0, top], [0, top], color="#777777", linestyle="--", linewidth=0.8, zorder=1)
    for place, (pair, colour, name) in enumerate(zip(pairs, colours(len(pairs)), legend, strict=True)):
        _small(axes, pair, colour)
        _large(axes, pair, colour, MARKS[place % len(MARKS)], error, name)
    axes.set(xlim=(-0.03 * top, top), ylim=(-0.03 * top, top), aspect="equal")
    axes.set_xlabel(fold(f"{measure.metric} of the model without these heads", 3.3 * scale, 8))
    axes.set_ylabel(fold(f"{measure.metric} of the circuit without these heads", 3.3 * scale, 8))
    axes.grid()
    figure.legend(title="heads removed", **BESIDE)
    caption(figure, words)
    return figure


def _named(label: str, pair: Pair, scale: float) -> str:
    draws = len(pair[1].draws)
    return fold(f"{label}, mean of {draws}" if draws else label, LEGEND * scale, SIZE)


def _small(axes: Axes, pair: Pair, colour: str) -> None:
    _, model, circuit = pair
    axes.scatter(model.draws, circuit.draws, s=9, color=colour, alpha=0.45, linewidths=0, zorder=2, clip_on=False)


def _large(axes: Axes, pair: Pair, colour: str, mark: str, error: str, words: str) -> None:
    _, model, circuit = pair
    crossed(axes, model, circuit, error, ecolor=colour, elinewidth=0.8, alpha=0.7, zorder=2.5)
    axes.scatter(
        model.value,
        circuit.value,
        s=42,
        color=colour,
        marker=mark,
        edgecolors="white",
        linewidths=0.6,
        label=words,
        zorder=3,
        clip_on=False,
    )


def _top(pairs: list[Pair], error: str) -> float:
    ends = [cell.value + error_of(cell, error)[1] for _, *cells in pairs for cell in cells]
    draws = [value for _, *cells in pairs for cell in cells for value in cell.draws]
    high = 1.06 * max([0.05, *ends, *draws])
    return high if high < 0.9 else max(1.0, min(high, 1.03))
