"""Random streams that are the same on every machine and in every version.

A stream is named by what it is for (seed, purpose, prompt, variable), so that adding a variable or asking for more
prompts leaves every other draw as it was. Numbers are SHA-256 of the name and a counter; Python's own generators may
change between versions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from struct import Struct
from typing import TypeVar

T = TypeVar("T")
NUMBERS = Struct(">4Q")
"""A digest as four numbers of 64 bits."""


def rank(*name: str | int) -> bytes:
    """Where something of this name stands among others, when they are put in an order by chance."""
    return hashlib.sha256(_written(name)).digest()


def _written(name: tuple[str | int, ...]) -> bytes:
    return "\x1f".join(f"{type(part).__name__}:{part}" for part in name).encode()


class Stream:
    """An endless stream of 64-bit numbers that follows from its name."""

    def __init__(self, *name: str | int) -> None:
        self._name = _written(name)
        self._block: list[int] = []
        self._count = 0

    def below(self, bound: int) -> int:
        """A whole number from 0 to bound - 1, each as likely as the others."""
        limit = (1 << 64) - (1 << 64) % bound
        number = self._next()
        while number >= limit:
            number = self._next()
        return number % bound

    def one(self, pool: Sequence[T]) -> T:
        return pool[self.below(len(pool))]

    def distinct(self, pool: Sequence[T], count: int) -> list[T]:
        """`count` different places of a pool, in the order drawn."""
        drawn: list[T] = []
        moved: dict[
            int, int
        ] = {}  # a shuffle from the front that keeps only what it has moved: pools are long, draws short
        for place in range(count):
            other = place + self.below(len(pool) - place)
            drawn.append(pool[moved.get(other, other)])
            moved[other] = moved.get(place, place)
        return drawn

    def _next(self) -> int:
        if not self._block:
            digest = hashlib.sha256(self._name + b"\x1e" + str(self._count).encode()).digest()
            self._count += 1
            self._block = list(NUMBERS.unpack(digest))
        return self._block.pop()
