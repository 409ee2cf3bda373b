"""Where the parts of a figure stand: its title, the legend, panels in rows, a scale of colours and the small print.

A painter says how wide the figure is and how high its panels are inside; what labels take around a panel is measured,
and the figure becomes as high as that needs.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

from attrs import define
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.text import Text

from entrack.frozen import frozen
from entrack.report.figure_width import WIDTHS
from entrack.report.format import MOST, clip
from entrack.report.plots.text import fold, height

EDGE, GAP, BAR = 0.06, 0.14, 0.11
"""Inches at the edges, between parts side by side, and of the width of a scale of colours."""
TITLE, SMALL_PRINT = 9.0, 7.0
"""Points of the title and of the small print."""
NARROWEST = 0.4
"""Inches of a panel inside, at least."""
PASSES, NEAR = 4, 0.004
"""How often labels are measured at most, and by how many inches they may then differ from the time before."""
Margins = tuple[float, float, float, float]
"""Inches that labels take: left, right, below, above."""


@frozen
class Size:
    """How large a figure is drawn: in a column of so many inches, or, for None, in the narrowest that holds it. Where
    its text does not fit it is drawn `wider` and `taller`."""

    column: float | None = None
    wider: float = 1.0
    taller: float = 1.0

    def width(self, wanted: float) -> float:
        """Inches of a figure that would like so many."""
        if self.column is not None and self.wider == 1:
            return self.column
        least = (self.column or next((width for width in WIDTHS if width >= wanted), WIDTHS[-1])) * self.wider
        return next((width for width in WIDTHS if width >= least), least)


class Shown(Axes):
    """A panel that a notebook shows with its whole figure, though the figure is none of pyplot's. `description` are the
    words of the figure, which are the image's alternative text."""

    description = ""

    def _repr_png_(self) -> tuple[bytes, dict[str, str]]:
        stream = BytesIO()
        figure = self.get_figure(root=True)
        assert figure is not None  # a panel is of a figure from when it is made
        figure.savefig(stream, format="png")
        return stream.getvalue(), {"alt": self.description}


KEY = {"axes_class": Shown}
"""How the axes of a figure are made."""


class Panels(tuple[Shown, ...]):
    """The panels of one figure, which a notebook shows."""

    __slots__ = ()

    def _repr_png_(self) -> tuple[bytes, dict[str, str]]:
        return self[0]._repr_png_()


def panels_of(figure: Figure, description: str) -> Panels:
    """The panels of a figure that is described so: not the scale of colours beside them, nor a place that is empty."""
    found = Panels(axes for axes in figure.axes if isinstance(axes, Shown) and (axes.axison or axes.patches))
    for axes in found:
        axes.description = description
    return found


@define
class Frame:
    """A figure in the making: its panels row by row, with what stands around them."""

    figure: Figure
    canvas: FigureCanvasAgg
    title: Text
    small_print: Text
    rows: list[list[Axes]]
    legend: Legend | None = None
    legend_beside: bool = True
    bar: Axes | None = None

    @property
    def axes(self) -> list[Axes]:
        """The panels that are in use, row by row."""
        return [axes for row in self.rows for axes in row if axes.axison]


def framed(title: str, words: str, count: int, width: float, across: int, **shared: Any) -> Frame:
    """A titled figure of `count` panels, `across` in a row, and of so many inches from side to side."""
    figure = Figure(figsize=(width, 4.0))
    canvas = FigureCanvasAgg(figure)
    down = -(-count // across)
    rows = [list(row) for row in figure.subplots(down, across, squeeze=False, subplot_kw=KEY, **shared)]
    for spare in [axes for row in rows for axes in row][count:]:
        spare.set_axis_off()
    head = figure.text(0, 1, heading(title, width), ha="left", va="top", fontsize=TITLE, fontweight="bold")
    foot = figure.text(0, 0, small_print(words, width), va="bottom", fontsize=SMALL_PRINT, color="#444444")
    return Frame(figure, canvas, head, foot, rows)


def heading(title: str, width: float) -> str:
    """A title in lines of a figure's width in inches."""
    return fold(clip(title, MOST), width - 2 * EDGE, TITLE, "bold")


def small_print(text: str, width: float) -> str:
    """What is shown, n, and what the bars of error are, in lines of a figure's width in inches."""
    return fold(clip(text, 5 * MOST), width - 2 * EDGE, SMALL_PRINT)


def settled(frame: Frame, tall: Callable[[float], float], widest: float = 100.0) -> Figure:
    """The figure with everything in its place. `tall` says how many inches high a panel is inside that is so many wide;
    no panel is wider than `widest`."""
    known: list[Margins] = []
    for _ in range(PASSES):
        found = [_margins(axes) for axes in _measured(frame)]
        if known and all(
            abs(a - b) < NEAR for one, two in zip(known, found, strict=True) for a, b in zip(one, two, strict=True)
        ):
            break
        known = found
        _place(frame, dict(zip(map(id, _measured(frame)), found, strict=True)), tall, widest)
    if frame.legend is not None:
        frame.legend.draw(frame.canvas.get_renderer())  # type: ignore[no-untyped-call]  # its texts know their places once they are drawn
    return frame.figure


def _measured(frame: Frame) -> list[Axes]:
    return [*frame.axes, *([frame.bar] if frame.bar else [])]


def _margins(axes: Axes) -> Margins:
    around, inside = axes.get_tightbbox(), axes.bbox
    dpi = axes.figure.dpi
    if around is None:
        return (0.0, 0.0, 0.0, 0.0)
    ends = (inside.x0 - around.x0, around.x1 - inside.x1, inside.y0 - around.y0, around.y1 - inside.y1)
    left, right, below, above = (max(0.0, end / dpi) for end in ends)
    return left, right, below, above


def _place(frame: Frame, known: dict[int, Margins], tall: Callable[[float], float], widest: float) -> None:
    nothing = (0.0, 0.0, 0.0, 0.0)
    rows = [[known.get(id(axes), nothing) for axes in row] for row in frame.rows]
    columns = list(zip(*rows, strict=True))
    lefts, rights = [max(m[0] for m in column) for column in columns], [max(m[1] for m in column) for column in columns]
    belows, aboves = [max(m[2] for m in row) for row in rows], [max(m[3] for m in row) for row in rows]
    width = frame.figure.get_figwidth()
    wide, high = _legend_size(frame)
    right = GAP + wide if frame.legend and frame.legend_beside else 0.0
    if frame.bar is not None:
        right += GAP + BAR + known[id(frame.bar)][1]
    across = len(columns)
    room = (width - 2 * EDGE - right - sum(lefts) - sum(rights) - (across - 1) * GAP) / across
    room = max(NARROWEST, min(room, widest))
    inner = tall(room)
    head = height(frame.title.get_text(), TITLE) + 0.08 if frame.title.get_text() else 0.0
    foot = height(frame.small_print.get_text(), SMALL_PRINT) + 0.08 if frame.small_print.get_text() else 0.0
    over = high + 0.08 if frame.legend and not frame.legend_beside else 0.0
    panels = sum(belows) + sum(aboves) + len(rows) * inner + (len(rows) - 1) * GAP
    if frame.legend and frame.legend_beside:
        panels = max(panels, high)
    total = 2 * EDGE + head + over + panels + foot
    frame.figure.set_size_inches(width, total)
    frame.title.set_position((EDGE / width, 1 - EDGE / total))
    frame.small_print.set_position((EDGE / width, EDGE / total))
    top = total - EDGE - head - over
    y = top
    for place, row in enumerate(frame.rows):
        y -= aboves[place] + inner
        x = EDGE
        for column, axes in enumerate(row):
            x += lefts[column]
            axes.set_position((x / width, y / total, room / width, inner / total))
            x += room + rights[column] + GAP
        end = x - GAP
        y -= belows[place] + GAP
    if frame.bar is not None:
        foot_of = y + GAP + belows[-1]
        frame.bar.set_position(((end + GAP) / width, foot_of / total, BAR / width, (top - aboves[0] - foot_of) / total))
        end += GAP + BAR + known[id(frame.bar)][1]
    if frame.legend is not None:
        x, y = (end + GAP, top - aboves[0]) if frame.legend_beside else (EDGE, total - EDGE - head)
        frame.legend.set_bbox_to_anchor((x / width, y / total), frame.figure.transFigure)


def _legend_size(frame: Frame) -> tuple[float, float]:
    if frame.legend is None:
        return (0.0, 0.0)
    box = frame.legend.get_window_extent()
    return box.width / frame.figure.dpi, box.height / frame.figure.dpi
