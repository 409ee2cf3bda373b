"""Which cells of a grid labels mean: in a claim, and in Python."""

from __future__ import annotations

from collections.abc import Sequence


def told_apart(cells: Sequence[tuple[str, ...]], wanted: Sequence[str]) -> list[tuple[str, ...]]:
    """Of cells that all carry the labels `wanted`, those that are meant. Where several axes have the same labels, as
    layers and heads have, labels that stand in the order of the axes say which is meant."""
    in_order = [cell for cell in cells if _follow(wanted, cell)] if len(cells) > 1 else []
    return in_order if len(in_order) == 1 else list(cells)


def _follow(wanted: Sequence[str], cell: tuple[str, ...]) -> bool:
    """Whether the labels stand in a cell one after the other, whatever stands between."""
    labels = iter(cell)
    return all(label in labels for label in wanted)
