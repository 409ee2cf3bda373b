"""Labels: names of axes and of their places, wrapped or turned so that they do not run into each other."""

from __future__ import annotations

import re

from matplotlib.axes import Axes

from entrack.report.words import clip
from entrack.results import Axis, Measure

WORD = re.compile(r"[^ _]*[ _]|[^ _]+")
"""A piece of a label after which a line may end."""


def names(axes: Axes, axis: Axis, inches: float, first: float = 0.0) -> None:
    """The labels of an axis under their places, `first` and on: wrapped, or turned where they are many or long."""
    room = max(1, int(inches * 13 / len(axis.labels)))
    longest = max((len(word) for label in axis.labels for word in WORD.findall(label)), default=0)
    turned = longest > room
    labels = [clip(label, 26) if turned else wrapped(clip(label, 40), max(room, 6)) for label in axis.labels]
    axes.set_xticks([place + first for place in range(len(labels))], labels=labels)
    axes.tick_params("x", length=0)
    if turned:
        many = len(labels) > 14
        for text in axes.get_xticklabels():
            text.set(
                rotation=90 if many else 30, ha="center" if many else "right", fontsize=6 if len(labels) > 40 else 7.5
            )
            text.set_rotation_mode("default" if many else "anchor")


def wrapped(label: str, room: int) -> str:
    """Broken after spaces and underscores, into lines of at most `room` characters where words allow."""
    rows = [""]
    for word in WORD.findall(label):
        if rows[-1] and len(rows[-1] + word.rstrip()) > room:
            rows.append("")
        rows[-1] += word
    return "\n".join(row.rstrip() for row in rows)


def label_sides(axes: list[Axes], across: int, x: str, y: str) -> None:
    """The y label on the left of each row, the x label under the last panel of each column."""
    for place, each in enumerate(axes):
        if place % across == 0:
            each.set_ylabel(y)
        if place + across >= len(axes):
            each.set_xlabel(x)
        else:
            each.tick_params("x", labelbottom=False)


def value_label(measure: Measure) -> str:
    """`accuracy (fraction)`; the unit is left out where it is the metric's own name."""
    words = measure.metric if measure.unit in ("", measure.metric) else f"{measure.metric} ({measure.unit})"
    return clip(words, 44)
