"""Layout of the boxes of a circuit diagram, in inches. Nothing is drawn here; `diagram_arrows.py` has the arrows.

Positions are columns, the last token rightmost. A box that has later layers than another, by the mean over its heads,
stands higher, in whatever column: the middle of a box stands at its mean layer, on a scale wide enough for the boxes of
a column not to meet, and moves up as far as what is below it needs. Receivers that are not drawn as groups (the logits;
groups left out) are stubs above all.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import inf, isfinite
from statistics import fmean

from attrs import evolve

from entrack.frozen import frozen
from entrack.report.lookup import counted, ranked
from entrack.report.plots.text import fold, height
from entrack.results import Discovery, Group

SIDE = 0.42
"""Inches of the margins."""
SHAPES = ((1.95, 1.0), (1.7, 0.8), (1.45, 0.7), (1.2, 0.62), (1.0, 0.55))
"""Inches of a box and of the space between columns, in the order in which they are tried."""
LINE, PAD, BETWEEN, STEP = 0.125, 0.08, 0.46, 0.16
"""Heights of a line of heads, of the padding in a box, of the space between boxes, and from one layer's middle to
the next at least."""
NAME = 8.0
"""Points of a name."""
END = 0.17
"""Inches on the side of a box for each arrow that ends there."""
CHARACTER = 0.602 * 7 / 72
"""Inches that a character of a line of heads takes."""
MOST = 160
"""Heads that a box lists; the rest are counted."""
SHORTEST, TALLEST = 0.9, 6.0
"""Inches between the lowest mean layer and the highest, while boxes need no more."""


@frozen
class Box:
    """A group, or a stub (`lines` empty). The first `said` lines say how many heads there are. `y` is its lower
    edge."""

    name: str
    title: str
    lines: tuple[str, ...]
    column: int
    layer: float
    place: int
    wide: float
    gap: float
    ends: int = 0
    y: float = 0.0
    said: int = 1

    @property
    def height(self) -> float:
        return max(height(self.title, NAME) + 2 * PAD + LINE * len(self.lines), END * (self.ends + 1))

    @property
    def x(self) -> float:
        return SIDE + self.column * (self.wide + self.gap)

    @property
    def top(self) -> float:
        return self.y + self.height

    @property
    def middle(self) -> tuple[float, float]:
        return self.x + self.wide / 2, self.y + self.height / 2


def stand(
    discovery: Discovery, wide: float = SHAPES[0][0], gap: float = SHAPES[0][1], spread: float = 1.0
) -> tuple[tuple[str, ...], tuple[Box, ...]]:
    """Columns and boxes. Hops go backwards from the answer, so the first position named is the rightmost column. Boxes
    are so many inches wide and apart; `spread` is how much further than usual they stand above one another."""
    columns = tuple(reversed(dict.fromkeys(group.position for group in discovery.groups)))
    boxes = [_box(group, columns, number, wide, gap) for number, group in enumerate(discovery.groups)]
    boxes += _stubs(discovery, {box.name: box.column for box in boxes}, wide, gap)
    settled = _settle([evolve(box, ends=_ends(box, boxes, discovery)) for box in boxes], BETWEEN * spread)
    lowest = min((box.y for box in settled), default=0.0)
    return columns, tuple(sorted((evolve(box, y=box.y - lowest) for box in settled), key=lambda box: box.place))


def hops(discovery: Discovery) -> dict[tuple[str, str], list[str]]:
    """What each group feeds of each receiver: (sender, receiver) to components; logits have none."""
    found: dict[tuple[str, str], list[str]] = {}
    for group in discovery.groups:
        for receiver in group.receivers:
            target, _, component = receiver.rpartition(".")
            found.setdefault((group.name, target or receiver), []).append(component if target else "")
    return found


def _box(group: Group, columns: Sequence[str], number: int, broad: float, gap: float) -> Box:
    sites = ranked(group)
    layers = sorted({site.layer for site in sites})
    span = "" if not layers else f", layer {layers[0]}" if len(layers) == 1 else f", layers {layers[0]} to {layers[-1]}"
    count = fold(f"{counted(sites)}{span}", broad - PAD, 7).split("\n")
    wide = max((len(str(site)) for site in sites), default=0) + 1
    words = [str(site).ljust(wide) for site in sorted(sites)[:MOST]]
    across = max(1, int((broad - PAD) / CHARACTER) // wide)
    rows = ["".join(words[start : start + across]) for start in range(0, len(words), across)]
    more = [f"and {len(sites) - MOST} more"] if len(sites) > MOST else []
    layer = fmean(site.layer for site in sites) if sites else 0.0
    lines = (*count, *rows, *more)
    title = _title(group.name, broad)
    return Box(group.name, title, lines, columns.index(group.position), layer, number, broad, gap, said=len(count))


def _stubs(discovery: Discovery, columns: dict[str, int], wide: float, gap: float) -> list[Box]:
    """Each receiver that is no group here, on top of the column of the first group that feeds it."""
    senders: dict[str, int] = {}
    for sender, receiver in hops(discovery):
        if receiver not in columns:
            senders.setdefault(receiver, columns[sender])
    return [
        Box(name, _title(name, wide), (), column, inf, len(columns) + number, wide, gap)
        for number, (name, column) in enumerate(senders.items())
    ]


def _title(name: str, wide: float) -> str:
    return fold(name, wide - 2 * PAD, NAME, "bold")


def _ends(box: Box, boxes: Sequence[Box], discovery: Discovery) -> int:
    """How many arrows to and from other columns end at the busier side of a box."""
    columns = {each.name: each.column for each in boxes}
    mates = [pair[1] if pair[0] == box.name else pair[0] for pair in hops(discovery) if box.name in pair]
    return max(sum(columns[mate] < box.column for mate in mates), sum(columns[mate] > box.column for mate in mates))


def _settle(boxes: Sequence[Box], between: float) -> list[Box]:
    """Layer by layer from below: all boxes of a layer above the middles of those before, and clear of those in their
    own columns."""
    scale = _scale(boxes, between)
    tops: dict[int, float] = {}
    middle = -inf
    settled: list[Box] = []
    for layer in sorted({box.layer for box in boxes}):
        stacks = _stacks(boxes, layer)
        floors = [tops[column] + between + stack[0].height / 2 for column, stack in stacks.items() if column in tops]
        first = max([middle + STEP, *floors, *([scale * layer] if isfinite(layer) else [])])
        for column, stack in stacks.items():
            y = first - stack[0].height / 2
            for box in stack:
                settled.append(evolve(box, y=y))
                y = settled[-1].top + between
            tops[column] = settled[-1].top
        middle = max([middle, *(box.middle[1] for box in settled)])
    return settled


def _stacks(boxes: Sequence[Box], layer: float) -> dict[int, list[Box]]:
    """The boxes of a layer by column, from below."""
    stacks: dict[int, list[Box]] = {}
    for box in sorted((box for box in boxes if box.layer == layer), key=lambda box: -box.place):
        stacks.setdefault(box.column, []).append(box)
    return stacks


def _scale(boxes: Sequence[Box], between: float) -> float:
    """Inches per layer: enough for every two neighbours of a column, but no figure taller than a page."""
    layers = [box.layer for box in boxes if box.lines]
    across = max(layers, default=0.0) - min(layers, default=0.0)
    if across == 0:
        return 0.0
    columns = [
        sorted((box for box in boxes if box.lines and box.column == column), key=lambda box: box.layer)
        for column in {box.column for box in boxes}
    ]
    wanted = [
        (between + (below.height + above.height) / 2) / (above.layer - below.layer)
        for column in columns
        for below, above in pairwise(column)
        if above.layer > below.layer
    ]
    return min(TALLEST / across, max([SHORTEST / across, *wanted]))
