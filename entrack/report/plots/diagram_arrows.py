"""Routing of the arrows of a circuit diagram and of their labels, in inches. Nothing is drawn here.

A label stands on its arrow, clear of boxes and of other labels; where there is no such place the boxes are set wider
apart. An arrow leaves and meets a box at a place of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count

from entrack.frozen import frozen
from entrack.report.figure_width import WIDTHS
from entrack.report.plots.diagram_layout import SHAPES, SIDE, Box, hops, stand
from entrack.report.plots.text import fold, height, inches
from entrack.results import Discovery

SPREADS = (1.0, 1.25, 1.6, 2.0, 2.6, 3.4)
"""How much further than usual boxes stand above one another, in turn."""
BROADER, WIDEST = (9.0, 12.0, 16.0, 22.0), 1.6
"""Inches of a diagram that no column holds, and between its columns at most."""
POINT, CLEAR = 7.5, 0.03
"""Points of a label, and inches around it."""
STEPS = 40
"""Places on an arrow at which a label is tried."""

Point = tuple[float, float]
Area = tuple[float, float, float, float]
"""Left, foot, right, top."""


@frozen
class Arrow:
    """From one point to another; `bend` is 0 for a straight one. The middle of `label` stands at `at`."""

    start: Point
    end: Point
    label: str
    at: Point
    bend: float = 0.0


@frozen
class Placing:
    """A whole diagram: `columns` are positions, from the left."""

    columns: tuple[str, ...]
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    width: float
    height: float


def place(discovery: Discovery, column: float | None = None) -> Placing:
    """All of a diagram, in a column of so many inches or, for None, in the narrowest that holds it: the first shape and
    spread at which every label has a place on its arrow and nothing stands out of the column."""
    least = 0.0 if column is None else column
    for width in (*(width for width in dict.fromkeys((least, *WIDTHS)) if width >= least), *BROADER):
        for wide, gap in SHAPES if column is not None or width == WIDTHS[-1] else SHAPES[:3]:
            placing = _placed(discovery, width, wide, gap)
            if placing is not None:
                return placing
    return _last(discovery)


def _placed(discovery: Discovery, width: float, wide: float, gap: float) -> Placing | None:
    """A diagram of `width` inches with boxes so wide and apart, where there is one."""
    count = len({group.position for group in discovery.groups})
    room = width - 2 * SIDE - count * wide
    if room < (count - 1) * gap:
        return None
    gap = min(room / (count - 1), WIDEST) if count > 1 else gap
    for spread in SPREADS:
        columns, boxes = stand(discovery, wide, gap, spread)
        arrows, good = _labelled(_arrows(discovery, boxes), boxes)
        if good and _right(arrows, gap) <= width:
            return Placing(columns, boxes, tuple(arrows), width, _top(arrows, boxes))
    return None


def _last(discovery: Discovery) -> Placing:
    """A diagram some label of which stands beside its arrow."""
    wide, gap = SHAPES[0]
    columns, boxes = stand(discovery, wide, 3.4 * gap, SPREADS[-1])
    arrows, _ = _labelled(_arrows(discovery, boxes), boxes)
    width = 2 * SIDE + len(columns) * wide + max(0, len(columns) - 1) * 3.4 * gap
    return Placing(columns, boxes, tuple(arrows), max(width, _right(arrows, 3.4 * gap)), _top(arrows, boxes))


def _right(arrows: Sequence[Arrow], gap: float) -> float:
    """How far to the right arrows and their labels come."""
    labels = [area(arrow)[2] + 0.1 for arrow in arrows if arrow.label]
    return max(
        [*labels, *(max(arrow.start[0], arrow.end[0]) + gap * 0.5 for arrow in arrows if arrow.bend)], default=0.0
    )


def _top(arrows: Sequence[Arrow], boxes: Sequence[Box]) -> float:
    return max([*(box.top for box in boxes), *(area(arrow)[3] for arrow in arrows if arrow.label)], default=0.5)


def area(arrow: Arrow) -> Area:
    """What an arrow's label takes."""
    wide, tall = inches(arrow.label, POINT) / 2 + CLEAR, height(arrow.label, POINT) / 2 + CLEAR
    return arrow.at[0] - wide, arrow.at[1] - tall, arrow.at[0] + wide, arrow.at[1] + tall


# --- arrows ------------------------------------------------------------------------------------------------------


def _arrows(discovery: Discovery, boxes: Sequence[Box]) -> list[Arrow]:
    by_name = {box.name: box for box in boxes}
    pairs = [(by_name[sender], by_name[target], components) for (sender, target), components in hops(discovery).items()]
    ends = [side for sender, target, _ in pairs for side in _sides(sender, target)]
    arrows = []
    for sender, target, components in pairs:
        label = fold(", ".join(component for component in components if component), 0.7, POINT)
        if sender.column == target.column:
            arrows.append(_upwards(sender, target, label, boxes))
        else:
            start, end = (_on_side(side, ends, by_name) for side in _sides(sender, target))
            arrows.append(Arrow(start, end, label, _between(start, end, 0.5)))
    return arrows


def _sides(sender: Box, target: Box) -> list[tuple[str, str, str]]:
    """The sides that an arrow between columns leaves and meets: (box, side, the box at its other end)."""
    if sender.column == target.column:
        return []
    right = sender.column < target.column
    return [
        (sender.name, "right" if right else "left", target.name),
        (target.name, "left" if right else "right", sender.name),
    ]


def _on_side(side: tuple[str, str, str], ends: list[tuple[str, str, str]], boxes: dict[str, Box]) -> Point:
    """A point on a box's side; arrows that share the side are spread over it, in the order of their other ends."""
    box = boxes[side[0]]
    mates = sorted({end for end in ends if end[:2] == side[:2]}, key=lambda end: (boxes[end[2]].middle[1], end[2]))
    share = (mates.index(side) + 1) / (len(mates) + 1)
    return box.x + (box.wide if side[1] == "right" else 0.0), box.y + share * box.height


def _upwards(sender: Box, target: Box, label: str, boxes: Sequence[Box]) -> Arrow:
    """Within a column: straight to the next box, round the side past others."""
    x = sender.middle[0]
    over = sender.y < target.y
    between = [box for box in boxes if box.column == sender.column and _inside(box, sender, target)]
    if not between:
        start, end = (x, sender.top if over else sender.y), (x, target.y if over else target.top)
        return Arrow(start, end, label, _between(start, end, 0.5))
    edge = sender.x + sender.wide
    start, end = (edge, sender.middle[1]), (edge, target.middle[1])
    reach = sender.gap * 0.4
    bend = 2 * reach / max(abs(end[1] - start[1]), 0.1)
    return Arrow(start, end, label, (edge + reach, (start[1] + end[1]) / 2), bend if over else -bend)


def _inside(box: Box, sender: Box, target: Box) -> bool:
    low, high = sorted((sender.middle[1], target.middle[1]))
    return box.name not in (sender.name, target.name) and low < box.middle[1] < high


def _between(start: Point, end: Point, share: float) -> Point:
    return start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])


# --- labels ------------------------------------------------------------------------------------------------------


def _labelled(arrows: Sequence[Arrow], boxes: Sequence[Box]) -> tuple[list[Arrow], bool]:
    """The arrows with their labels in clear places, and whether all of these are on the arrow."""
    taken: list[Area] = [(box.x, box.y, box.x + box.wide, box.top) for box in boxes]
    found: list[Arrow] = []
    good = True
    for arrow in arrows:
        placed = next((each for each in _tries(arrow) if _clear(area(each), taken)), None) if arrow.label else arrow
        good = good and placed is not None
        found.append(placed or next(each for each in _above(arrow) if _clear(area(each), taken)))
        if arrow.label:
            taken.append(area(found[-1]))
    return found, good


def _tries(arrow: Arrow) -> Iterator[Arrow]:
    """The label at places along the arrow, from its middle outwards."""
    for step in range(STEPS):
        share = 0.5 + (0.45 * (step + 1) // 2 * 2 / STEPS) * (1 if step % 2 else -1)
        yield _at(arrow, _along(arrow, share))


def _along(arrow: Arrow, share: float) -> Point:
    """A point of the arrow: of a bent one, of the curve that is drawn, a quadratic one through a point beside the
    middle."""
    x, y = _between(arrow.start, arrow.end, share)
    aside = 2 * share * (1 - share) * arrow.bend
    return x + aside * (arrow.end[1] - arrow.start[1]), y - aside * (arrow.end[0] - arrow.start[0])


def _above(arrow: Arrow) -> Iterator[Arrow]:
    """The label higher and higher over the arrow's middle, until it is above everything."""
    for step in count():
        yield _at(arrow, (arrow.at[0], arrow.at[1] + 0.1 * step))


def _at(arrow: Arrow, at: Point) -> Arrow:
    return Arrow(arrow.start, arrow.end, arrow.label, at, arrow.bend)


def _clear(wanted: Area, taken: Sequence[Area]) -> bool:
    return wanted[1] >= 0 and not any(_meet(wanted, other) for other in taken)


def _meet(one: Area, two: Area) -> bool:
    return one[0] < two[2] and two[0] < one[2] and one[1] < two[3] and two[1] < one[3]
