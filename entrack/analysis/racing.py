"""Races: which senders it is certain of, after some of the prompts, whether all prompts would keep them.

The prompts so far are a sample without replacement of all. How a sender's mean over all prompts compares with another's
is bounded by their differences prompt by prompt. Definition, and what was measured: docs/semantics.md, "Races".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import assert_never

import numpy as np
from attrs import evolve, field
from numpy.typing import NDArray

from entrack.analysis.intervals import skewed_limits
from entrack.analysis.outcomes import Array, BySite, Outcome
from entrack.analysis.screening import Screening, would_be_kept
from entrack.analysis.sender_scores import Patched, first, own_means, own_prompts, scores_of
from entrack.check.resolved import BATCH
from entrack.frozen import frozen
from entrack.plan.steps import Race
from entrack.ranking import Ranking
from entrack.results import Race as Result
from entrack.sites import Part, Site, every_sender

Certain = NDArray[np.bool_]
RIVALS = 2
"""How many times as many as there are places are compared with everyone: the best so far."""
ALIKE = 1e-12
"""The share of their squares below which two sites do not differ but by rounding."""


@frozen(eq=False)
class Racing:
    """How a race stands after a look.

    `entered` are all that could be kept, `guests` those that a screen has checked: they are told whether they would
    have been kept, and never are. `inside` and `outside` say of those decided after how many prompts they were;
    `running` run on. `scores` are those of all sites (site, prompt so far), not a number where one was not run.
    """

    entered: tuple[Site, ...]
    guests: tuple[Site, ...]
    inside: Mapping[Site, int]
    outside: Mapping[Site, int]
    running: tuple[Site, ...]
    scores: BySite = field(repr=False)
    known_zero: int

    @property
    def kept(self) -> tuple[Site, ...]:
        """Those that are decided to be kept."""
        return tuple(site for site in self.entered if site in self.inside)

    @property
    def would(self) -> tuple[Site, ...]:
        """The guests that would have been kept."""
        return tuple(site for site in self.guests if site in self.inside)

    @property
    def undecided(self) -> tuple[Site, ...]:
        """Of those that could be kept."""
        return tuple(site for site in self.entered if site not in self.inside and site not in self.outside)

    @property
    def unanswered(self) -> tuple[Site, ...]:
        """Guests that are not decided."""
        return tuple(site for site in self.guests if site not in self.inside and site not in self.outside)

    @property
    def prompts(self) -> int:
        """How many prompts there were so far."""
        many: int = self.scores.values.shape[1]
        return many

    @property
    def means(self) -> BySite:
        """Of each site, over its own prompts."""
        return own_means(self.scores)


def look(
    node: Race,
    clean: Sequence[Outcome],
    patched: Mapping[Part, Patched],
    before: Racing | None = None,
    screening: Screening | None = None,
) -> Racing:
    """How a race stands after a round, whose outcomes are as those of a selection. Raises NotANumber."""
    standing = before or _start(node, patched, screening)
    reaching = frozenset(screening.reaching if screening else standing.entered)
    new = scores_of(node, clean, patched, frozenset(standing.running), reaching)
    values = np.concatenate([standing.scores.values, new.values], axis=1)
    standing = evolve(standing, scores=BySite(new.sites, values))
    if standing.prompts == node.prompts:
        return _finished(node, standing)
    return _looked(node, standing) if standing.running else standing


def race_of(racing: Racing, node: Race) -> Result:
    """A race that is over, as results show it. `node` is its last look."""
    senders = (*racing.entered, *racing.guests)
    prompts = dict(zip(senders, own_prompts(racing.scores.of(senders)).tolist(), strict=True))
    late = tuple(site for site in racing.entered if {**racing.inside, **racing.outside}[site] == node.prompts)
    return Result(
        level=node.level,
        looks=tuple(BATCH * (round + 1) for round in range(node.looks)),
        pairs=sum(prompts.values()),
        of_pairs=len(senders) * node.prompts,
        prompts=prompts,
        inside=racing.inside,
        outside=racing.outside,
        undecided=late,
    )


def _start(node: Race, patched: Mapping[Part, Patched], screening: Screening | None) -> Racing:
    """Before the first round, of which None says that a layer cannot reach a receiver."""
    every = tuple(site for part in patched for site in every_sender(part, node.layers, node.heads))
    reaching = tuple(site for site in every if patched[site.part][site.layer] is not None)
    entered, guests = (screening.through, screening.checked) if screening else (reaching, ())
    scores = BySite(every, np.zeros((len(every), 0)))
    zeros = screening.known_zero if screening else len(every) - len(reaching)
    return Racing(tuple(sorted(entered)), guests, {}, {}, (*entered, *guests), scores, zeros)


def _looked(node: Race, standing: Racing) -> Racing:
    """After some of the prompts."""
    running = set(standing.running)
    pool = tuple(site for site in standing.entered if site in running)
    guests = standing.unanswered
    values = standing.scores.of((*pool, *guests))
    places = node.keep - len(set(standing.kept) - set(pool))
    inside, outside = verdicts(node.ranking, values, len(pool), places, node.prompts, tail_of(node, standing))
    new = np.array([site not in standing.inside for site in (*pool, *guests)])
    return _running(_told(standing, (*pool, *guests), inside & new, outside & new))


def tail_of(node: Race, standing: Racing) -> float:
    """How likely each single comparison may be wrong, so that none is at the race's level: of one of those that all
    prompts would keep with one of the others, or with zero, at any look."""
    others = len(standing.entered) + len(standing.guests) + 1
    directions = 2 if node.ranking is Ranking.STRONGEST else 1
    return (1 - node.level) / (node.looks * node.keep * others * directions)


def verdicts(
    ranking: Ranking, values: Array, pool: int, places: int, prompts: int, tail: float
) -> tuple[Certain, Certain]:
    """Who is certainly among the `places` best of all `prompts`, and who certainly is not, from scores (site, prompt)
    of some of them. The first `pool` sites run for the places; the others only ask whether they would have one."""
    best = np.argsort([ranking.key(mean) for mean in values[:pool].mean(axis=1)], kind="stable")[: RIVALS * places]
    rivals = np.array([*best, *range(pool, len(values))], dtype=int)
    worse = _worse(ranking, values, values[rivals], prompts, tail)
    beaten, beats = worse[: len(best)].sum(axis=0), np.zeros(len(values), dtype=int)
    beats[rivals] = worse[:, :pool].sum(axis=1)
    kept, refused = _sides(ranking, values, prompts, tail)
    enough = pool - places + (np.arange(len(values)) >= pool)
    return kept & (beats >= enough), refused | (beaten >= places)


def _worse(ranking: Ranking, values: Array, rivals: Array, prompts: int, tail: float) -> Certain:
    """Who certainly comes after each rival, (rival, site)."""
    low, high = _limits(values, rivals, prompts, tail)
    match ranking:
        case Ranking.LOWEST:
            return low > 0
        case Ranking.HIGHEST:
            return high < 0
        case Ranking.STRONGEST:  # a * a < b * b where a - b and a + b are of unlike signs
            total_low, total_high = _limits(values, -rivals, prompts, tail)
            return ((low > 0) & (total_high < 0)) | ((high < 0) & (total_low > 0))
    assert_never(ranking)


def _sides(ranking: Ranking, values: Array, prompts: int, tail: float) -> tuple[Certain, Certain]:
    """Whose mean over all prompts may certainly be kept, and whose may certainly not."""
    ((low,), (high,)) = _limits(values, np.zeros((1, values.shape[1])), prompts, tail)
    match ranking:
        case Ranking.LOWEST:
            return high < 0, low > 0
        case Ranking.HIGHEST:
            return low > 0, high < 0
        case Ranking.STRONGEST:
            return (low > 0) | (high < 0), np.zeros(len(values), dtype=bool)
    assert_never(ranking)


def _limits(values: Array, rivals: Array, prompts: int, tail: float) -> tuple[Array, Array]:
    """The limits of the means over all `prompts` of the differences of sites (site, prompt) from rivals (rival,
    prompt), of some prompts: with what is left, they move less. -> (rival, site)"""
    many = values.shape[1]
    mean, rival_mean = values.mean(axis=1), rivals.mean(axis=1)
    x, y = values - mean[:, None], rivals - rival_mean[:, None]
    squares = (x * x).sum(axis=1) + (y * y).sum(axis=1)[:, None]
    size = squares - 2 * y @ x.T
    size = np.where(size > ALIKE * squares, size, 0.0)
    cubes = (x * x * x).sum(axis=1) - (y * y * y).sum(axis=1)[:, None] + 3 * ((y * y) @ x.T - y @ (x * x).T)
    skew = sqrt(many) * cubes / np.where(size > 0, size, 1.0) ** 1.5
    value = mean - rival_mean[:, None]
    low, high = skewed_limits(value, np.sqrt(size) / many, skew, many, tail)
    left = sqrt(1 - many / prompts)
    return value + left * (low - value), value + left * (high - value)


def _finished(node: Race, standing: Racing) -> Racing:
    """After all prompts: whoever is not decided is put in order by mean scores."""
    means = standing.means
    kept = (*standing.kept, *first(node.ranking, means, standing.undecided)[: node.keep - len(standing.kept)])
    would = would_be_kept(standing.unanswered, means, kept, node.keep, node.ranking)
    rest = (*standing.undecided, *standing.unanswered)
    inside = np.array([site in {*kept, *would} for site in rest], dtype=bool)
    return evolve(_told(standing, rest, inside, ~inside), running=())


def _told(standing: Racing, sites: Sequence[Site], inside: Certain, outside: Certain) -> Racing:
    """With verdicts of some."""

    def now(verdicts: Certain) -> dict[Site, int]:
        return {site: standing.prompts for site, one in zip(sites, verdicts, strict=True) if one}

    return evolve(standing, inside={**standing.inside, **now(inside)}, outside={**standing.outside, **now(outside)})


def _running(standing: Racing) -> Racing:
    """Who runs on: the undecided; while a guest asks, those that are kept too, for it is compared with them."""
    asking = standing.unanswered
    return evolve(standing, running=(*standing.undecided, *asking, *(standing.kept if asking else ())))
