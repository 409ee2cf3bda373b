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
MOST = 1 << 64
"""How many such numbers there are."""
FEW = 1 << 32
SURE = MOST - FEW
"""Up to this number, none is among the last for any bound of up to `FEW`."""


def rank(*name: str | int) -> bytes:
    """Where something of this name stands among others, when they are put in an order by chance."""
    return hashlib.sha256(_written(name)).digest()


def _written(name: tuple[str | int, ...]) -> bytes:
    return "\x1f".join([f"{type(part).__name__}:{part}" for part in name]).encode()


class Streams:
    """Streams whose names begin alike: that of `variable` is `Stream(*name, variable)`."""

    def __init__(self, *name: str | int) -> None:
        self._beginning = _written(name) + b"\x1f"

    def of(self, variable: str) -> Stream:
        return Stream(written=self._beginning + b"str:" + variable.encode())


class Stream:
    """An endless stream of 64-bit numbers that follows from its name."""

    def __init__(self, *name: str | int, written: bytes | None = None) -> None:
        self._name = (_written(name) if written is None else written) + b"\x1e"
        self._block = 0
        self._left: list[int] = []

    def below(self, bound: int) -> int:
        """A whole number from 0 to bound - 1, each as likely as the others."""
        while True:
            number = (self._left or self._more()).pop()
            rest = number % bound
            if number - rest <= MOST - bound:  # else it is of the last numbers, of which there are fewer than `bound`
                return rest

    def one(self, pool: Sequence[T]) -> T:
        return pool[self.below(len(pool))]

    def distinct(self, pool: Sequence[T], many: int) -> list[T]:
        """`many` different places of a pool, in the order drawn."""
        drawn: list[T] = []
        moved: dict[
            int, int
        ] = {}  # a shuffle from the front that keeps only what it has moved: pools are long, draws short
        for place, left in zip(range(many), range(len(pool), 0, -1), strict=False):
            number = (self._left or self._more()).pop()
            if number > SURE or left > FEW:
                self._left.append(number)
                other = place + self.below(left)
            else:
                other = place + number % left  # what `below` would say, without a call
            drawn.append(pool[moved.get(other, other)])
            moved[other] = moved.get(place, place)
        return drawn

    def _more(self) -> list[int]:
        """The next numbers: four of each block, to be taken from the end."""
        block = hashlib.sha256(self._name + b"%d" % self._block).digest()
        self._block += 1
        self._left = [*NUMBERS.unpack(block)]
        return self._left
