"""Screening of a hop by attribution patching: which sites to patch, and how well the estimates agreed with the
scores."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from math import comb

import numpy as np
from attrs import field

from entrack.analysis.intervals import TAIL
from entrack.analysis.outcomes import Array, BySite, NotANumber, Outcome, estimated
from entrack.analysis.resampling import middle, resampled_rows
from entrack.families.reaches import reaches
from entrack.frozen import frozen
from entrack.plan.steps import Screen
from entrack.plan.steps.attribute import PREFIX
from entrack.prompts.rng import Stream
from entrack.ranking import Ranking
from entrack.results import Agreement, Interval, Missed
from entrack.sites import HEADS, Part, Site, every_sender


@frozen(eq=False)
class Screening:
    """`through` have the best mean estimates, the best first; `checked` were drawn from the `others` that can reach a
    receiver.

    `estimates` are estimated scores (site, prompt), exactly 0 for sites that are not among those `reaching` a receiver.
    """

    through: tuple[Site, ...]
    checked: tuple[Site, ...]
    others: int
    reaching: tuple[Site, ...] = field(repr=False)
    estimates: BySite = field(repr=False)

    @property
    def known_zero(self) -> int:
        """How many sites cannot reach a receiver."""
        return len(self.estimates.sites) - len(self.reaching)

    @property
    def sites(self) -> tuple[Site, ...]:
        """All that are run."""
        return tuple(sorted((*self.through, *self.checked)))


def screen(
    node: Screen, clean: Sequence[Outcome], changes: Sequence[Outcome] | None, receivers: Sequence[tuple[Site, ...]]
) -> Screening:
    """Apply a screen. `changes` are the estimated changes per batch, None where no sender can reach a receiver. Raises
    NotANumber."""
    estimates = BySite.joined([_estimates(node, part, clean, changes) for part in node.senders])
    means = estimates.mean()
    if not np.isfinite(means.values).all():
        raise NotANumber(
            f"the estimated {node.score} of a {'head' if node.senders == HEADS else 'site'} is not a number: it is "
            "relative to a clean run that gives 0 for some prompt"
        )
    able = tuple(site for site in estimates.sites if not node.receivers or _reaches(node, site, receivers))
    keys = [node.ranking.key(value) for value in means.of(able).tolist()]
    order = [site for _, site in sorted(zip(keys, able, strict=True))]
    through, others = tuple(order[: node.through]), sorted(order[node.through :])
    checked = Stream(node.seed, "screen", node.hop).distinct(others, min(node.check, len(others)))
    return Screening(through, tuple(sorted(checked)), len(others), able, estimates)


def _estimates(node: Screen, part: Part, clean: Sequence[Outcome], changes: Sequence[Outcome] | None) -> BySite:
    """Estimated scores (site, prompt) of all sites of a part."""
    sites = every_sender(part, node.layers, node.heads)
    if changes is None:
        return BySite(sites, np.zeros((len(sites), sum(len(outcome["top"]) for outcome in clean))))
    batches = [
        estimated(node.score, _of_part(part, each), before, sizes)
        for each, before, sizes in zip(changes, clean, node.words or [()] * len(clean), strict=True)
    ]
    values = np.concatenate(batches, axis=-1)
    return BySite(sites, values.reshape(len(sites), values.shape[-1]))


def _of_part(part: Part, change: Outcome) -> Outcome:
    """The arrays of a part by their own names."""
    return {name: change[f"{PREFIX[part]}{name}"] for name in ("logit", "log_probability")}


def _reaches(node: Screen, sender: Site, receivers: Sequence[tuple[Site, ...]]) -> bool:
    """Whether a sender comes to what a receiver reads: heads through their queries, keys or values."""
    reads = (
        (site.layer, Part.QUERY if site.part is Part.OUTPUT else site.part) for sites in receivers for site in sites
    )
    return any(reaches(sender, Site(layer, part), parallel=node.parallel) for layer, part in reads)


def agreement(screening: Screening, scores: BySite) -> Agreement | None:
    """Spearman's rank correlation of estimates and scores (site, prompt) over the sites that were let through, with its
    bootstrap interval over prompts: those that all of them were run on. None where there is nothing to rank."""
    first, second = screening.estimates.of(screening.through), scores.of(screening.through)
    shared = ~np.isnan(second).any(axis=0)
    first, second = first[:, shared], second[:, shared]
    value = spearman(first.mean(axis=1), second.mean(axis=1))
    if np.isnan(value):
        return None
    resampled = (resampled_rows(values, "discover") for values in (first, second))
    samples = np.array([spearman(*pair) for pair in zip(*resampled, strict=True)])
    return Agreement(float(value), middle(samples[np.isfinite(samples)]), len(screening.through))


def missed(screening: Screening, means: BySite, kept: Sequence[Site], keep: int, ranking: Ranking) -> Missed:
    """Which of the sites checked would have been kept among the best `keep`, and how many of all others that makes
    likely."""
    return of_checked(screening, would_be_kept(screening.checked, means, kept, keep, ranking))


def would_be_kept(
    sites: Sequence[Site], means: BySite, kept: Sequence[Site], keep: int, ranking: Ranking
) -> tuple[Site, ...]:
    """Which of some sites would have been among the best `keep`, of which there are those `kept`."""
    worst = max(_ordered(means, kept, ranking)) if len(kept) == keep else (0.0, Site.of_head(0, 0))
    return tuple(site for key, site in _ordered(means, sites, ranking) if (key, site) < worst)


def of_checked(screening: Screening, found: Sequence[Site]) -> Missed:
    """What a screen missed, when of the sites checked these would have been kept."""
    others, checked = screening.others, screening.checked
    return Missed(checked, tuple(found), others, hits_interval(others, len(checked), len(found)))


def spearman(first: Array, second: Array) -> float:
    """Rank correlation; equal values share the mean of their ranks. Not a number where either is constant or empty."""
    if not first.size:
        return float("nan")
    one, other = (_ranks(values) for values in (first, second))
    one, other = one - one.mean(), other - other.mean()
    size = float(np.sqrt((one**2).sum() * (other**2).sum()))
    return float((one * other).sum() / size) if size else float("nan")


def hits_interval(population: int, drawn: int, hits: int) -> Interval:
    """The 95 % interval of how many of a `population` are hits, when `hits` of `drawn` without replacement are: all
    numbers for which so few and so many are each likelier than 2.5 % (hypergeometric)."""
    possible = range(
        hits, population - drawn + hits + 1
    )  # the more there are, the likelier are many hits, and the less likely few
    low = bisect_left(possible, x=True, key=lambda many: 1 - _at_most(hits - 1, many, population, drawn) > TAIL)
    above = bisect_left(possible, x=True, key=lambda many: _at_most(hits, many, population, drawn) <= TAIL)
    return Interval(float(possible[low]), float(possible[above - 1]))


def _ordered(means: BySite, sites: Sequence[Site], ranking: Ranking) -> list[tuple[float, Site]]:
    return list(zip(map(ranking.key, means.of(sites).tolist()), sites, strict=True))


def _at_most(hits: int, many: int, population: int, drawn: int) -> float:
    """The probability of at most so many hits, of `many` in the population."""
    return sum(comb(many, i) * comb(population - many, drawn - i) for i in range(hits + 1)) / comb(population, drawn)


def _ranks(values: Array) -> Array:
    """From 1/2 on: where they begin does not matter."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return (ends - counts / 2)[place]
