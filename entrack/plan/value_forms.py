"""Forms: what the value of a step is - the names of its arrays, their types, shapes and ranges. Each kind of step
says it in its own file (`form` of its record).

Executors hold every value against its form, also one that comes from a store with a sound digest. All numbers are
finite: the engine stops at one that is not (docs/semantics.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

from entrack.frozen import frozen
from entrack.plan.refs import Sites

LAST_BIT = 2.0**-23
"""How far above 0 a log probability may be rounded, in float32."""
ROUNDED = 1e-3
"""How far above its bound a sum over a vocabulary, or over tokens, may be rounded."""
OUTCOME_BYTES = 16
"""Per prompt: the argmax, and a logit and log probability per asked word (counted for one)."""


@frozen
class Array:
    """An array of a value. All its numbers are finite and lie between `least` and `most`, both included."""

    dtype: str
    shape: tuple[int, ...]
    least: float = -inf
    most: float = inf


Form = Mapping[str, Array]


def outcomes(rows: tuple[int, ...], asked: int, vocabulary: int) -> Form:
    """Of so many rows, and so many asked words each."""
    return {
        "top": Array("int64", rows, 0, vocabulary - 1),
        "logit": Array("float32", (*rows, asked)),
        "log_probability": Array("float32", (*rows, asked), most=LAST_BIT),
    }


def count(sites: Sites) -> int:
    """How many sites. Raises ValueError while they are not known."""
    if not isinstance(sites, tuple):
        raise ValueError("the sites that a selection keeps are not known")
    return len(sites)
