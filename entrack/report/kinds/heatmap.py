"""Heat maps: a discovery's scores, layer by head; or a measure of one or two axes, as numbers on colours."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from math import ceil, floor, isfinite, nan

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colorbar import Colorbar
from matplotlib.colors import Colormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from entrack.report.grids import caption as measured
from entrack.report.kinds.canvas import WIDTH, caption, panels
from entrack.report.kinds.labels import depth, label_sides, names, shown, value_label
from entrack.report.pick import free_axes, of_heads, receiver_words, scored, unscored
from entrack.report.series import label_of, named
from entrack.report.words import change_in, clip, decimals_for, number
from entrack.results import Axis, Cell, Discovery, Group, Measure

NOWHERE = "#D9D9D9"
"""The colour of what was not run because it cannot matter, and of what was not measured."""


def score_map(discovery: Discovery, title: str) -> Figure:
    """One panel per group: layers upwards from 0, heads to the right, colours centred on 0, heads kept in outline."""
    groups = [group for group in discovery.groups if group.scores]
    layers, heads = _shape(groups)
    height = min(4.2, max(1.1, 2.6 * layers / heads))
    width = max(1.2, height * heads / layers)
    across = max(1, min(len(groups), floor(WIDTH / (width + 1.1))))
    down = ceil(max(len(groups), 1) / across)
    across = ceil(max(len(groups), 1) / down)
    figure, axes = panels(title, len(groups), max(4.5, across * (width + 1.1)), down * (height + 0.75) + 0.7, across)
    for each, group in zip(axes, groups, strict=True):
        _scores(each, group, figure, change_in(discovery.score), width)
    grey = "; grey: cannot reach the receivers, exactly 0" if any(_has_zeros(group) for group in groups) else ""
    dots = "; dotted: screened out and not run, the colour is an estimate" if any(unscored(group) for group in groups) else ""
    own = " Each panel has its own scale." if len(groups) > 1 else ""
    caption(
        figure,
        f"{discovery.name} in {discovery.model}: mean {change_in(discovery.score)} over n = {discovery.n} prompts when a head's "
        f"paths to the receivers are patched; outlined: heads kept{grey}{dots}.{own}",
    )
    return figure


def value_map(measure: Measure, title: str, options: Mapping[str, str]) -> Figure:
    """Rows by columns of a measure, each number written on its colour. Option: `by`, the columns. Further axes are panels of one scale."""
    rows, columns, others = _axes(measure, options.get("by"))
    parts = list(product(*(axis.labels for axis in others)))
    side = max(1.0, 0.075 * max(len(label) for label in rows.labels))
    wide = 0.2 + 0.65 * len(columns.labels)
    across = max(1, min(len(parts), floor((WIDTH - 1.0 - side) / wide)))
    across = ceil(len(parts) / ceil(len(parts) / across))
    down = ceil(len(parts) / across)
    width = min(WIDTH, max(4.0, side + across * wide + 1.0))
    room = (width - 1.0 - side) / across
    height = 1.1 + down * (0.45 + 0.32 * len(rows.labels)) + depth(columns, room)
    figure, axes = panels(title, len(parts), width, height, across, sharex=True, sharey=True)
    low, high = _limits(measure)
    decimals = decimals_for(cell.interval for cell in measure.cells)
    for each, part in zip(axes, parts, strict=True):
        cells = _grid(measure, rows, columns, dict(zip(others, part, strict=True)))
        values = [[cell.value if cell and isfinite(cell.value) else nan for cell in row] for row in cells]
        mesh = each.pcolormesh(values, cmap=_cmap("viridis"), edgecolors="white", linewidth=0.6, vmin=low, vmax=high)
        _labels(each, rows, columns, room)
        each.set_title(clip(", ".join(part), 44), loc="left")
        if len(columns.labels) * across <= 12:
            _write(each, cells, decimals, (low, high), of_heads(measure))
    axes[0].invert_yaxis()
    label_sides(axes, across, shown(columns)[1], clip(rows.name, 28), width)
    _bar(figure.colorbar(mesh, ax=axes, aspect=max(16, 9 * height), pad=0.02), value_label(measure))
    caption(figure, f"{measured(measure)}.")
    return figure


def _scores(axes: Axes, group: Group, figure: Figure, unit: str, width: float) -> None:
    """One panel, `width` inches wide."""
    limit = max(map(abs, scored(group)), default=0.0) or 1.0
    hide = _has_zeros(group)
    shown = [
        [nan if hide and score == 0.0 else _estimate(group, layer, head) if score is None else score for head, score in enumerate(row)]
        for layer, row in enumerate(group.scores)
    ]
    mesh = axes.pcolormesh(shown, cmap=_cmap("RdBu"), vmin=-limit, vmax=limit, edgecolors="white", linewidth=0.15)
    out = unscored(group)
    axes.scatter([head.head + 0.5 for head in out], [head.layer + 0.5 for head in out], s=1.2, color="#444444", linewidths=0)
    for head in group.heads:
        axes.add_patch(
            Rectangle((head.head, head.layer), 1, 1, fill=False, edgecolor="black", linewidth=0.9, clip_on=False)
        )
    axes.set_aspect("equal")
    axes.set_title(f"{clip(group.name, int(11 * (width + 0.9)))}\n", fontweight="bold", loc="left", pad=3)
    words = clip(f"at {group.position} → {receiver_words(group)}; {len(group.heads)} kept", int(15 * (width + 0.9)))
    axes.annotate(words, (0, 1), (0, 3), "axes fraction", "offset points", fontsize=7, va="bottom").set_in_layout(False)
    axes.set(xlabel="head", ylabel="layer")
    _ticks(axes, len(group.scores), len(group.scores[0]))
    _bar(figure.colorbar(mesh, cax=axes.inset_axes((1 + 0.08 / width, 0, 0.12 / width, 1))), unit)


def _estimate(group: Group, layer: int, head: int) -> float:
    return group.screen.estimates[layer][head] if group.screen else nan


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
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _bar(bar: Colorbar, unit: str) -> None:
    bar.outline.set_visible(False)
    bar.set_label(unit if "\n" in unit else clip(unit, 44), fontsize=7)
    bar.ax.tick_params(labelsize=6.5, length=2)


def _cmap(name: str) -> Colormap:
    return colormaps[name].with_extremes(bad=NOWHERE)


def _has_zeros(group: Group) -> bool:
    """Whether the scores that are exactly 0 are the known zeros, and no measured score is among them."""
    return 0 < group.known_zero == sum(score == 0.0 for score in scored(group))


def _shape(groups: list[Group]) -> tuple[int, int]:
    return (
        max((len(group.scores) for group in groups), default=1),
        max((len(group.scores[0]) for group in groups), default=1),
    )


def _axes(measure: Measure, by: str | None) -> tuple[Axis, Axis, tuple[Axis, ...]]:
    """Rows, columns, and the axes of the panels: the last two axes make the map. Raises ValueError for an unknown axis."""
    free = list(free_axes(measure))
    columns = named(measure, by) if by is not None else free[-1] if len(free) > 1 else Axis("", ("",))
    left = [axis for axis in free if axis is not columns] or [Axis("", ("",))]
    return left[-1], columns, tuple(left[:-1])


def _grid(measure: Measure, rows: Axis, columns: Axis, fixed: Mapping[Axis, str]) -> list[list[Cell | None]]:
    def place(axis: Axis, cell: Cell) -> int:
        return axis.labels.index(label_of(measure, cell, axis)) if axis in measure.axes else 0

    grid: list[list[Cell | None]] = [[None] * len(columns.labels) for _ in rows.labels]
    for cell in measure.cells:
        if all(label_of(measure, cell, axis) == label for axis, label in fixed.items()):
            grid[place(rows, cell)][place(columns, cell)] = cell
    return grid


def _limits(measure: Measure) -> tuple[float, float]:
    """The ends of the colours: 0 to 1 for shares that reach over half of it, else to the largest value there is."""
    values = [cell.value for cell in measure.cells if isfinite(cell.value)] or [0.0]
    low, high = min(0.0, *values, 0.0), max(values)
    return (0.0, 1.0) if low == 0 and 0.5 < high <= 1 else (low, high if high > low else low + 1.0)


def _write(axes: Axes, cells: list[list[Cell | None]], decimals: int, ends: tuple[float, float], counted: bool) -> None:
    for (y, row), x in product(enumerate(cells), range(len(cells[0]))):
        cell = row[x]
        if cell is not None:
            dark = (cell.value - ends[0]) / (ends[1] - ends[0]) < 0.6
            words = number(cell.value, decimals) + (f" of {cell.n}" if counted else "")
            axes.text(x + 0.5, y + 0.5, words, ha="center", va="center", fontsize=7, color="w" if dark else "k")
