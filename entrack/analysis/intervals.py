"""95 % intervals in closed form: of shares of prompts, of means, and of sums, products and ratios of numbers that have
intervals.

No chance is in them. `tail` is how likely the true value lies beyond one end: 2.5 %, but where several are held
together. Sources and what was measured of their coverage: docs/semantics.md, "Intervals".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from math import cos, exp, inf, lgamma, log, log1p, pi, sin, sqrt, tan
from statistics import NormalDist

import numpy as np

from entrack.analysis.outcomes import Array
from entrack.results import Interval

LEVEL = 0.95
TAIL = (1 - LEVEL) / 2
EXACT = 1000
"""Degrees of freedom up to which Student's quantiles are solved for; beyond, an expansion has them to 1e-6."""
FEW = 1e-2
"""Prompts below which a share has no lower limit but 0: it would be less than 1e-100."""
STRAIGHT = 1e-6
"""Skewness below which a distribution counts as symmetric."""


def normal_quantile(tail: float) -> float:
    """What a standard normal number exceeds with probability `tail`."""
    return -NormalDist().inv_cdf(tail)


@cache
def t_quantile(tail: float, freedom: int) -> float:
    """What Student's t exceeds with probability `tail`. Source: Abramowitz and Stegun, 26.7.3, 26.7.4 and 26.7.5."""
    if freedom > EXACT:
        return _expanded(normal_quantile(tail), freedom)
    low, high = 0.0, pi / 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, freedom) < 1 - 2 * tail else (low, middle)
    return sqrt(freedom) * tan((low + high) / 2)


def _within(angle: float, freedom: int) -> float:
    """The probability that |t| is below sqrt(freedom) tan(angle)."""
    odd, square = freedom % 2, cos(angle) ** 2
    term, total = (cos(angle), 0.0) if odd else (1.0, 0.0)
    for power in range(1 + odd, freedom, 2):
        total += term
        term *= square * power / (power + 1)
    total *= sin(angle)
    return 2 / pi * (angle + total) if odd else total


def _expanded(z: float, freedom: int) -> float:
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)


def t_tail(value: float, freedom: int) -> float:
    """How likely Student's t exceeds a value. Without degrees of freedom nothing is unlikely."""
    if value < 0 or freedom == 0:
        return 1.0 if freedom == 0 else 1 - t_tail(-value, freedom)
    outside = freedom / (freedom + value * value)
    return _lower_beta(outside, freedom / 2, 0.5) / 2


def _lower_beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function. Source: DLMF 8.17.4 and 8.17.22."""
    if x > (a + 1) / (a + b + 2):
        return 1 - _lower_beta(1 - x, b, a)
    if x == 0:
        return 0.0
    size = lgamma(a + b) - lgamma(a + 1) - lgamma(b)
    return exp(size + a * log(x) + b * log1p(-x)) * _continued(x, a, b)


@cache
def share_limits(share: float, many: float, tail: float = TAIL) -> Interval:
    """The limits of a share of `many` prompts; where prompts are not alike, of as many as tell as much: the wider of
    Wilson's and of mid-P's, each of which is too narrow where the other is not.

    Source: Wilson 1927; mid-P, Lancaster 1961, Berry and Armitage 1995.
    """
    return Interval(_lowest_share(share, many, tail), 1 - _lowest_share(1 - share, many, tail))


def _lowest_share(share: float, many: float, tail: float) -> float:
    if share * many < FEW:
        return 0.0
    weight = normal_quantile(tail) ** 2 / many
    wilson = share**2 / (share + weight / 2 + sqrt(weight * (share * (1 - share) + weight / 4)))
    return min(share, wilson, _mid_p(share * many, (1 - share) * many, tail, wilson))


def _mid_p(hits: float, misses: float, tail: float, start: float) -> float:
    """The share of which as many hits or more, those found counted half, have probability `tail`; by Newton's method,
    within bounds."""
    low, high, at = 0.0, hits / (hits + misses), start
    for _ in range(100):
        above, slope = _beyond(at, hits, misses)
        low, high = (at, high) if above < tail else (low, at)
        step = (above - tail) / slope if slope > 0 else inf
        if abs(step) < 1e-12 * at:
            break
        at = at - step if low < at - step < high else (low + high) / 2
    return at


def _beyond(share: float, hits: float, misses: float) -> tuple[float, float]:
    """How likely more than `hits` are, and half of `hits` themselves, and how that grows with the share."""
    size = lgamma(hits + misses + 1) - lgamma(hits + 1) - lgamma(misses + 1)
    exactly = exp(size + hits * log(share) + misses * log1p(-share))
    more = exactly * share * misses / (hits + 1) * _continued(share, hits + 1, misses)
    slope = exactly * (hits / share + misses / (1 - share)) / 2
    return more + exactly / 2, slope


def _continued(x: float, a: float, b: float) -> float:
    """The continued fraction of the incomplete beta function, for x below its mean, by Lentz' method. Source: DLMF
    8.17.22."""
    whole, ratio, before = 1.0, 1.0, 0.0
    for term in _terms(x, a, b):
        before = 1 / (1 + term * before)
        ratio = 1 + term / ratio
        whole *= before * ratio
        if abs(before * ratio - 1) < 1e-14:
            break
    return 1 / whole


def _terms(x: float, a: float, b: float) -> Iterator[float]:
    for m in range(1000):
        yield -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        yield (m + 1) * (b - m - 1) * x / ((a + 2 * m + 1) * (a + 2 * m + 2))


def mean_limits(values: Array, tail: float = TAIL) -> tuple[Array, Array]:
    """The limits of means over the last axis, which holds the prompts. Of one prompt there is no limit."""
    value = values.mean(axis=-1)
    return moved_limits(value, (values - value[..., None]) / values.shape[-1], tail)


def moved_limits(value: Array, moves: Array, tail: float = TAIL) -> tuple[Array, Array]:
    """The limits of sums of independent terms, whose deviations from their expectations are `moves` (..., term): the
    wider of Student's and of those that take out skewness.

    Source: Hall, "On the removal of skewness by transformation", 1992, with Student's quantile.
    """
    many = moves.shape[-1]
    if many == 1:
        return np.full_like(value, -inf), np.full_like(value, inf)
    size = np.sqrt((moves**2).sum(axis=-1))
    standing = moves / np.where(size > 0, size, 1.0)[..., None]
    return skewed_limits(value, size, sqrt(many) * (standing**3).sum(axis=-1), many, tail)


def skewed_limits(value: Array, size: Array, skew: Array, many: int, tail: float = TAIL) -> tuple[Array, Array]:
    """`moved_limits` of `many` moves, from the root of the sum of their squares, and their skewness."""
    error, reach = size * sqrt(many / (many - 1)), t_quantile(tail, many - 1)
    below, above = _unskewed(reach, skew, many), -_unskewed(-reach, skew, many)
    return value - error * np.maximum(reach, below), value + error * np.maximum(reach, above)


def _unskewed(quantile: float, skew: Array, many: int) -> Array:
    """The quantile of a mean's studentised value, given that of its transform."""
    safe, step = np.where(np.abs(skew) > STRAIGHT, skew, 1.0), quantile / sqrt(many)
    found = sqrt(many) * (np.cbrt(1 + safe * (step - safe / (6 * many))) - 1) * 3 / safe
    return np.where(np.abs(skew) > STRAIGHT, found, quantile)


def sum_limits(values: Sequence[float], limits: Sequence[Interval], correlations: Array) -> Interval:
    """The limits of a sum. Source: Zou and Donner 2008 (MOVER); Newcombe 1998, method 10, is a case of it."""
    if len(values) == 1:
        return limits[0]
    total = sum(values)
    below = np.array([value - one.low for value, one in zip(values, limits, strict=True)])
    above = np.array([one.high - value for value, one in zip(values, limits, strict=True)])
    return Interval(total - _length(below, correlations), total + _length(above, correlations))


def _length(steps: Array, correlations: Array) -> float:
    if not np.isfinite(steps).all():
        return inf
    return sqrt(max(0.0, float(steps @ correlations @ steps)))
