"""Numbers of claims with what their intervals are made of: how far each prompt moves them.

An `Estimate` has a value and its `moves`: key by key, a prompt's part in how far the value lies from its expectation.
Keys name prompts that are drawn together (a population and a draw of it), so that quantities on the same prompts are
paired, place by place, also where one of them has more prompts. Over draws, a draw is what a prompt is otherwise.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from functools import cached_property
from math import hypot, inf, isfinite, nan, sqrt

import numpy as np

from entrack.analysis.intervals import (
    TAIL,
    moved_limits,
    share_limits,
    sum_limits,
)
from entrack.analysis.outcomes import Array
from entrack.frozen import frozen
from entrack.results import Interval

Key = tuple[str, int]
"""A population by its name, and a draw of it."""
DRAWS = -1
"""Instead of a draw: the draws of a population, each as one."""
Parts = Mapping[Key, Array]
Point = tuple[float, float]
"""Of a function: where, and its value."""
FAR = 60
"""Doublings of a step after which a limit counts as infinite."""
LEVELS = 64
"""How finely what prompts add to a sum of shares is told apart."""
FINE = 1e-8
"""How exactly, as a fraction, the limits of a ratio are found."""


class Kind(Enum):
    """What the outcomes of prompts are."""

    SHARE = "0 or 1"
    NUMBER = "any number"


@frozen(eq=False, slots=False)
class Estimate(ABC):
    """A number with its interval."""

    value: float

    @property
    @abstractmethod
    def moves(self) -> Parts:
        """How far each prompt moves the value."""

    @abstractmethod
    def limits(self, tail: float = TAIL) -> Interval:
        """Beyond each of these the true value lies with probability `tail`."""


@frozen(eq=False, slots=False)
class Mean(Estimate):
    """The mean of outcomes. `parts` are what each prompt, or draw, adds to it; `prompts` are how many outcomes it is
    of."""

    parts: Parts
    kind: Kind
    prompts: int

    @classmethod
    def of(cls, population: str, draws: Sequence[Array], kind: Kind) -> Mean:
        """Over all prompts of these draws."""
        many = sum(map(len, draws))
        parts = {(population, draw): values / many for draw, values in enumerate(draws)}
        return cls(float(np.concatenate(draws).mean()), parts, kind, many)

    @classmethod
    def over_draws(cls, population: str, draws: Sequence[Array]) -> Mean:
        """Over draws, those that were drawn and others: each is one number."""
        means = np.array([values.mean() for values in draws])
        return cls(float(means.mean()), {(population, DRAWS): means / len(means)}, Kind.NUMBER, len(means))

    @cached_property
    def moves(self) -> Parts:
        return _centred(self.parts)

    def limits(self, tail: float = TAIL) -> Interval:
        return Sum.of([(1.0, self)]).limits(tail)


@frozen(eq=False, slots=False)
class Sum(Estimate):
    """A constant, and factor times estimate, each estimate once."""

    terms: tuple[tuple[float, Estimate], ...]
    constant: float = 0.0

    @classmethod
    def of(cls, terms: Sequence[tuple[float, Estimate]], constant: float = 0.0) -> Sum:
        """Terms of one estimate, in sums too, are put together."""
        factors: dict[Estimate, float] = {}
        for factor, term in terms:
            inner = term.terms if isinstance(term, Sum) else ((1.0, term),)
            constant += factor * term.constant if isinstance(term, Sum) else 0.0
            for times, one in inner:
                factors[one] = factors.get(one, 0.0) + factor * times
        kept = tuple((factor, one) for one, factor in factors.items() if factor != 0)
        return cls(constant + sum(factor * one.value for factor, one in kept), kept, constant)

    @cached_property
    def moves(self) -> Parts:
        return _summed([(factor, term.moves) for factor, term in self.terms])

    def limits(self, tail: float = TAIL) -> Interval:
        parts = [part for some in self._alike() for part in _parts(some, tail)]
        found = sum_limits([part.value for part in parts], [part.limits for part in parts], _correlations(parts))
        return Interval(found.low + self.constant, found.high + self.constant)

    def _alike(self) -> list[list[tuple[float, Estimate]]]:
        """Terms that have an interval together: all shares; means of the same prompts."""
        found: dict[object, list[tuple[float, Estimate]]] = {}
        for factor, term in self.terms:
            found.setdefault(_kind(term), []).append((factor, term))
        return list(found.values())


def _kind(term: Estimate) -> object:
    if not isinstance(term, Mean):
        return term
    return term.kind if term.kind is Kind.SHARE else tuple(term.parts)


@frozen(eq=False, slots=False)
class Ratio(Estimate):
    """Its limits are the ratios R for which `first` - R `second` may be 0. Source: Fieller 1954; Donner and Zou
    2012."""

    first: Estimate
    second: Estimate

    @classmethod
    def of(cls, first: Estimate, second: Estimate) -> Ratio:
        """Not a number where the second is 0."""
        return cls(first.value / second.value if second.value != 0 else nan, first, second)

    @cached_property
    def moves(self) -> Parts:
        if self.second.value == 0:
            return {}
        return _summed(
            [(1 / self.second.value, self.first.moves), (-self.value / self.second.value, self.second.moves)]
        )

    def limits(self, tail: float = TAIL) -> Interval:
        if not isfinite(self.value):
            return Interval(nan, nan)
        side = 1.0 if self.second.value > 0 else -1.0
        step = sqrt(_square(self.moves)) or abs(self.value) or 1.0
        return Interval(
            _crossing(lambda ratio: self._above(ratio, side, tail), self.value, -step),
            _crossing(lambda ratio: self._above(ratio, -side, tail), self.value, step),
        )

    def _above(self, ratio: float, side: float, tail: float) -> float:
        """How far `first` - `ratio` `second` certainly lies above 0; for side -1, below."""
        return Sum.of([(side, self.first), (-side * ratio, self.second)]).limits(tail).low


def _crossing(above: Callable[[float], float], start: float, step: float) -> float:
    """Where a function that is at most 0 at the start comes to be above 0, going by steps that grow; infinite where it
    does not."""
    inner, outer = (start, above(start)), (start + step, above(start + step))
    for _ in range(FAR):
        if outer[1] > 0:
            return _between(above, inner, outer)
        further = start + 2 * (outer[0] - start)
        inner, outer = outer, (further, above(further))
    return inf if step > 0 else -inf


def _between(above: Callable[[float], float], inner: Point, outer: Point) -> float:
    """Where a function crosses 0 between two points, by regula falsi, and by halving where that is slow; the inner one
    itself where it lies no further from it than is looked. Source: the Illinois method, Dowell and Jarratt 1971."""
    start = inner[0]
    fine, wide = FINE * max(abs(outer[0]), abs(outer[0] - inner[0])), abs(outer[0] - inner[0])
    weights, halve = [1.0, 1.0], False
    while abs(outer[0] - inner[0]) > fine:
        low, high = inner[1] * weights[0], outer[1] * weights[1]
        at = (inner[0] + outer[0]) / 2
        if not halve and isfinite(low) and high > low:
            at = inner[0] + (outer[0] - inner[0]) * min(0.99, max(0.01, -low / (high - low)))
        found = at, above(at)
        if found[1] > 0:
            outer, weights = found, [weights[0] / 2, 1.0]
        else:
            inner, weights = found, [1.0, weights[1] / 2]
        halve, wide = abs(outer[0] - inner[0]) > wide / 2, abs(outer[0] - inner[0])
    return inner[0] if abs(inner[0] - start) > fine else start


@frozen(eq=False, slots=False)
class Product(Estimate):
    """Its limits are those of a sum (MOVER), with the variance of a product. Source: Goodman 1960."""

    first: Estimate
    second: Estimate

    @classmethod
    def of(cls, first: Estimate, second: Estimate) -> Product:
        return cls(first.value * second.value, first, second)

    @cached_property
    def moves(self) -> Parts:
        return _summed([(self.second.value, self.first.moves), (self.first.value, self.second.moves)])

    def limits(self, tail: float = TAIL) -> Interval:
        straight = Sum.of([(self.second.value, self.first), (self.first.value, self.second)])
        plain = straight.limits(tail)
        ends = [*_ends(self.first.limits(tail)), *_ends(self.second.limits(tail)), *_ends(plain)]
        if not all(map(isfinite, ends)):
            return Interval(-inf, inf)
        corners = [(end - self.first.value) * (stop - self.second.value) for end in ends[:2] for stop in ends[2:4]]
        below, above = straight.value - plain.low, plain.high - straight.value
        return Interval(self.value - hypot(below, min(0.0, *corners)), self.value + hypot(above, max(0.0, *corners)))


@frozen(eq=False, slots=False)
class Smallest(Estimate):
    """The smallest of several. It may be that of any whose interval reaches below all upper limits."""

    several: tuple[Estimate, ...]

    @classmethod
    def of(cls, several: Sequence[Estimate]) -> Smallest:
        return cls(min(one.value for one in several), tuple(several))

    @cached_property
    def moves(self) -> Parts:
        return min(self.several, key=lambda one: one.value).moves

    def limits(self, tail: float = TAIL) -> Interval:
        first = [one.limits(tail) for one in self.several]
        reach = min(one.high for one in first)
        able = [one for one, limits in zip(self.several, first, strict=True) if limits.low <= reach]
        return Interval(min(limits.low for limits in first), min(one.limits(tail / len(able)).high for one in able))


@frozen(eq=False, slots=False)
class Apart(Estimate):
    """The mean of the absolute values of several. Chance makes it larger than it is, so its limits reach as far down as
    those of the mean of the values with their own signs."""

    several: tuple[Estimate, ...]

    @classmethod
    def of(cls, several: Sequence[Estimate]) -> Apart:
        return cls(sum(abs(one.value) for one in several) / len(several), tuple(several))

    @cached_property
    def moves(self) -> Parts:
        return self._turned.moves

    def limits(self, tail: float = TAIL) -> Interval:
        signed, turned = average(self.several).limits(tail), self._turned.limits(tail)
        ends = abs(signed.low), abs(signed.high)
        return Interval(0.0 if signed.low <= 0 <= signed.high else min(ends), max(*ends, turned.high))

    @property
    def _turned(self) -> Sum:
        """The mean, with the sign of each turned to what was found."""
        return Sum.of([((1 if one.value >= 0 else -1) / len(self.several), one) for one in self.several])


def constant(value: float) -> Sum:
    """What does not depend on prompts."""
    return Sum.of([], value)


def total(first: Estimate, second: Estimate) -> Sum:
    return Sum.of([(1.0, first), (1.0, second)])


def difference(first: Estimate, second: Estimate) -> Sum:
    return Sum.of([(1.0, first), (-1.0, second)])


def average(several: Sequence[Estimate]) -> Sum:
    return Sum.of([(1 / len(several), one) for one in several])


def product(first: Estimate, second: Estimate) -> Estimate:
    for one, other in ((first, second), (second, first)):
        if isinstance(one, Sum) and not one.terms:
            return Sum.of([(one.value, other)])
    return Product.of(first, second)


def quotient(first: Estimate, second: Estimate) -> Estimate:
    if isinstance(second, Sum) and not second.terms and second.value:
        return Sum.of([(1 / second.value, first)])
    return Ratio.of(first, second)


def summary(kind: str, several: Sequence[Estimate]) -> Estimate:
    """The smallest, largest or mean of several."""
    if kind == "mean":
        return average(several)
    sign = 1.0 if kind == "smallest" else -1.0
    return Sum.of([(sign, Smallest.of([Sum.of([(sign, one)]) for one in several]))])


# --- terms that have an interval together ------------------------------------------------------------------------


@frozen(eq=False)
class _Part:
    value: float
    moves: Parts
    limits: Interval


def _parts(terms: Sequence[tuple[float, Estimate]], tail: float) -> list[_Part]:
    """Of shares, two: what prompts add, and what prompts take away."""
    means = [(factor, term) for factor, term in terms if isinstance(term, Mean)]
    if not means:
        factor, only = terms[0]
        return [_Part(factor * only.value, _scaled(only.moves, factor), _times(only.limits(tail), factor))]
    signs = {1.0 if factor > 0 else -1.0 for factor, _ in means}
    if means[0][1].kind is Kind.NUMBER:
        return [_of_numbers(_Together(means), tail)]
    return [_shares(_Together(means), sign, tail) for sign in sorted(signs)]


@frozen(eq=False, slots=False)
class _Together:
    """Means whose prompts are looked at together."""

    means: Sequence[tuple[float, Mean]]

    @cached_property
    def whole(self) -> Parts:
        """What each prompt adds to their sum."""
        return _summed([(factor, term.parts) for factor, term in self.means])

    @cached_property
    def pieces(self) -> tuple[tuple[Key, slice], ...]:
        """Prompts in a row of which the same means are made."""
        lengths = {key: {len(term.parts[key]) for _, term in self.means if key in term.parts} for key in self.whole}
        return tuple((key, piece) for key, several in lengths.items() for piece in _pieces(several))

    def most(self, sign: float, key: Key, piece: slice) -> float:
        """What these prompts could add together, or with -1, take away."""
        of = [each for each in _on_side(self.means, sign) if piece.stop <= len(each[1].parts.get(key, ()))]
        return sum(factor * _many(piece) / term.prompts for factor, term in of)


def _on_side(means: Sequence[tuple[float, Mean]], sign: float) -> list[tuple[float, Mean]]:
    """The means with factors of a sign, and the size of these."""
    return [(abs(factor), term) for factor, term in means if (factor > 0) == (sign > 0)]


def _pieces(lengths: set[int]) -> tuple[slice, ...]:
    ends = sorted(lengths)
    return tuple(slice(start, end) for start, end in zip([0, *ends], ends, strict=False))


def _many(piece: slice) -> int:
    return int(piece.stop - piece.start)


def _of_numbers(together: _Together, tail: float) -> _Part:
    moves: dict[Key, Array] = {}
    for key, piece in together.pieces:
        each = together.whole[key][piece]
        moves[key] = np.concatenate([moves.get(key, each[:0]), each - each.mean()])
    value = _total(together.whole)
    low, high = moved_limits(np.array(value), np.concatenate(list(moves.values())), tail)
    return _Part(value, moves, Interval(float(low), float(high)))


@frozen(eq=False)
class _Stratum:
    """Prompts that are alike: what each adds, or takes away, as a fraction `of_most` of what it could; together they
    could add `weight`."""

    key: Key
    start: int
    of_most: Array
    weight: float


def _shares(together: _Together, sign: float, tail: float) -> _Part:
    """What prompts add, or take away. It is a sum over levels: how many prompts add as much as this or more."""
    strata = []
    for key, piece in together.pieces:
        most = together.most(sign, key, piece)
        if most > 0:
            each = np.maximum(sign * together.whole[key][piece], 0.0) * (_many(piece) / most)
            strata.append(_Stratum(key, piece.start, each, most))
    largest = max(abs(factor) for factor, _ in together.means)
    jump = largest / sum(factor for factor, _ in _on_side(together.means, sign))
    levels = _levels(np.concatenate([stratum.of_most for stratum in strata]), jump)
    parts = [_level(strata, level, level - below, tail) for below, level in zip([0.0, *levels], levels, strict=False)]
    limits = sum_limits([part.value for part in parts], [part.limits for part in parts], _correlations(parts))
    value, moves = sum(part.value for part in parts), _summed([(sign, part.moves) for part in parts])
    return _Part(sign * value, moves, _times(limits, sign))


def _levels(fractions: Array, jump: float) -> list[float]:
    """The different values above 0, in rising order, and one that was not seen, a jump above them, or, of none, all.
    At most `LEVELS` and it, where there are more evenly spread ones."""
    found = np.unique(np.round(fractions[fractions > 0], 9))
    if len(found) > LEVELS:
        found = np.unique(np.ceil(fractions[fractions > 0] * LEVELS) / LEVELS)
    levels = [float(level) for level in found] or [1.0]
    return levels if levels[-1] > 1 - 1e-6 else [*levels, min(1.0, levels[-1] + jump)]


def _level(strata: Sequence[_Stratum], level: float, step: float, tail: float) -> _Part:
    """`step` times the share of prompts that reach a level, of as many prompts as would let it vary as much. Source:
    Kish 1965."""
    most = sum(stratum.weight for stratum in strata)
    share = spread = unseen = least = 0.0
    moves: dict[Key, Array] = {}
    for stratum in strata:
        reached = (stratum.of_most >= level - 1e-9).astype(np.float64)
        many, hits, part = len(reached), float(reached.sum()), stratum.weight / most
        share += part * hits / many
        least += part**2 / many
        spread += part**2 * _spread(hits, many) / many
        unseen += part**2 * max(0.0, _spread(hits + 0.5, many + 1) - _spread(hits, many)) / many
        ahead = np.zeros(stratum.start - len(moves.get(stratum.key, ())))
        moved = (reached - hits / many) * (stratum.weight * step / many)
        moves[stratum.key] = np.concatenate([moves.get(stratum.key, ahead[:0]), ahead, moved])
    able = share * (1 - share) / (spread + unseen) if spread + unseen > 0 else 0.0
    limits = share_limits(min(1.0, share), max(1 / least, able), tail)
    return _Part(share * most * step, moves, _times(limits, most * step))


def _spread(hits: float, many: float) -> float:
    """The variance of an outcome that is 1 so often of so many, else 0."""
    return hits / many * (1 - hits / many)


def _correlations(parts: Sequence[_Part]) -> Array:
    """How estimates vary together, by the prompts that they share. -> (part, part)"""
    found = np.eye(len(parts))
    for row, first in enumerate(parts):
        for column, second in enumerate(parts[:row]):
            found[row, column] = found[column, row] = correlation(first.moves, second.moves)
    return found


def correlation(first: Parts, second: Parts) -> float:
    """Of two estimates, by the prompts that they share; 0 where one of them does not vary."""
    shared = [(first[key], second[key]) for key in first if key in second]
    product = sum(float(one[: len(other)] @ other[: len(one)]) for one, other in shared)
    size = sqrt(_square(first) * _square(second))
    return max(-1.0, min(1.0, product / size)) if size > 0 else 0.0


def _summed(terms: Sequence[tuple[float, Parts]]) -> Parts:
    total: dict[Key, Array] = {}
    for factor, parts in terms:
        for key, each in parts.items():
            total[key] = _added(total[key], factor * each) if key in total else factor * each
    return total


def _added(first: Array, second: Array) -> Array:
    """The sum of two lists of numbers that begin at the same prompt."""
    longer, shorter = (first, second) if len(first) >= len(second) else (second, first)
    total = longer.copy()
    total[: len(shorter)] += shorter
    return total


def _centred(parts: Parts) -> Parts:
    return {key: each - each.mean() for key, each in parts.items()}


def _scaled(parts: Parts, factor: float) -> Parts:
    return {key: factor * each for key, each in parts.items()}


def _total(parts: Parts) -> float:
    return float(sum(each.sum() for each in parts.values()))


def _square(parts: Parts) -> float:
    return float(sum((each**2).sum() for each in parts.values()))


def _times(limits: Interval, factor: float) -> Interval:
    low, high = sorted((factor * limits.low, factor * limits.high))
    return Interval(low, high)


def _ends(limits: Interval) -> tuple[float, float]:
    return limits.low, limits.high
