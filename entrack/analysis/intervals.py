"""Confidence intervals: 95 %, by percentile bootstrap over prompts.

Which prompts a resample takes follows from the number of prompts and from the name of the population, so that two
quantities on the same prompts are resampled together: their ratio and difference are paired.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from entrack.analysis.outcomes import Array
from entrack.results import Interval

RESAMPLES = 2000
LEVEL = 0.95
CHUNK = 1 << 22


def resampled_means(values: Array, population: str) -> Array:
    """Means of `values` (prompt) over each resample, (RESAMPLES,)."""
    return np.concatenate([values[chosen].mean(axis=1) for chosen in _resamples(len(values), population)])


def resampled_ratios(values: Array, ranges: Array, population: str) -> Array:
    """Means of `values` (prompt) over means of `ranges` (prompt), both over the same resamples, (RESAMPLES,). Not
    finite where a resample divides by 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios: Array = resampled_means(values, population) / resampled_means(ranges, population)
    return ratios


def resampled_rows(values: Array, population: str) -> Array:
    """Means of the rows of `values` (row, prompt) over the same resamples, (RESAMPLES, row)."""
    n = values.shape[1]
    counts = (np.stack([np.bincount(row, minlength=n) for row in chosen]) for chosen in _resamples(n, population))
    return np.concatenate([count @ values.T / n for count in counts])


def interval(samples: Array) -> Interval:
    """The middle 95 % of resampled values."""
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(samples, [tail, 1 - tail])
    return Interval(float(low), float(high))


def mean_interval(values: Array, population: str) -> Interval:
    """The interval of a mean over prompts."""
    return interval(resampled_means(values, population))


def _resamples(n: int, population: str) -> Iterator[NDArray[np.int64]]:
    seed = int.from_bytes(hashlib.sha256(f"{population}/{n}".encode()).digest()[:8], "big")
    generator = np.random.Generator(np.random.PCG64(seed))
    rows = max(1, CHUNK // max(1, n))
    for start in range(0, RESAMPLES, rows):
        yield generator.integers(0, n, size=(min(rows, RESAMPLES - start), n))


Combine = Callable[[Array, Array], Array]
OPERATIONS: dict[str, Combine] = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}
