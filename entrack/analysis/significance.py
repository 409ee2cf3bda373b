"""Which scores differ from zero: the p value of each site's mean score, and those that are significant with the false
discovery rate held.

A p value is the larger of Student's and of Hall's, which are the tails that the limits of a mean are made with
(`intervals.mean_limits`); Hall's takes the skewness to be `DOUBT` standard errors worse than it was found. Which is
tested is what a hop keeps: below zero for the lowest, above for the highest, either for the strongest. Definition and
what was measured of it: docs/semantics.md, "Significance".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf, sqrt
from typing import assert_never

import numpy as np

from entrack.analysis.intervals import normal_quantile, t_quantile, t_tail
from entrack.analysis.outcomes import Array, BySite
from entrack.analysis.resampling import resampled_rows
from entrack.analysis.screening import Screening, of_checked
from entrack.analysis.sender_scores import first
from entrack.plan.steps import Select
from entrack.ranking import Ranking
from entrack.results import Missed, Significance
from entrack.sites import Site

RATE = 0.05
"""The false discovery rate of hops that say none: what is significant at it is shown, and decides nothing."""
DOUBT = normal_quantile(0.05)
"""Standard errors by which skewness may be worse than it was found."""


def significance(
    node: Select, outcomes: BySite, tested: Sequence[Site], able: Sequence[Site], tests: int
) -> Significance:
    """Of the scores (site, prompt) of a hop. `tested` were run, of which those `able` may be kept; of all `tests` that
    could be, the others count as not significant at all, so that leaving them out finds no more."""
    p = dict(zip(tested, p_values(outcomes.of(tested), node.ranking).tolist(), strict=True))
    may = [site for site in able if site in p]
    q = dict(zip(may, adjusted([p[site] for site in may], tests), strict=True))
    rate = RATE if node.rate is None else node.rate
    best = [site for site in first(node.ranking, outcomes.mean(), may) if q[site] <= rate]
    return Significance(
        rate, tests, node.rate is not None, tuple(best), _of_all(outcomes.sites, p), _of_all(outcomes.sites, q)
    )


def _of_all(sites: Sequence[Site], values: Mapping[Site, float]) -> dict[Site, float | None]:
    return {site: values.get(site) for site in sites}


def significant_again(
    known: Significance, ranking: Ranking, outcomes: BySite, sites: Sequence[Site]
) -> tuple[float, ...]:
    """How often each of these sites, which are significant, has a p value as small as it has to be in resamples of the
    prompts."""
    rows = outcomes.of(sites)
    many, centre = rows.shape[1], rows.mean(axis=1, keepdims=True)
    if not sites:
        return ()
    first, second, third = (resampled_rows((rows - centre) ** power, "discover") for power in (1, 2, 3))
    variance, skew = np.maximum(0.0, second - first**2), third - 3 * first * second + 2 * first**3
    least = t_quantile(known.rate * len(known.sites) / known.tests / sides(ranking), many - 1)
    found = evidence(first + centre.T, variance, skew, many, ranking) >= least
    return tuple(found.mean(axis=0).tolist())


def missed_significant(screening: Screening, known: Significance, means: BySite, ranking: Ranking) -> Missed:
    """Which of the sites checked would have been significant, had a screen let each through as well; and how many of
    all others that makes likely."""
    let = [value for site in screening.through if (value := known.p[site]) is not None]
    alone = {site: value for site in screening.checked if (value := known.p[site]) is not None}
    found = [site for site in alone if adjusted([*let, alone[site]], known.tests)[-1] <= known.rate]
    return of_checked(screening, [site for site in found if ranking.key(means.mapping()[site]) < 0])


def p_values(scores: Array, ranking: Ranking) -> Array:
    """Of each row of scores (site, prompt): how likely a mean as far on the ranking's side of zero is, were the true
    mean zero. Of one prompt nothing can be said: 1."""
    found = [t_tail(value, scores.shape[1] - 1) for value in evidence(*moments(scores), ranking).tolist()]
    return np.asarray(np.minimum(1.0, sides(ranking) * np.array(found)))


def moments(scores: Array) -> tuple[Array, Array, Array, int]:
    """Mean, variance and third central moment of each row of scores (site, prompt), and how many prompts there are."""
    mean = scores.mean(axis=1)
    moves = scores - mean[:, None]
    return mean, (moves**2).mean(axis=1), (moves**3).mean(axis=1), scores.shape[1]


def evidence(mean: Array, variance: Array, third: Array, many: int, ranking: Ranking) -> Array:
    """How far means lie on the ranking's side of zero, as a value of Student's t: the smaller of the studentised mean
    and of its transform that takes out skewness."""
    above = _above_zero(mean, variance, third, many)
    below = _above_zero(-mean, variance, -third, many)
    match ranking:
        case Ranking.LOWEST:
            return below
        case Ranking.HIGHEST:
            return above
        case Ranking.STRONGEST:
            return np.maximum(above, below)
    assert_never(ranking)


def _above_zero(mean: Array, variance: Array, third: Array, many: int) -> Array:
    """Source: Hall, "On the removal of skewness by transformation", 1992; the inverse of `intervals._unskewed`."""
    if many == 1:
        return np.full_like(mean, -inf)
    varies = variance > 0
    error = np.sqrt(np.where(varies, variance, 1.0) / (many - 1))
    skew = third / np.where(varies, variance, 1.0) ** 1.5 - DOUBT * sqrt(6 / many)
    step = mean / error / sqrt(many)
    transformed = sqrt(many) * (step + skew * step**2 / 3 + skew**2 * step**3 / 27 + skew / (6 * many))
    found = np.minimum(mean / error, transformed)
    return np.where(varies, found, np.where(mean > 0, inf, -inf))


def sides(ranking: Ranking) -> int:
    """On how many sides of zero a mean may lie."""
    return 2 if ranking is Ranking.STRONGEST else 1


def adjusted(p: Sequence[float], tests: int) -> list[float]:
    """The q value of each p value: the smallest false discovery rate at which it is significant among so many tests, of
    which the others have p = 1.

    Source: Benjamini and Hochberg, "Controlling the false discovery rate", 1995; as values, Yekutieli and Benjamini
    1999.
    """
    order = sorted(range(len(p)), key=lambda place: p[place], reverse=True)
    found: dict[int, float] = {}
    smallest = 1.0
    for rank, place in zip(range(len(p), 0, -1), order, strict=True):
        smallest = min(smallest, p[place] * tests / rank)
        found[place] = smallest
    return [found[place] for place in range(len(p))]
