"""A selection: which sites of a hop are kept, from their outcomes."""

from __future__ import annotations

from entrack.address import tagged
from entrack.frozen import frozen
from entrack.plan.refs import Chosen, Ref, Screened, Sizes
from entrack.ranking import Ranking


@tagged("select", "score keep layers heads clean patched taken screen mlps ranking words rate race")
@frozen
class Select:
    """The `keep` sites whose mean scores are the first by `ranking`. Computed from outcomes in an instant, never
    stored.

    `score` is one that `analysis.outcomes.score` knows; `clean` are the outcomes per batch, `patched` those of heads
    and `mlps` those of MLPs, empty where these do not send. `layers` and `heads` say which sites these are; a layer
    whose step cannot reach the receivers has score exactly 0.
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
    """What says which sites were run, where not all were."""
    mlps: tuple[tuple[Ref, ...], ...] = ()
    """Per layer, per batch."""
    ranking: Ranking = Ranking.LOWEST
    words: tuple[Sizes, ...] = ()
    """Batch by batch, where a word has more tokens than one."""
    rate: float | None = None
    """The false discovery rate at which those kept are significant; None: the first `keep` are kept."""
    race: Screened | None = None
    """The last look of the race, where not all sites were run on all prompts."""
