"""A selection: which heads of a hop are kept, from their outcomes."""

from __future__ import annotations

from attrs import frozen

from entrack.address import tagged
from entrack.plan.refs import Chosen, Ref, Screened, Sizes


@tagged("select", "score keep layers heads clean patched taken screen words")
@frozen
class Select:
    """The `keep` heads with the lowest mean score below zero. Computed from outcomes in an instant, never stored.

    `score` is one that `analysis.outcomes.score` knows; `clean` and `patched` are the outcomes per batch (and per
    layer). `layers` and `heads` give the shape of the scores; a layer whose step cannot reach the receivers has score
    exactly 0.
    """

    score: str
    keep: int
    layers: int
    heads: int
    clean: tuple[Ref, ...]
    patched: tuple[tuple[Ref, ...], ...]
    """Per layer, per batch."""
    taken: tuple[Chosen, ...] = ()
    """Earlier groups at the same position: they keep the heads that they have."""
    screen: Screened | None = None
    """What says which heads were run, where not all were."""
    words: tuple[Sizes, ...] = ()
    """Batch by batch, where a word has more tokens than one."""
