"""Heat maps: a discovery's scores, layer by head; or a measure of one or two axes, as numbers on colours."""

from __future__ import annotations

from math import ceil, floor

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colorbar import Colorbar
from matplotlib.colors import Colormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from entrack.report.grids import caption as measured
from entrack.report.kinds.canvas import WIDTH, caption, panels
from entrack.report.kinds.labels import names
from entrack.report.pick import free_axes, receiver_words
from entrack.report.words import clip, decimals_for, number
from entrack.results import Axis, Discovery, Group, Measure

NOWHERE = "#D9D9D9"
"""The colour of what was not run because it cannot matter, and of what was not measured."""


def score_map(discovery: Discovery, title: str) -> Figure:
    """One panel per group: layers upwards from 0, heads to the right, colours centred on 0, heads kept in outline."""
    groups = [group for group in discovery.groups if group.scores]
    layers, heads = _shape(groups)
    height = min(4.2, max(1.1, 2.6 * layers / heads))
    width = max(1.2, height * heads / layers)
    across = max(1, min(len(groups), floor(WIDTH / (width + 1.0))))
    down = ceil(max(len(groups), 1) / across)
    across = ceil(max(len(groups), 1) / down)
    figure, axes = panels(title, len(groups), max(4.5, across * (width + 1.0)), down * (height + 0.75) + 0.7, across)
    for each, group in zip(axes, groups, strict=True):
        _scores(each, group, figure, discovery.score, width)
    grey = "; grey: cannot reach the receivers, exactly 0" if any(_has_zeros(group) for group in groups) else ""
    own = " Each panel has its own scale." if len(groups) > 1 else ""
    caption(
        figure,
        f"{discovery.name} in {discovery.model}: mean {discovery.score} over n = {discovery.n} prompts when a head's "
        f"paths to the receivers are patched; outlined: heads kept{grey}.{own}",
    )
    return figure


def value_map(measure: Measure, title: str) -> Figure:
    """Rows by columns of a measure, each number written on its colour."""
    rows, columns = _two(measure)
    values = [[float("nan")] * len(columns.labels) for _ in rows.labels]
    for cell in measure.cells:
        values[_place(measure, rows, cell.labels)][_place(measure, columns, cell.labels)] = cell.value
    side = max(1.0, 0.09 * max(len(label) for label in rows.labels))
    width = min(WIDTH, side + 1.6 + 0.75 * len(columns.labels))
    figure, (axes,) = panels(title, 1, max(4.0, width), 1.6 + 0.32 * len(rows.labels), 1)
    mesh = axes.pcolormesh(values, cmap=_cmap("viridis"), edgecolors="white", linewidth=0.6)
    _labels(axes, rows, columns, max(4.0, width) - side - 1.0)
    low, high = mesh.get_clim()
    decimals = decimals_for(cell.interval for cell in measure.cells)
    for y, row in enumerate(values if len(columns.labels) <= 12 else []):
        for x, value in enumerate(row):
            dark = high == low or (value - low) / (high - low) < 0.6
            if value == value:
                axes.text(
                    x + 0.5,
                    y + 0.5,
                    number(value, decimals),
                    ha="center",
                    va="center",
                    fontsize=7,
                    color="w" if dark else "k",
                )
    _bar(figure.colorbar(mesh, ax=axes, aspect=18, pad=0.02), measure.metric)
    caption(figure, f"{measured(measure)}.")
    return figure


def _scores(axes: Axes, group: Group, figure: Figure, unit: str, width: float) -> None:
    """One panel, `width` inches wide."""
    limit = max(abs(score) for row in group.scores for score in row) or 1.0
    hide = _has_zeros(group)
    shown = [[float("nan") if hide and score == 0.0 else score for score in row] for row in group.scores]
    mesh = axes.pcolormesh(shown, cmap=_cmap("RdBu"), vmin=-limit, vmax=limit, edgecolors="white", linewidth=0.15)
    for head in group.heads:
        axes.add_patch(
            Rectangle((head.head, head.layer), 1, 1, fill=False, edgecolor="black", linewidth=0.9, clip_on=False)
        )
    axes.set_aspect("equal")
    axes.set_title(f"{clip(group.name, int(11 * (width + 0.9)))}\n", fontweight="bold", loc="left", pad=3)
    words = clip(f"at {group.position} → {receiver_words(group)}; {len(group.heads)} kept", int(15 * (width + 0.9)))
    axes.text(0, 1.02, words, transform=axes.transAxes, fontsize=7, va="bottom").set_in_layout(False)
    axes.set(xlabel="head", ylabel="layer")
    _ticks(axes, len(group.scores), len(group.scores[0]))
    _bar(figure.colorbar(mesh, cax=axes.inset_axes((1 + 0.08 / width, 0, 0.12 / width, 1))), unit)


def _ticks(axes: Axes, layers: int, heads: int) -> None:
    for count, set_ticks in ((heads, axes.set_xticks), (layers, axes.set_yticks)):
        step = next((step for step in (1, 2, 4, 8, 16, 32) if count / step <= 9), 64)
        places = range(0, count, step)
        set_ticks([place + 0.5 for place in places], labels=[str(place) for place in places])
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _labels(axes: Axes, rows: Axis, columns: Axis, inches: float) -> None:
    names(axes, columns, inches, 0.5)
    axes.set_yticks([y + 0.5 for y in range(len(rows.labels))], labels=[clip(label, 28) for label in rows.labels])
    axes.set(xlabel=clip(columns.name, 44), ylabel=clip(rows.name, 28))
    axes.tick_params(length=0)
    axes.invert_yaxis()
    for spine in axes.spines.values():
        spine.set_visible(False)


def _bar(bar: Colorbar, unit: str) -> None:
    bar.outline.set_visible(False)
    bar.set_label(clip(unit, 44), fontsize=7)
    bar.ax.tick_params(labelsize=6.5, length=2)


def _cmap(name: str) -> Colormap:
    return colormaps[name].with_extremes(bad=NOWHERE)


def _has_zeros(group: Group) -> bool:
    """Whether the scores that are exactly 0 are the known zeros, and no measured score is among them."""
    return 0 < group.known_zero == sum(score == 0.0 for row in group.scores for score in row)


def _shape(groups: list[Group]) -> tuple[int, int]:
    return (
        max((len(group.scores) for group in groups), default=1),
        max((len(group.scores[0]) for group in groups), default=1),
    )


def _two(measure: Measure) -> tuple[Axis, Axis]:
    axes = (
        *free_axes(measure),
        *(axis for axis in measure.axes if len(axis.labels) == 1),
        Axis("", ("",)),
        Axis("", ("",)),
    )
    return axes[0], axes[1]


def _place(measure: Measure, axis: Axis, labels: tuple[str, ...]) -> int:
    return axis.labels.index(labels[measure.axes.index(axis)]) if axis in measure.axes else 0
