"""Confidence sequences: limits of a mean of bounded values that hold at every moment, however often one looks and
whenever one stops.

Somebody bets that values which are said to have a mean of at most 0 have a larger one. Whatever is bet on each value
before it is seen, the capital is no more than it was, on average; so it comes to 1 / risk with probability `risk` at
most, at any time (Ville 1939). When it does, the mean lies above 0. The capital is spread over `BETS` and left there:
nothing has to be known of the values but how low they may lie.

Source: Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting", JRSS-B 86, 2024, on a grid
of bets; a mixture of constant bets is Cover's, "Universal portfolios", 1991.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, inf, log

import numpy as np

from entrack.analysis.outcomes import Array
from entrack.frozen import frozen

ODDS = 2.0 ** np.arange(-6, 6)
BETS = ODDS / (1 + ODDS)
"""Which parts of the capital may be lost on the lowest value. Small bets find small differences, large bets those that
few values show."""
ROUNDING = 1e-5
"""How far a value may lie outside its bounds, as a share of these: shares of attention are added up in float32."""
STEPS = 400
"""Bets among which the best one is looked for, after the fact."""
HALVINGS = 50
DOUBLINGS = 60


@frozen(eq=False)
class Bounded:
    """Values in the order in which they were drawn, and between which numbers each lies. Raises ValueError where one
    does not."""

    values: Array
    least: float
    most: float

    def __attrs_post_init__(self) -> None:
        slack = ROUNDING * max(self.most - self.least, abs(self.most))
        if len(self.values) and not self.least - slack <= self.values.min() <= self.values.max() <= self.most + slack:
            raise ValueError(f"a value lies outside {self.least:g} to {self.most:g}")


@frozen(eq=False)
class Observed:
    """A number that is looked for: the mean of some values, over the mean of others where there are others. Of a ratio
    all values are at least 0."""

    values: Bounded
    over: Bounded | None = None

    def above(self, bound: float) -> Bounded:
        """What has a mean above 0 where the number lies above a bound."""
        if self.over is None:
            return Bounded(self.values.values - bound, self.values.least - bound, self.values.most - bound)
        ends = sorted((bound * self.over.least, bound * self.over.most))
        values = self.values.values - bound * self.over.values
        return Bounded(values, self.values.least - ends[1], self.values.most - ends[0])

    def below(self, bound: float) -> Bounded:
        """What has a mean above 0 where the number lies below a bound."""
        above = self.above(bound)
        return Bounded(-above.values, -above.most, -above.least)

    def so_far(self) -> Array:
        """The number after each value; not finite where it would divide by 0. -> (value)"""
        over = np.ones_like(self.values.values) if self.over is None else self.over.values
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.values.values.cumsum() / over.cumsum())


@frozen
class Limits:
    """What is certain of a number: it lies above `low`, and below `high`, each but for a risk of its own."""

    low: float
    high: float


def log_capital(given: Bounded) -> Array:
    """The logarithm of the capital after each value, of who began with 1 and bets that the mean lies above 0.
    -> (value)"""
    if given.least >= 0:
        return np.where(given.values.cumsum() > 0, inf, inf if given.least > 0 else 0.0)
    gains = np.maximum(given.values / -given.least, -1.0)
    return np.asarray(np.logaddexp.reduce(np.log1p(BETS[:, None] * gains).cumsum(axis=1), axis=0) - log(len(BETS)))


def decided(given: Bounded, risk: float) -> int | None:
    """After how many values it was certain that the mean lies above 0; None while it is not."""
    reached = log_capital(given) >= log(1 / risk)
    return int(reached.argmax()) + 1 if reached.any() else None


def limits(given: Observed, low_risk: float, high_risk: float) -> Limits:
    """The limits of a number, each the narrowest that there was at any moment until now."""
    means = given.so_far()
    known = means[np.isfinite(means)]
    values, ratio = given.values, given.over is not None
    lowest, highest = (0.0 if ratio else values.least), (inf if ratio else values.most)
    if not len(known):
        return Limits(lowest, highest)
    low = _reach(lambda bound: decided(given.above(bound), low_risk) is not None, lowest, float(known.max()))
    high = _reach(lambda bound: decided(given.below(bound), high_risk) is not None, highest, float(known.min()))
    return Limits(low, high)


def fixed_sample(given: Bounded, risk: float) -> int | None:
    """How many values a test that looks once would need to find that the mean lies above 0 at the same risk, if they
    were distributed as these are: as many as it takes until the likelihood of these, over the largest that they could
    have with a mean of 0, is 1 / risk. None where the mean does not lie above 0.

    Where the mean is small this is 2 log(1 / risk) variance / mean^2. Source: Owen, "Empirical likelihood ratio
    confidence intervals for a single functional", Biometrika 75, 1988.
    """
    if not len(given.values) or given.values.mean() <= 0:
        return None
    if given.least >= 0:
        return 1
    gains = np.maximum(given.values / -given.least, -1.0)
    with np.errstate(divide="ignore"):  # who bets all on a value that is the lowest has nothing left
        growth = max(float(np.log1p(bet * gains).mean()) for bet in np.linspace(0.0, 1.0, STEPS + 1)[1:])
    return max(1, ceil(log(1 / risk) / growth)) if growth > 0 else None


def _reach(certain: Callable[[float], bool], end: float, inside: float) -> float:
    """The bound nearest to `inside` that is certain, by halving what lies between it and `end`; this where none is."""
    if end == inf:
        end = next((bound for bound in (inside + 2.0**power for power in range(DOUBLINGS)) if certain(bound)), inf)
    if not certain(end):
        return end
    outside = end
    for _ in range(HALVINGS):
        middle = (outside + inside) / 2
        outside, inside = (middle, inside) if certain(middle) else (outside, middle)
    return outside
