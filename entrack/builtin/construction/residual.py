"""The residual stream of a constructed model: its parts by name, and what norms and readings make of them.

Layer norm would mix the parts. Two coordinates of `constant`, far larger than all others together, keep its scale
nearly at one; and everything that is read is read relative to `rest`, at which nothing is ever written, so that the
mean which layer norm takes away drops out.
"""

from math import fsum

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

PLACES = 10
"""Positions that a segment may have, from 0: seven boxes and three more that a phrasing may name."""
SIZES = {
    "object": 32,
    "label": 13,
    "count": PLACES + 1,
    "read": PLACES,
    "detected": PLACES,
    "transmitted": PLACES,
    "out": 32,
    "is_object": 1,
    "is_label": 1,
    "is_stop": 1,
    "is_first": 1,
    "is_not": 1,
    "question": 1,
    "share": 1,
    "rest": 1,
    "constant": 2,
}
WIDTH = sum(SIZES.values())
NORM = 4.0
"""The weight of every norm, and the standard deviation that `constant` alone gives."""
CONSTANT = NORM * (WIDTH / 2) ** 0.5


def part(name: str) -> slice:
    """Where a part stands."""
    start = sum(SIZES[each] for each in list(SIZES)[: list(SIZES).index(name)])
    return slice(start, start + SIZES[name])


REST = part("rest").start
NOISY = tuple(
    place
    for name in SIZES
    if name not in ("is_not", "share", "rest", "constant")
    for place in range(part(name).start, part(name).stop)
)
"""The coordinates that decoys read and write: all but those that counting and norms depend on."""


def reading(name: str, matrix: Array) -> Array:
    """The matrix `[WIDTH, n]` that reads `matrix`, `[size of the part, n]`, of one part, relative to `rest`."""
    whole = np.zeros((WIDTH, matrix.shape[1]))
    whole[part(name)] = matrix
    return relative(whole)


def relative(whole: Array) -> Array:
    """A matrix `[WIDTH, n]` that reads the same, and nothing of the mean of what it reads."""
    compensated: Array = whole - np.eye(WIDTH)[:, [REST]] * sums(whole)
    return compensated


def sums(whole: Array) -> Array:
    """The sum of each column, rounded once: other orders of adding up would differ in the last bit."""
    return np.array([fsum(column) for column in whole.T])
