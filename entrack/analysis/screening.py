"""Screening of a hop by attribution patching: which heads to patch, and how well the estimates agreed with the
scores."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from math import comb

import numpy as np
from attrs import field, frozen

from entrack.analysis.intervals import LEVEL, interval, resampled_rows
from entrack.analysis.outcomes import Array, NotANumber, Outcome, estimated, of_heads
from entrack.plan.steps import Screen
from entrack.prompts.rng import Stream
from entrack.results import Agreement, Interval, Missed
from entrack.sites import Site


@frozen(eq=False)
class Screening:
    """`through` have the lowest mean estimates, the lowest first; `checked` were drawn from the `others` that can reach
    a receiver.

    `estimates` are estimated scores (layer, head, prompt), exactly 0 for the `known_zero` heads that cannot.
    """

    through: tuple[Site, ...]
    checked: tuple[Site, ...]
    others: int
    known_zero: int
    estimates: Array = field(repr=False)

    @property
    def heads(self) -> tuple[Site, ...]:
        """All that are run."""
        return tuple(sorted((*self.through, *self.checked)))


def screen(
    node: Screen, clean: Sequence[Outcome], changes: Sequence[Outcome] | None, receivers: Sequence[tuple[Site, ...]]
) -> Screening:
    """Apply a screen. `changes` are the estimated changes per batch, None where no head can reach a receiver. Raises
    NotANumber."""
    estimates = np.zeros((node.layers, node.heads, sum(len(outcome["top"]) for outcome in clean)))
    if changes is not None:
        estimates = np.concatenate(
            [
                estimated(node.score, change, before, sizes)
                for change, before, sizes in zip(changes, clean, node.words or [()] * len(clean), strict=True)
            ],
            axis=2,
        )
    means = estimates.mean(axis=2)
    if not np.isfinite(means).all():
        raise NotANumber(
            f"the estimated {node.score} of a head is not a number: it is relative to a clean run that gives "
            "0 for some prompt"
        )
    layers = max((head.layer for heads in receivers for head in heads), default=0) if node.receivers else node.layers
    reaching = [Site.of_head(layer, head) for layer in range(layers) for head in range(node.heads)]
    order = [head for _, head in sorted(zip(of_heads(means, reaching).tolist(), reaching, strict=True))]
    through, others = tuple(order[: node.through]), sorted(order[node.through :])
    checked = Stream(node.seed, "screen", node.hop).distinct(others, min(node.check, len(others)))
    return Screening(through, tuple(sorted(checked)), len(others), node.heads * (node.layers - layers), estimates)


def agreement(screening: Screening, scores: Array) -> Agreement | None:
    """Spearman's rank correlation of estimates and scores (layer, head, prompt) over the heads that were let
    through, with its bootstrap interval over prompts. None where there is nothing to rank."""
    first, second = of_heads(screening.estimates, screening.through), of_heads(scores, screening.through)
    value = spearman(first.mean(axis=1), second.mean(axis=1))
    if np.isnan(value):
        return None
    resampled = (resampled_rows(values, "discover") for values in (first, second))
    samples = np.array([spearman(*pair) for pair in zip(*resampled, strict=True)])
    return Agreement(float(value), interval(samples[np.isfinite(samples)]), len(screening.through))


def missed(screening: Screening, means: Array, kept: Sequence[Site], keep: int) -> Missed:
    """Which of the heads checked would have been kept among the lowest `keep`, and how many of all others that makes
    likely."""
    worst = (
        max(_ordered(means, kept)) if len(kept) == keep else (0.0, Site.of_head(0, 0))
    )  # only what is below zero is kept
    found = tuple(head for score, head in _ordered(means, screening.checked) if (score, head) < worst)
    return Missed(
        screening.checked, found, screening.others, hits_interval(screening.others, len(screening.checked), len(found))
    )


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
    tail = (1 - LEVEL) / 2
    possible = range(
        hits, population - drawn + hits + 1
    )  # the more there are, the likelier are many hits, and the less likely few
    low = bisect_left(possible, x=True, key=lambda many: 1 - _at_most(hits - 1, many, population, drawn) > tail)
    above = bisect_left(possible, x=True, key=lambda many: _at_most(hits, many, population, drawn) <= tail)
    return Interval(float(possible[low]), float(possible[above - 1]))


def _ordered(means: Array, heads: Sequence[Site]) -> list[tuple[float, Site]]:
    return list(zip(of_heads(means, heads).tolist(), heads, strict=True))


def _at_most(hits: int, many: int, population: int, drawn: int) -> float:
    """The probability of at most so many hits, of `many` in the population."""
    return sum(comb(many, i) * comb(population - many, drawn - i) for i in range(hits + 1)) / comb(population, drawn)


def _ranks(values: Array) -> Array:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return (ends - (counts - 1) / 2)[place]
