"""A screen: which heads of a hop are run, from estimates of all."""

from __future__ import annotations

from attrs import frozen

from entrack.address import tagged
from entrack.plan.refs import Chosen, Ref, Sizes


@tagged("screen", "score through check seed hop layers heads clean estimates receivers words")
@frozen
class Screen:
    """The heads of a hop that are run: the `through` with the lowest mean estimate, and `check` of the others, drawn by
    (`seed`, `hop`).

    `score` is one that `analysis.outcomes.score` knows; `clean` and `estimates` are `Evaluate`s and `Attribute`s per
    batch. Heads that cannot reach a receiver, by the heads that `receivers` chose, are not among any of them. Computed
    in an instant, never stored.
    """

    score: str
    through: int
    check: int
    seed: int
    hop: int
    layers: int
    heads: int
    clean: tuple[Ref, ...]
    estimates: tuple[Ref, ...]
    receivers: tuple[Chosen, ...] = ()
    words: tuple[Sizes, ...] = ()
    """Batch by batch, where a word has more tokens than one."""
