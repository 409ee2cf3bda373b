"""Labels: names of axes and of their places, wrapped or turned so that they do not run into each other."""

from __future__ import annotations

import re
from itertools import product
from textwrap import fill

from matplotlib.axes import Axes

from entrack.report.words import clip
from entrack.results import Axis, Measure

WORD = re.compile(r"[^ _.]*[ _.]|[^ _.]+")
"""A piece of a label after which a line may end."""
PIECE = re.compile(r"\w+|\W")
"""A piece of a label that labels may have in common."""
LONG = 20
"""Characters from which labels are told apart by what they do not share."""


def shown(axis: Axis) -> tuple[tuple[str, ...], str]:
    """The labels of an axis and what it is called; of long labels what differs, and what they share after the name.

    `patch cir.a.heads from goat` and `... from float` are `goat` and `float` of `intervention: patch cir.a.heads from …`.
    A short label beside them, such as `nothing`, stays as it is.
    """
    long = [label for label in axis.labels if len(label) >= LONG]
    if len(long) < 2:
        return axis.labels, axis.name
    pieces = [PIECE.findall(label) for label in long]
    before, after = _alike(pieces), _alike([each[::-1] for each in pieces])
    for first, last in sorted(product(range(before + 1), range(after + 1)), key=lambda pair: (-sum(pair), pair)):
        rest = ["".join(each[first : len(each) - last]).strip() for each in pieces if first + last < len(each)]
        if len(rest) == len(pieces) and all(_whole(each) for each in rest) and first + last:
            words, short = pieces[0], dict(zip(long, rest, strict=True))
            return tuple(short.get(label, label) for label in axis.labels), f"{axis.name}: {''.join(words[:first])}…{''.join(words[len(words) - last :])}"
    return axis.labels, axis.name


def layer_words(measure: Measure, axis: Axis) -> str:
    """`layer k` for the `k` of `block attention ... in layers k..`: what a number along x counts."""
    said = (label for each in measure.axes if each is not axis for label in each.labels)
    return f"layer {axis.name}" if any(re.search(rf"\blayers {re.escape(axis.name)}\b", label) for label in said) else shown(axis)[1]


def depth(axis: Axis, inches: float) -> float:
    """Inches that the labels under an axis take."""
    labels, _ = shown(axis)
    room = _room(labels, inches)
    if _turned(labels, room):
        longest = min(40, max(len(label) for label in labels))
        return 0.07 * longest * (1.0 if len(labels) > 14 else 0.5)
    return 0.12 * max(wrapped(clip(label, 40), max(room, 6)).count("\n") + 1 for label in labels)


def names(axes: Axes, axis: Axis, inches: float, first: float = 0.0) -> None:
    """The labels of an axis under their places, `first` and on: wrapped, or turned where they are many or long."""
    whole, _ = shown(axis)
    room = _room(whole, inches)
    turned = _turned(whole, room)
    labels = [clip(label, 40) if turned else wrapped(clip(label, 40), max(room, 6)) for label in whole]
    axes.set_xticks([place + first for place in range(len(labels))], labels=labels)
    axes.tick_params("x", length=0)
    if turned:
        many = len(labels) > 14
        for text in axes.get_xticklabels():
            text.set(
                rotation=90 if many else 30, ha="center" if many else "right", fontsize=6 if len(labels) > 40 else 7.5
            )
            text.set_rotation_mode("default" if many else "anchor")


def legend_words(axis: Axis) -> tuple[list[str], str]:
    """The labels of a legend and its title."""
    labels, name = shown(axis)
    return [fill(clip(label, 80), 30) for label in labels], fill(clip(name, 120), 30)


def _room(labels: tuple[str, ...], inches: float) -> int:
    return max(1, int(inches * 13 / len(labels)))


def _turned(labels: tuple[str, ...], room: int) -> bool:
    return max((len(word) for label in labels for word in WORD.findall(label)), default=0) > room


def _alike(pieces: list[list[str]]) -> int:
    """How many pieces all begin with."""
    return next((place for place, each in enumerate(zip(*pieces, strict=False)) if len(set(each)) > 1), min(map(len, pieces)))


def _whole(text: str) -> bool:
    """Whether this reads as words of its own: it begins with one, and its brackets are closed."""
    return re.match(r"[\w(\[{]", text) is not None and all(text.count(opened) == text.count(closed) for opened, closed in ("()", "[]", "{}"))


def wrapped(label: str, room: int) -> str:
    """Broken after spaces and underscores, into lines of at most `room` characters where words allow."""
    rows = [""]
    for word in WORD.findall(label):
        if rows[-1] and len(rows[-1] + word.rstrip()) > room:
            rows.append("")
        rows[-1] += word
    return "\n".join(row.rstrip() for row in rows)


def label_sides(axes: list[Axes], across: int, x: str, y: str, width: float) -> None:
    """The y label on the left of each row, the x label under the last panel of each column, wrapped to a figure's width in inches."""
    room = max(20, int(width / across * 12))
    for place, each in enumerate(axes):
        if place % across == 0:
            each.set_ylabel(y)
        if place + across >= len(axes):
            each.set_xlabel(fill(clip(x, 160), room))
        else:
            each.tick_params("x", labelbottom=False)


def value_label(measure: Measure) -> str:
    """`accuracy (fraction)`; the unit is left out where it is the metric's own name."""
    words = measure.metric if measure.unit in ("", measure.metric) else f"{measure.metric} ({measure.unit})"
    return fill(clip(words, 80), 32)
