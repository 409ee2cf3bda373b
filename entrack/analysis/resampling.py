"""Bootstrap: prompts drawn with replacement, the same on every machine and with every version of numpy."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from entrack.analysis.intervals import TAIL
from entrack.analysis.outcomes import Array
from entrack.results import Interval

RESAMPLES = 2000
CHUNK = 1 << 22
"""Numbers that are drawn at once."""


def resampled_rows(values: Array, population: str) -> Array:
    """Means of the rows of `values` (row, prompt) over the same resamples, (RESAMPLES, row): each over the prompts of
    which it has a number, and 0 where a resample has none of these."""
    n, known = values.shape[1], ~np.isnan(values)
    counted = _kept(n, population) if RESAMPLES * n <= CHUNK else map(_counts, resamples(n, population))
    if known.all():
        return np.concatenate([counts @ values.T / n for counts in counted])
    numbers = np.where(known, values, 0.0)
    return np.concatenate([counts @ numbers.T / np.maximum(counts @ known.T, 1) for counts in counted])


@lru_cache(maxsize=1)
def _kept(n: int, population: str) -> tuple[Array, ...]:
    """All counts, for the groups of a discovery, which have the same prompts."""
    return tuple(map(_counts, resamples(n, population)))


def _counts(chosen: NDArray[np.int64]) -> Array:
    """How often each prompt is in each resample, (resample, prompt)."""
    rows, n = chosen.shape
    places = chosen + n * np.arange(rows)[:, None]
    return np.bincount(places.ravel(), minlength=rows * n).reshape(rows, n).astype(np.float64)


def middle(samples: Array) -> Interval:
    """The middle 95 % of resampled values."""
    low, high = np.quantile(samples, [TAIL, 1 - TAIL])
    return Interval(float(low), float(high))


def resamples(n: int, population: str) -> Iterator[NDArray[np.int64]]:
    """Which of n prompts each resample takes, some resamples at a time, (resample, n). They follow from the name and n.

    A place is floor(n r / 2^32), with r the next 32 bits, the lowest byte first, of the SHAKE-256 of the name, n and
    the number of the chunk.
    """
    rows = max(1, CHUNK // max(1, n))
    for start in range(0, RESAMPLES, rows):
        shape = (min(rows, RESAMPLES - start), n)
        stream = hashlib.shake_256(f"{population}\x1f{n}\x1f{start}".encode()).digest(4 * shape[0] * n)
        drawn = np.frombuffer(stream, "<u4").astype(np.uint64)
        yield (drawn * np.uint64(n) >> np.uint64(32)).astype(np.int64).reshape(shape)
