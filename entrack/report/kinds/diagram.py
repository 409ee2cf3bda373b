"""Diagram: a circuit as boxes of heads over the tokens where they stand, and arrows for what each group feeds."""

from __future__ import annotations

from textwrap import fill

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from entrack.report.kinds.canvas import TAB, heading
from entrack.report.kinds.placing import BOX, GAP, LINE, NAME, PAD, SIDE, Arrow, Box, Placing, place
from entrack.report.words import clip, visible
from entrack.results import Discovery

FOOT = 0.74
"""Inches under the boxes, for the positions and the small print."""
CHARACTER = 0.602 * 7 / 72
"""Inches that a character of a line of heads takes."""
INK = "#333333"


def diagram(discovery: Discovery, title: str) -> Figure:
    """One column per position, boxes by layer from below, arrows named by the component that they feed."""
    placing = place(discovery)
    words = heading(title, placing.width)
    head = 0.25 + 0.17 * (words.count("\n") + 1)
    figure = Figure(figsize=(placing.width, placing.height + head + FOOT + 0.15))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, placing.width), ylim=(-FOOT, placing.height + head + 0.15))
    axes.set_axis_off()
    for number, name in enumerate(placing.columns):
        _column(axes, number, name, placing)
    for arrow in placing.arrows:
        _arrow(axes, arrow)
    for box in placing.boxes:
        _box(axes, box)
    _layer_axis(axes, placing)
    axes.text(0.08, placing.height + head + 0.07, words, fontsize=10, fontweight="bold", va="top")
    axes.text(0.08, -FOOT + 0.08, _small_print(discovery, placing.width), fontsize=7, color="#444444", va="bottom")
    return figure


def _column(axes: Axes, number: int, name: str, placing: Placing) -> None:
    x = SIDE + number * (BOX + GAP)
    band = Rectangle(
        (x - 0.12, -0.12), BOX + 0.24, placing.height + 0.24, facecolor="#F4F4F4", edgecolor="none", zorder=0
    )
    axes.add_patch(band)
    axes.text(x + BOX / 2, -0.27, f"at {clip(name, 28)}", ha="center", va="center", fontsize=8.5, fontweight="bold")


def _box(axes: Axes, box: Box) -> None:
    colour = TAB[box.place % len(TAB)] if box.lines else "#555555"
    shape = "round,pad=0,rounding_size=0.06"
    axes.add_patch(
        FancyBboxPatch(
            (box.x, box.y), BOX, box.height, shape, facecolor="white", edgecolor=colour, linewidth=1.4, zorder=3
        )
    )
    centre = box.middle[0]
    name_y = box.top - PAD - NAME / 2
    size = min(8.5, 8.5 * 24 / max(len(box.title), 1))
    axes.text(
        centre, name_y, box.title, ha="center", va="center", fontsize=size, fontweight="bold", color=INK, zorder=4
    )
    left = centre - CHARACTER * max((len(line.rstrip()) for line in box.lines[1:]), default=0) / 2
    for number, line in enumerate(box.lines):
        y = name_y - NAME / 2 - LINE * (number + 0.5)
        if number == 0:
            axes.text(centre, y, line, ha="center", va="center", fontsize=7, color="#555555", zorder=4)
        else:
            axes.text(left, y, line, va="center", fontsize=7, family="DejaVu Sans Mono", color=INK, zorder=4)


def _arrow(axes: Axes, arrow: Arrow) -> None:
    line = FancyArrowPatch(
        arrow.start, arrow.end, arrowstyle="-|>", mutation_scale=10, linewidth=1.1, color=INK, shrinkA=0, shrinkB=1,
        connectionstyle=f"arc3,rad={arrow.bend:.4f}", zorder=2,
    )  # fmt: skip
    axes.add_patch(line)
    if arrow.label:
        backing = {"facecolor": "white", "edgecolor": "none", "pad": 1.2}
        axes.text(
            *arrow.at,
            visible(arrow.label),
            ha="center",
            va="center",
            fontsize=7.5,
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


def _small_print(discovery: Discovery, width: float) -> str:
    count = sum(len(group.heads) for group in discovery.groups)
    words = f"{discovery.name} in {discovery.model}: {count} heads as layer.head; found on n = {discovery.n} prompts."
    return fill(clip(words, 160), int(width * 16))
