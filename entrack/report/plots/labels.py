"""Axis and tick labels: shown whole, distinguishable from one another, and wrapped or rotated so that they do not
overlap."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import product
from math import ceil, inf
from typing import Any

from matplotlib.axes import Axes

from entrack.frozen import frozen
from entrack.report.format import MOST, told_apart, visible
from entrack.report.plots.frame import Frame
from entrack.report.plots.text import broken, drawable, fold, height, inches
from entrack.results import Axis, Measure

SIZE, SMALL = 7.5, 6.0
"""Points of labels, and of many on one axis."""
APART, SLANTED = 0.08, 0.28
"""Inches between labels side by side, and from one slanted label to the next at least."""
SLANT, LONGEST, MOST_LINES = 30, 2.6, 5
"""Degrees of slanted labels, inches of the longest line of a turned label, lines of a flat one."""
LEGEND = 2.1
"""Inches of a line of a legend."""
PIECE = re.compile(r"\w+|\W")
"""A piece of a label that labels may have in common."""
LONG = 20
"""Characters of the longest label from which labels are told apart by what they do not share."""
NOTHING = "nothing"
"""What the intervention is called that changes nothing."""
ONE = {"layers": "layer", "heads": "head", "neurons": "neuron", "tokens": "token", "positions": "position"}
"""What one of those is called that a loop goes through."""
WORD = 24
"""Characters of a token that are shown."""


def shown(axis: Axis) -> tuple[tuple[str, ...], str]:
    """The labels of an axis, no two alike, and what it is called; of long labels what differs, and what all share after
    the name.

    `patch cir.a.heads from goat` and `... from float` are `goat` and `float` of `intervention: patch cir.a.heads from
    …`. `nothing` beside them stays as it is. Where another label is made otherwise, such as `zero cir.a`, all stay
    whole: what is left of one would be read as the rest of another. What is given to an intervention, as in
    `without(cir.a)`, is not cut out of its brackets. Tokens are `2 map`: a number, and the text in the first prompt.
    """
    if axis.over in ONE:
        texts = token_words(axis) or ("",) * len(axis.labels)
        said = (f"{label} {word}".rstrip() for label, word in zip(axis.labels, texts, strict=True))
        return told_apart(tuple(said)), _called(axis)
    others = [label for label in axis.labels if label != NOTHING]
    if len(others) < 2 or not LONG <= max(map(len, others)) <= MOST:
        return told_apart(axis.labels), axis.name
    pieces = [PIECE.findall(label) for label in others]
    before, after = _alike(pieces), _alike([each[::-1] for each in pieces])
    for first, last in sorted(product(range(before + 1), range(after + 1)), key=lambda pair: (-sum(pair), pair)):
        rest = ["".join(each[first : len(each) - last]).strip() for each in pieces if first + last < len(each)]
        if len(rest) == len(pieces) and first + last and "(" not in pieces[0][:first] and _good(rest):
            words, short = pieces[0], dict(zip(others, rest, strict=True))
            named = f"{axis.name}: {''.join(words[:first])}…{''.join(words[len(words) - last :])}"
            return told_apart([short.get(label, label) for label in axis.labels]), named
    return told_apart(axis.labels), axis.name


def _good(rest: list[str]) -> bool:
    """Whether these read as words of their own, and differ from each other and from `nothing`."""
    return all(_whole(each) for each in rest) and len({*rest, NOTHING}) == len(rest) + 1


def token_words(axis: Axis) -> tuple[str, ...]:
    """The texts of the tokens of an axis, without the spaces around them, a new line as `\\n`; of a very long one its
    beginning."""
    plain = (token.strip(" ").replace("\n", "\\n").replace("\t", "\\t") for token in axis.tokens)
    words = (" ".join(visible(token).split()) for token in plain)
    return tuple(drawable(word if len(word) <= WORD else f"{word[: WORD - 1]}…") for word in words)


def _called(axis: Axis) -> str:
    """`layer k` for a `k` that goes through layers."""
    one = ONE[axis.over]
    return one if axis.name == one else f"{one} {axis.name}"


@frozen
class Set:
    """Labels as they are set under an axis: in lines, at an angle, in points, taking so many inches of height."""

    labels: tuple[str, ...]
    angle: int
    size: float
    depth: float


def depth(axis: Axis, room: float) -> float:
    """Inches that the labels under an axis take, where the axis is `room` inches wide."""
    return _set(shown(axis)[0], room).depth


def names(axes: Axes, axis: Axis, room: float, first: float = 0.0) -> None:
    """The labels of an axis of `room` inches under their places, `first` and on: in lines, or turned where they are
    many or long."""
    found = _set(shown(axis)[0], room)
    axes.set_xticks([place + first for place in range(len(found.labels))], labels=list(found.labels))
    axes.tick_params("x", length=0, labelsize=found.size)
    for text in axes.get_xticklabels():
        text.set(rotation=found.angle, ha="right" if found.angle == SLANT else "center", va="top")
        text.set_rotation_mode("anchor" if found.angle == SLANT else "default")


def _set(labels: tuple[str, ...], room: float) -> Set:
    """Flat, in lines, where no word need be broken; slanted where each is one line; else upright, in lines again."""
    each = room / len(labels)
    flat = [fold(label, max(each - APART, 0.1), SIZE) for label in labels]
    if (
        not any(broken(label, each - APART, SIZE) for label in labels)
        and max(label.count("\n") for label in flat) < MOST_LINES
    ):
        return Set(tuple(flat), 0, SIZE, max(height(label, SIZE) for label in flat))
    longest = max(inches(drawable(label), SIZE) for label in labels)
    if each >= SLANTED and longest <= LONGEST:
        return Set(tuple(fold(label, inf, SIZE) for label in labels), SLANT, SIZE, (longest + 0.2) / 2)
    size = SIZE if each >= height("", SIZE) else SMALL
    upright = [fold(label, LONGEST, size) for label in labels]
    return Set(tuple(upright), 90, size, max(inches(label, size) for label in upright) + 0.05)


@frozen
class Key:
    """The words of a legend: its labels, what it is called, and where it stands: beside the panels, or above them in so
    many columns. `across` are the inches that it takes beside them."""

    labels: tuple[str, ...]
    name: str
    beside: bool
    columns: int = 1
    across: float = 0.0


def key(labels: Sequence[str], name: str, width: float, needed: float) -> Key:
    """A legend for a figure of `width` inches, of which its panels need so many."""
    folded = tuple(fold(label, LEGEND, SIZE) for label in labels)
    called = fold(name, max(1.6, *(inches(label, SIZE) + 0.4 for label in folded)), 8)
    across = max([inches(label, SIZE) + 0.5 for label in folded] + [inches(called, 8)]) + 0.15
    if width - across >= needed:
        return Key(folded, called, beside=True, across=across)
    room = width - 0.2
    wide = [fold(label, min(LEGEND, room - 0.5), SIZE) for label in labels]
    most = max(1, int(room / (max(inches(label, SIZE) for label in wide) + 0.55)))
    columns = ceil(len(wide) / ceil(len(wide) / most))
    return Key(tuple(wide), fold(name, room, 8), beside=False, columns=columns)


def legend(frame: Frame, handles: Sequence[Any], found: Key, **style: Any) -> None:
    """Put a legend where its key says."""
    frame.legend_beside = found.beside
    frame.legend = frame.figure.legend(
        handles,
        found.labels,
        title=found.name or None,
        loc="upper left",
        ncols=found.columns,
        borderpad=0,
        borderaxespad=0,
        columnspacing=1.2,
        alignment="left",
        **style,
    )


def _alike(pieces: list[list[str]]) -> int:
    """How many pieces all begin with."""
    return next(
        (place for place, each in enumerate(zip(*pieces, strict=False)) if len(set(each)) > 1), min(map(len, pieces))
    )


def _whole(text: str) -> bool:
    """Whether this reads as words of its own: it begins with one, and its brackets are closed."""
    return re.match(r"[\w(\[{]", text) is not None and all(
        text.count(opened) == text.count(closed) for opened, closed in ("()", "[]", "{}")
    )


def label_sides(axes: list[Axes], across: int, x: str, y: str, room: float) -> None:
    """The y label on the left of each row, the x label under the last panel of each column, `room` inches wide."""
    for place, each in enumerate(axes):
        if place % across == 0:
            each.set_ylabel(y)
        if place + across >= len(axes):
            each.set_xlabel(fold(x, max(room, 1.0), 8))
        else:
            each.tick_params("x", labelbottom=False)


def value_label(measure: Measure, room: float) -> str:
    """`accuracy (fraction)` in lines of `room` inches; the unit is left out where it is the metric's own name."""
    return fold(
        measure.metric if measure.unit in ("", measure.metric) else f"{measure.metric} ({measure.unit})",
        max(room, 1.0),
        8,
    )
