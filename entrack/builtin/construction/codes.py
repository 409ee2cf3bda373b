"""Codes of objects and labels, and signs drawn at random: exact in binary, and the same on every machine."""

from math import sqrt
from random import Random

import numpy as np

from entrack.builtin.construction.residual import SIZES, Array

MOST_ALIKE = 10
"""The largest inner product of the signs of two objects, out of 32."""


def object_codes(count: int) -> Array:
    """Unit vectors `[count, 32]` with entries of one size, no two of which are near or opposite each other."""
    random, width = Random("objects"), SIZES["object"]
    taken: list[int] = []
    while len(taken) < count:
        signs = random.getrandbits(width)
        if all(abs(width - 2 * (signs ^ other).bit_count()) <= MOST_ALIKE for other in taken):
            taken.append(signs)
    bits = np.array([[signs >> place & 1 for place in range(width)] for signs in taken], dtype=np.float64)
    codes: Array = (2 * bits - 1) / sqrt(width)
    return codes


def label_codes() -> Array:
    """One vector for each of 26 letters, `[26, 13]`: a letter and the one thirteen places on are opposite, all others
    at right angles."""
    axes = np.eye(SIZES["label"])
    return np.concatenate([axes, -axes])


def signs(name: str, count: int) -> Array:
    """`count` signs, each 1 or -1, which follow from the name."""
    random = Random(name)
    return np.array([2.0 * random.getrandbits(1) - 1 for _ in range(count)])


def uniform(name: str, *shape: int) -> Array:
    """Numbers between -1 and 1, which follow from the name."""
    random = Random(name)
    drawn = [2 * random.random() - 1 for _ in range(int(np.prod(shape)))]
    return np.array(drawn).reshape(shape)
