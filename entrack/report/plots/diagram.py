"""Circuit diagram: groups of heads as boxes at their token positions, with arrows from senders to receivers."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from entrack.report.lookup import counted, found_on
from entrack.report.plots.diagram_arrows import POINT, Arrow, Placing, place
from entrack.report.plots.diagram_layout import CHARACTER, LINE, NAME, SIDE, Box
from entrack.report.plots.frame import EDGE, SMALL_PRINT, TITLE, Shown, heading, small_print
from entrack.report.plots.style import TAB
from entrack.report.plots.text import fold, height
from entrack.results import Discovery
from entrack.sites import Part

UNDER = 0.2
"""Inches from the boxes down to the positions."""
INK = "#333333"


def diagram(discovery: Discovery, title: str, column: float | None = None) -> Figure:
    """One column per position, boxes by layer from below, arrows named by the component that they feed."""
    placing = place(discovery, column)
    words, small = heading(title, placing.width), small_print(_words(discovery), placing.width)
    head = 0.12 + height(words, TITLE)
    foot = _foot(placing) + 0.12 + height(small, SMALL_PRINT)
    figure = Figure(figsize=(placing.width, placing.height + head + foot + 0.15))
    axes = figure.add_axes((0, 0, 1, 1), axes_class=Shown)
    boxes_and_arrows(axes, placing)
    axes.set(xlim=(0, placing.width), ylim=(-foot, placing.height + head + 0.15))
    axes.text(EDGE, placing.height + head + 0.09, words, fontsize=TITLE, fontweight="bold", va="top")
    axes.text(EDGE, -foot + EDGE, small, fontsize=SMALL_PRINT, color="#444444", va="bottom")
    return figure


def boxes_and_arrows(axes: Axes, placing: Placing) -> None:
    """Draw a diagram into axes, an inch of it a unit, from 0 to its width and from the names of its columns to its
    height."""
    axes.set_axis_off()
    for number, name in enumerate(_names(placing)):
        box = placing.boxes[0]
        _column(axes, SIDE + number * (box.wide + box.gap), name, placing, box.wide)
    for arrow in placing.arrows:
        _arrow(axes, arrow)
    for box in placing.boxes:
        _box(axes, box)
    _layer_axis(axes, placing)
    axes.set(xlim=(0, placing.width), ylim=(-_foot(placing), placing.height + 0.15))


def scaled_diagram(axes: Axes, discovery: Discovery, width: float, tall: float) -> None:
    """Draw a diagram into axes of so many inches, its letters smaller where it is larger than these."""
    placing = place(discovery, width)
    boxes_and_arrows(axes, placing)
    foot, top = axes.get_ylim()
    scale = min(1.0, width / placing.width, tall / (top - foot))
    for text in axes.texts:
        text.set_fontsize(float(text.get_fontsize()) * scale)
    spare = width / scale - placing.width, tall / scale - (top - foot)
    axes.set(xlim=(-spare[0] / 2, placing.width + spare[0] / 2), ylim=(foot - spare[1] / 2, top + spare[1] / 2))


def _names(placing: Placing) -> list[str]:
    """The columns' names, in lines."""
    if not placing.boxes:
        return []
    room = placing.boxes[0].wide + min(placing.boxes[0].gap, 2 * SIDE) - 0.2
    return [fold(f"at {name}", room, NAME, "bold") for name in placing.columns]


def _foot(placing: Placing) -> float:
    """Inches from the boxes down to the foot of the columns' names."""
    return UNDER + max((height(name, NAME) for name in _names(placing)), default=0.0)


def _column(axes: Axes, x: float, name: str, placing: Placing, wide: float) -> None:
    axes.add_patch(
        Rectangle(
            (x - 0.12, -0.12), wide + 0.24, placing.height + 0.24, facecolor="#F4F4F4", edgecolor="none", zorder=0
        )
    )
    axes.text(x + wide / 2, -UNDER, name, ha="center", va="top", fontsize=NAME, fontweight="bold")


def _box(axes: Axes, box: Box) -> None:
    colour = TAB[box.place % len(TAB)] if box.lines else "#555555"
    shape = "round,pad=0,rounding_size=0.06"
    axes.add_patch(
        FancyBboxPatch(
            (box.x, box.y), box.wide, box.height, shape, facecolor="white", edgecolor=colour, linewidth=1.4, zorder=3
        )
    )
    centre, middle = box.middle
    tall = height(box.title, NAME)
    top = middle + (tall + LINE * len(box.lines)) / 2
    axes.text(
        centre,
        top - tall / 2,
        box.title,
        ha="center",
        va="center",
        fontsize=NAME,
        fontweight="bold",
        color=INK,
        zorder=4,
    )
    left = centre - CHARACTER * max((len(line.rstrip()) for line in box.lines[box.said :]), default=0) / 2
    for number, line in enumerate(box.lines):
        y = top - tall - LINE * (number + 0.5)
        if number < box.said:
            axes.text(centre, y, line, ha="center", va="center", fontsize=7, color="#555555", zorder=4)
        else:
            axes.text(left, y, line, va="center", fontsize=7, family="DejaVu Sans Mono", color=INK, zorder=4)


def _arrow(axes: Axes, arrow: Arrow) -> None:
    line = FancyArrowPatch(
        arrow.start,
        arrow.end,
        arrowstyle="-|>",
        mutation_scale=10,
        linewidth=1.1,
        color=INK,
        shrinkA=0,
        shrinkB=1,
        connectionstyle=f"arc3,rad={arrow.bend:.4f}",
        zorder=2,
    )
    axes.add_patch(line)
    if arrow.label:
        backing = {"facecolor": "white", "edgecolor": "none", "pad": 1.2}
        axes.text(
            *arrow.at,
            arrow.label,
            ha="center",
            va="center",
            fontsize=POINT,
            style="italic",
            bbox=backing,
            zorder=5,
        )


def _layer_axis(axes: Axes, placing: Placing) -> None:
    ends = (0.2, 0.0), (0.2, placing.height)
    axes.add_patch(
        FancyArrowPatch(*ends, arrowstyle="-|>", mutation_scale=8, linewidth=0.7, color="#888888", shrinkA=0, shrinkB=0)
    )
    backing = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
    axes.text(
        0.2,
        placing.height / 2,
        "later layers",
        rotation=90,
        ha="center",
        va="center",
        fontsize=7,
        color="#666666",
        bbox=backing,
    )


def _words(discovery: Discovery) -> str:
    sites = [site for group in discovery.groups for site in group.sites]
    named = " as layer.head" if all(site.part is Part.OUTPUT for site in sites) else ""
    return (
        f"{discovery.name} in {discovery.model}: {counted(sites)}{named}; found on n = {found_on(discovery)} prompts."
    )
