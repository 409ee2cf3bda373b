"""A screen: which sites of a hop are run, from estimates of all."""

from __future__ import annotations

from entrack.address import tagged
from entrack.frozen import frozen
from entrack.plan.refs import Ref, Sites, Sizes
from entrack.ranking import Ranking
from entrack.sites import HEADS, Part


@tagged("screen", "score through check seed hop layers heads clean estimates receivers senders parallel ranking words")
@frozen
class Screen:
    """The sites of a hop that are run: the `through` whose mean estimates are the first by `ranking`, and `check` of
    the others, drawn by (`seed`, `hop`).

    `score` is one that `analysis.outcomes.score` knows; `clean` and `estimates` are `Evaluate`s and `Attribute`s per
    batch; `senders` are the parts of all `layers` that send. Sites that cannot reach one of the `receivers` are not
    among any of them; `parallel` says which kind of block the model is made of. Computed in an instant, never stored.
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
    receivers: tuple[Sites, ...] = ()
    senders: tuple[Part, ...] = HEADS
    parallel: bool = False
    ranking: Ranking = Ranking.LOWEST
    words: tuple[Sizes, ...] = ()
    """Batch by batch, where a word has more tokens than one."""
