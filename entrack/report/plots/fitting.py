"""Fit text to a figure: the figure is enlarged until no text is cut off and no two texts overlap.

Text lies in rectangles, upright or turned; that two of them do not meet is asked of matplotlib when it has laid the
figure out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import cos, radians, sin

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from entrack.report.plots.frame import Size

SCALES = ((1.0, 1.0), (1.0, 1.3), (1.2, 1.2), (1.6, 1.4), (2.1, 1.8), (2.8, 2.3), (3.8, 3.0), (5.0, 4.0))
"""How much wider and higher than it was meant to be a figure is drawn, in turn."""
TOUCH = 1.0
"""Pixels that two texts may share: what a font keeps free above and below its letters."""

Corners = tuple[tuple[float, float], ...]


def fitted(draw: Callable[[Size], Figure], column: float | None) -> Figure:
    """The figure at the first size at which its text fits, else at the largest."""
    for wider, taller in SCALES:
        figure = draw(Size(column, wider, taller))
        if fits(figure):
            break
    return figure


def fits(figure: Figure) -> bool:
    """Whether all text of a figure that is laid out is inside it, and no two texts meet."""
    places = [corners(text) for text in texts(figure)]
    width, height = figure.bbox.width, figure.bbox.height
    inside = all(-TOUCH <= x <= width + TOUCH and -TOUCH <= y <= height + TOUCH for place in places for x, y in place)
    return inside and not any(True for _ in meetings(places))


def texts(figure: Figure) -> list[Text]:
    """Every text that is drawn: those of ticks only where the tick is inside its axis."""
    hidden = {text for axes in figure.findobj(Axes) if isinstance(axes, Axes) for text in _not_drawn(axes)}
    found = (text for text in figure.findobj(Text) if isinstance(text, Text) and text not in hidden)
    return [text for text in found if text.get_visible() and text.get_text().strip()]


def corners(text: Text) -> Corners:
    """The corners of a text's rectangle, in pixels, counter-clockwise; a turned one is turned back out of the box
    around it."""
    box, angle = text.get_window_extent(), radians(text.get_rotation())
    c, s = abs(cos(angle)), abs(sin(angle))
    across = c * c - s * s
    if abs(s) < 1e-6 or abs(c) < 1e-6 or abs(across) < 0.1:
        return ((box.x0, box.y0), (box.x1, box.y0), (box.x1, box.y1), (box.x0, box.y1))
    wide, high = (box.width * c - box.height * s) / across / 2, (box.height * c - box.width * s) / across / 2
    x, y = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
    around = ((-wide, -high), (wide, -high), (wide, high), (-wide, high))
    return tuple((x + a * cos(angle) - b * sin(angle), y + a * sin(angle) + b * cos(angle)) for a, b in around)


def meetings(places: Sequence[Corners]) -> Iterator[tuple[int, int]]:
    """The pairs of rectangles that share more than an edge, found from left to right."""
    spans = sorted((min(x for x, _ in place), max(x for x, _ in place), number) for number, place in enumerate(places))
    near: list[tuple[float, int]] = []
    for left, right, number in spans:
        near = [(end, other) for end, other in near if end > left + TOUCH]
        for _, other in near:
            if _meet(places[number], places[other]):
                yield other, number
        near.append((right, number))


def _meet(one: Corners, two: Corners) -> bool:
    """Whether no line parallel to a side of either parts them."""
    for shape in (one, two):
        for (ax, ay), (bx, by) in zip(shape, (*shape[1:], shape[0]), strict=True):
            length = ((bx - ax) ** 2 + (by - ay) ** 2) ** 0.5
            if length == 0:
                continue
            nx, ny = (by - ay) / length, (ax - bx) / length
            firsts, seconds = [x * nx + y * ny for x, y in one], [x * nx + y * ny for x, y in two]
            if min(max(firsts), max(seconds)) - max(min(firsts), min(seconds)) <= TOUCH:
                return False
    return True


def _not_drawn(axes: Axes) -> Iterator[Text]:
    """The labels of ticks outside the view, and all text of axes that are off."""
    if not axes.axison:
        yield from (
            text for text in (*axes.get_xticklabels(), *axes.get_yticklabels(), axes.xaxis.label, axes.yaxis.label)
        )
    for axis in (axes.xaxis, axes.yaxis):
        low, high = sorted(axis.get_view_interval())
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
            slack = 1e-6 * (high - low)
            if not low - slack <= tick.get_loc() <= high + slack:
                yield from (tick.label1, tick.label2)
