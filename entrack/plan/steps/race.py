"""A look at a race: which senders of a hop are run on the prompts that are left, from their outcomes so far."""

from __future__ import annotations

from entrack.address import tagged
from entrack.frozen import frozen
from entrack.plan.refs import Ref, Screened, Sizes
from entrack.ranking import Ranking


@tagged("race", "score keep level prompts looks layers heads clean patched mlps before screen ranking words")
@frozen
class Race:
    """The sites of a hop that run on after one more round of prompts: those of which it is not certain, at `level`,
    whether all `prompts` would keep them. After the last round there are none.

    `looks` are all rounds but the last; `clean`, `patched` and `mlps` are those of a `Select`, of this round's batches
    alone. `before` is the look before this one, None in the first round; `screen` says which sites were run in that.
    Computed in an instant, never stored.
    """

    score: str
    keep: int
    level: float
    prompts: int
    looks: int
    layers: int
    heads: int
    clean: tuple[Ref, ...]
    patched: tuple[tuple[Ref, ...], ...]
    """Per layer, per batch."""
    mlps: tuple[tuple[Ref, ...], ...] = ()
    """Per layer, per batch."""
    before: Screened | None = None
    screen: Screened | None = None
    ranking: Ranking = Ranking.LOWEST
    words: tuple[Sizes, ...] = ()
    """Batch by batch, where a word has more tokens than one."""
