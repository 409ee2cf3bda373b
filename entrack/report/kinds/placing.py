"""Placing: where the boxes and arrows of a circuit diagram stand, in inches. No drawing.

Positions are columns, the last token rightmost. The middle of a group's box stands at the mean layer of its heads, on
a scale wide enough for the boxes of a column not to meet; where that would be too tall, a box moves up past the one
below. Receivers that are not drawn as groups (the logits; groups left out) are stubs on top.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import inf
from statistics import fmean

from attrs import evolve, field, frozen

from entrack.report.pick import ranked
from entrack.report.words import clip
from entrack.results import Discovery, Group

BOX, GAP, SIDE = 1.95, 1.0, 0.45
"""Widths of a box, of the space between columns, and of the margins."""
LINE, NAME, PAD, BETWEEN = 0.125, 0.17, 0.08, 0.46
"""Heights of a line of heads, of a name, of the padding in a box, and of the space between boxes."""
CHARACTERS = 31
"""Characters of a line of heads."""
MOST = 160
"""Heads that a box lists; the rest are counted."""
SHORTEST, TALLEST = 0.9, 6.0
"""Inches between the lowest mean layer and the highest."""


@frozen
class Box:
    """A group, or a stub (`lines` empty). `y` is its lower edge."""

    name: str
    title: str
    lines: tuple[str, ...]
    column: int
    layer: float
    place: int
    y: float = 0.0

    @property
    def height(self) -> float:
        return NAME + 2 * PAD + LINE * len(self.lines)

    @property
    def x(self) -> float:
        return SIDE + self.column * (BOX + GAP)

    @property
    def top(self) -> float:
        return self.y + self.height

    @property
    def middle(self) -> tuple[float, float]:
        return self.x + BOX / 2, self.y + self.height / 2


@frozen
class Arrow:
    """From one point to another; `bend` is 0 for a straight one. `label` stands at `at`."""

    start: tuple[float, float]
    end: tuple[float, float]
    label: str
    at: tuple[float, float]
    bend: float = 0.0


@frozen
class Placing:
    columns: tuple[str, ...]
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    width: float
    height: float = field(default=0.0)


def place(discovery: Discovery) -> Placing:
    """All of a diagram. Hops go backwards from the answer, so the first position named is the rightmost column."""
    columns = tuple(reversed(dict.fromkeys(group.position for group in discovery.groups)))
    boxes = [_box(group, columns, number) for number, group in enumerate(discovery.groups)]
    boxes += _stubs(discovery, {box.name: box.column for box in boxes})
    stacks = [_stack(boxes, column) for column in range(len(columns))]
    scale = _scale(stacks)
    settled = [box for stack in stacks for box in _settle(stack, scale)]
    lowest = min(box.y for box in settled)
    placed = sorted((evolve(box, y=box.y - lowest) for box in settled), key=lambda box: box.place)
    width = 2 * SIDE + len(columns) * BOX + (len(columns) - 1) * GAP
    height = max(box.top for box in placed)
    return Placing(columns, tuple(placed), tuple(_arrows(discovery, placed)), width, height)


def hops(discovery: Discovery) -> dict[tuple[str, str], list[str]]:
    """What each group feeds of each receiver: (sender, receiver) to components; logits have none."""
    found: dict[tuple[str, str], list[str]] = {}
    for group in discovery.groups:
        for receiver in group.receivers:
            target, _, component = receiver.rpartition(".")
            found.setdefault((group.name, target or receiver), []).append(component if target else "")
    return found


def _box(group: Group, columns: Sequence[str], number: int) -> Box:
    heads = ranked(group)
    layers = sorted({head.layer for head in heads})
    span = "" if not layers else f", layer {layers[0]}" if len(layers) == 1 else f", layers {layers[0]} to {layers[-1]}"
    count = f"{len(heads)} head{'' if len(heads) == 1 else 's'}{span}"
    wide = max((len(str(head)) for head in heads), default=0) + 1
    words = [str(head).ljust(wide) for head in sorted(heads)[:MOST]]
    across = CHARACTERS // wide
    rows = ["".join(words[start : start + across]) for start in range(0, len(words), across)]
    more = [f"and {len(heads) - MOST} more"] if len(heads) > MOST else []
    layer = fmean(head.layer for head in heads) if heads else 0.0
    return Box(group.name, clip(group.name, 26), (count, *rows, *more), columns.index(group.position), layer, number)


def _stubs(discovery: Discovery, columns: dict[str, int]) -> list[Box]:
    """Each receiver that is no group here, on top of the column of the first group that feeds it."""
    senders: dict[str, int] = {}
    for sender, receiver in hops(discovery):
        if receiver not in columns:
            senders.setdefault(receiver, columns[sender])
    return [
        Box(name, clip(name, 26), (), column, inf, len(columns) + number)
        for number, (name, column) in enumerate(senders.items())
    ]


def _stack(boxes: list[Box], column: int) -> list[Box]:
    """The boxes of a column from below."""
    return sorted((box for box in boxes if box.column == column), key=lambda box: (box.layer, -box.place))


def _scale(stacks: list[list[Box]]) -> float:
    """Inches per layer: enough for every two neighbours of a column, but no figure taller than a page."""
    layers = [box.layer for stack in stacks for box in stack if box.lines]
    across = max(layers) - min(layers)
    if across == 0:
        return 0.0
    wanted = [
        (BETWEEN + (below.height + above.height) / 2) / (above.layer - below.layer)
        for stack in stacks
        for below, above in pairwise(stack)
        if above.lines and above.layer > below.layer
    ]
    return min(TALLEST / across, max([SHORTEST / across, *wanted]))


def _settle(stack: list[Box], scale: float) -> list[Box]:
    """Each box at its layer, moved up as far as the one below needs; stubs on top."""
    settled: list[Box] = []
    for box in stack:
        floor = settled[-1].top + BETWEEN if settled else -inf
        wanted = scale * box.layer - box.height / 2 if box.lines else floor
        settled.append(evolve(box, y=max(floor, wanted)))
    return settled


def _arrows(discovery: Discovery, boxes: list[Box]) -> list[Arrow]:
    by_name = {box.name: box for box in boxes}
    pairs = [(by_name[sender], by_name[target], components) for (sender, target), components in hops(discovery).items()]
    ends = [side for sender, target, _ in pairs for side in _sides(sender, target)]
    arrows = []
    for sender, target, components in pairs:
        label = ", ".join(component for component in components if component)
        if sender.column == target.column:
            arrows.append(_upwards(sender, target, label, boxes))
        else:
            start, end = (_on_side(side, ends, pairs) for side in _sides(sender, target))
            arrows.append(Arrow(start, end, label, ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)))
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


def _on_side(
    side: tuple[str, str, str], ends: list[tuple[str, str, str]], pairs: list[tuple[Box, Box, list[str]]]
) -> tuple[float, float]:
    """A point on a box's side; arrows that share the side are spread over it, in the order of their other ends."""
    boxes = {box.name: box for sender, target, _ in pairs for box in (sender, target)}
    box = boxes[side[0]]
    mates = sorted({end for end in ends if end[:2] == side[:2]}, key=lambda end: boxes[end[2]].middle[1])
    share = (mates.index(side) + 1) / (len(mates) + 1)
    return box.x + (BOX if side[1] == "right" else 0.0), box.y + share * box.height


def _upwards(sender: Box, target: Box, label: str, boxes: list[Box]) -> Arrow:
    """Within a column: straight to the next box, round the side past others."""
    x = sender.middle[0]
    over = sender.y < target.y
    between = [box for box in boxes if box.column == sender.column and _inside(box, sender, target)]
    if not between:
        start, end = (x, sender.top if over else sender.y), (x, target.y if over else target.top)
        return Arrow(start, end, label, (x, (start[1] + end[1]) / 2))
    edge = sender.x + BOX
    start, end = (edge, sender.middle[1]), (edge, target.middle[1])
    reach = GAP * 0.4
    bend = 2 * reach / max(abs(end[1] - start[1]), 0.1)
    return Arrow(start, end, label, (edge + reach, (start[1] + end[1]) / 2), bend if over else -bend)


def _inside(box: Box, sender: Box, target: Box) -> bool:
    low, high = sorted((sender.middle[1], target.middle[1]))
    return box.name not in (sender.name, target.name) and low < box.middle[1] < high
