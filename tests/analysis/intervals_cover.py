"""How often 95 % intervals hold what they should, by simulation: `make coverage`.

Each row is a kind of number of the results with a distribution of its outcomes; of each n, so many data sets are drawn,
and the share of those is printed whose interval holds the true value. Exit status 1 where a row is below 93 %, or above
97 % though neither discreteness nor caution among equals forces it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

import numpy as np
from attrs import frozen
from numpy.random import PCG64, Generator
from simulated_tables import asked, put

from entrack.analysis.cells import Readings
from entrack.analysis.estimates import Apart, Estimate, Kind, Mean, Ratio, average, difference, summary
from entrack.analysis.outcomes import Array
from entrack.results import Interval

SIZES = (20, 50, 100, 500)
LEAST, MOST = 93.0, 97.5
MARKS = "<!-- coverage -->\n", "<!-- end of coverage -->\n"
Draw = Callable[[Generator, int], tuple[Interval | None, float]]
"""From chance and a number of prompts to an interval, None where the number does not exist, and the true value."""


@frozen
class Row:
    """`wide` says why a row may be above 97 %; `loose` that heavy tails or selection may take it below 93 %."""

    name: str
    draw: Draw
    wide: str = ""
    loose: bool = False


# --- outcomes ----------------------------------------------------------------------------------------------------


def right(chance: Generator, n: int, *shares: float, alike: float = 0.0) -> list[Array]:
    """Outcomes 0 or 1 of runs on n prompts, right on these shares; of `alike` of the prompts one chance decides all."""
    shared, same = chance.random(n), chance.random(n) < alike
    return [(np.where(same, shared, chance.random(n)) < share).astype(np.float64) for share in shares]


def share(values: Array, population: str = "boxes") -> Mean:
    return Mean.of(population, [values], Kind.SHARE)


def number(values: Array, population: str = "boxes") -> Mean:
    return Mean.of(population, [values], Kind.NUMBER)


def normal(chance: Generator, n: int, mean: float = 0.0, sd: float = 1.0) -> Array:
    """Box and Muller's, so that nothing hangs on a library's method."""
    radius, angle = np.sqrt(-2 * np.log1p(-chance.random(n))), 2 * np.pi * chance.random(n)
    return np.asarray(mean + sd * radius * np.cos(angle))


def exponential(chance: Generator, n: int) -> Array:
    return np.asarray(-np.log1p(-chance.random(n)))


# --- rows --------------------------------------------------------------------------------------------------------


def accuracy(of: float) -> Draw:
    return lambda chance, n: (share(right(chance, n, of)[0]).limits(), of)


def two_shares(made: Callable[[Mean, Mean], Estimate], one: float, other: float, alike: float, fewer: int = 0) -> Draw:
    def draw(chance: Generator, n: int) -> tuple[Interval | None, float]:
        before, after = right(chance, n, one, other, alike=alike)
        true = other - one if made is fall else other / one
        return (made(share(after), share(before[: n - fewer])).limits() if before.any() else None), true

    return draw


def fall(after: Mean, before: Mean) -> Estimate:
    return difference(after, before)


def kept(after: Mean, before: Mean) -> Estimate:
    return Ratio.of(after, before)


def apart(one: float, other: float) -> Draw:
    def draw(chance: Generator, n: int) -> tuple[Interval | None, float]:
        (before,), (after,) = right(chance, n, one), right(chance, n, other)
        return difference(share(after, "others"), share(before)).limits(), other - one

    return draw


def mean(values: Callable[[Generator, int], Array], true: float) -> Draw:
    return lambda chance, n: (number(values(chance, n)).limits(), true)


def paired_means(made: Callable[[Mean, Mean], Estimate], true: float) -> Draw:
    """Logit differences of 3 before and 2 after, which vary together."""

    def draw(chance: Generator, n: int) -> tuple[Interval | None, float]:
        prompt = normal(chance, n)
        before, after = 3 + prompt + normal(chance, n, sd=0.5), 2 + 0.7 * prompt + normal(chance, n, sd=0.5)
        return made(number(after), number(before)).limits(), true

    return draw


def recovery(chance: Generator, n: int) -> tuple[Interval | None, float]:
    """Logit differences: clean 3, corrupted -1, edited 2."""
    prompt = normal(chance, n)
    clean, corrupted, edited = (
        number(at + size * prompt + exponential(chance, n) - 1) for at, size in ((3, 1.0), (-1, 0.3), (2, 0.8))
    )
    return Ratio.of(difference(edited, corrupted), difference(clean, corrupted)).limits(), 0.75


def recovery_of_accuracy(chance: Generator, n: int) -> tuple[Interval | None, float]:
    clean, edited, corrupted = map(share, right(chance, n, 0.9, 0.6, 0.1, alike=0.5))
    way = difference(clean, corrupted)
    return (Ratio.of(difference(edited, corrupted), way).limits() if way.value else None), 0.625


def draws(many: int, over: bool, kind: Kind = Kind.SHARE, even: bool = False) -> Draw:
    """Random heads: accuracies, or logit differences, that differ between draws with sd 0.05 around 0.05, most of them
    a little and few much; or evenly, from 0 to 0.1."""

    def draw(chance: Generator, n: int) -> tuple[Interval | None, float]:
        true = 0.1 * chance.random(many) if even else 0.05 * exponential(chance, many)
        if kind is Kind.SHARE:
            true = np.minimum(true, 1.0)
            several = [right(chance, n, one)[0] for one in true]
        else:
            several = [normal(chance, n, one, 0.2) for one in true]
        readings = Readings(Mean.of("boxes", several, kind), Mean.over_draws("boxes", several))
        return (readings.interval, 0.05) if over else (readings.of_these_draws, float(true.mean()))

    return draw


def halves(chance: Generator, n: int, gap: float) -> list[Estimate]:
    """Ten sets of heads removed, of different effect; the model is right on `gap` fewer prompts."""
    pairs = [right(chance, n, at, at - gap, alike=0.8) for at in np.linspace(0.3, 0.8, 10)]
    return [difference(share(circuit), share(model)) for circuit, model in pairs]


def completeness(gap: float, absolute: bool) -> Draw:
    def draw(chance: Generator, n: int) -> tuple[Interval | None, float]:
        several = halves(chance, n, gap)
        return (Apart.of(several) if absolute else average(several)).limits(), gap

    return draw


def agreeing(chance: Generator, n: int) -> tuple[Interval | None, float]:
    """Circuit and model are right on the same prompts, but for one in ten, where each is as often."""
    circuit, model = right(chance, n, 0.6, 0.6, alike=0.8)
    return Apart.of([difference(share(circuit), share(model))]).limits(), 0.0


def summarised(kind: str, shares: tuple[float, ...], alike: float) -> Draw:
    def draw(chance: Generator, n: int) -> tuple[Interval | None, float]:
        several = [share(values) for values in right(chance, n, *shares, alike=alike)]
        true = {"smallest": min(shares), "largest": max(shares), "mean": sum(shares) / len(shares)}[kind]
        return summary(kind, several).limits(), true

    return draw


def selected(chance: Generator, n: int) -> tuple[Interval | None, float]:
    """The lowest score of 32 heads, of which four move the logit by -0.3, with its interval on the same prompts."""
    true = np.where(np.arange(32) < 4, -0.3, 0.0)
    scores = [number(normal(chance, n, one)) for one in true]
    lowest = min(range(32), key=lambda head: scores[head].value)
    return scores[lowest].limits(), float(true[lowest])


def confirmed(chance: Generator, n: int) -> tuple[Interval | None, float]:
    """The same head's score on n other prompts, which chose nothing."""
    true = np.where(np.arange(32) < 4, -0.3, 0.0)
    lowest = min(range(32), key=lambda head: float(normal(chance, n, float(true[head])).mean()))
    return number(normal(chance, n, float(true[lowest]))).limits(), float(true[lowest])


FEW = "few prompts differ, so few values are possible"
WIDER = "it is never narrower than for these draws"
TIES = "which is the smallest is not known"
ROWS = (
    *(Row(f"accuracy, p = {of}", accuracy(of), FEW) for of in (0.02, 0.1, 0.5, 0.9, 0.99)),
    Row("difference .90 to .88, paired", two_shares(fall, 0.9, 0.88, 0.9), FEW),
    Row("difference .60 to .55, paired", two_shares(fall, 0.6, 0.55, 0.7), FEW),
    Row("difference .62 to .01, paired", two_shares(fall, 0.62, 0.01, 0.5), FEW),
    Row("difference .60 to .55, one prompt fewer", two_shares(fall, 0.6, 0.55, 0.7, fewer=1), FEW),
    Row("difference .60 to .55, other prompts", apart(0.6, 0.55)),
    Row("ratio .90 to .88", two_shares(kept, 0.9, 0.88, 0.9), FEW),
    Row("ratio .60 to .55", two_shares(kept, 0.6, 0.55, 0.7), FEW),
    Row("ratio .62 to .01", two_shares(kept, 0.62, 0.01, 0.5), FEW),
    Row("logit difference", mean(normal, 0.0)),
    Row("log probability", mean(lambda chance, n: -exponential(chance, n), -1.0)),
    Row("KL from clean", mean(lambda chance, n: normal(chance, n) ** 2, 1.0)),
    Row("rank", mean(lambda chance, n: 1 + np.floor(exponential(chance, n) / 0.5), 1 + 1 / np.expm1(0.5))),
    Row("difference of means, paired", paired_means(fall, -1.0)),
    Row("ratio of means, paired", paired_means(kept, 2 / 3)),
    Row("recovery of a logit difference", recovery),
    Row("recovery of accuracy", recovery_of_accuracy, FEW),
    Row("accuracy, over 10 draws", draws(10, over=True)),
    Row("accuracy, over 4 draws", draws(4, over=True, even=True), WIDER),
    Row("accuracy, for these 10 draws", draws(10, over=False)),
    Row("logit difference, over 10 draws", draws(10, over=True, kind=Kind.NUMBER)),
    Row("logit difference, for these 10 draws", draws(10, over=False, kind=Kind.NUMBER)),
    Row("completeness, signed, halves that agree", completeness(0.0, absolute=False)),
    Row("completeness, signed, halves .1 apart", completeness(0.1, absolute=False)),
    Row("completeness, absolute, halves that agree", completeness(0.0, absolute=True), "it is never below 0"),
    Row("completeness, absolute, halves .1 apart", completeness(0.1, absolute=True), "chance makes it larger"),
    Row("completeness, absolute, a group that agrees", agreeing, FEW),
    Row("smallest of .5, .5 and .5", summarised("smallest", (0.5, 0.5, 0.5), 0.5), TIES),
    Row("smallest of .3, .6 and .8", summarised("smallest", (0.3, 0.6, 0.8), 0.5), TIES),
    Row("largest of .5, .55 and .6", summarised("largest", (0.5, 0.55, 0.6), 0.5), TIES),
    Row("mean of .1, .5 and .9", summarised("mean", (0.1, 0.5, 0.9), 0.5)),
    Row("heavy tails: log-normal, sigma 1", mean(lambda c, n: np.exp(normal(c, n)), float(np.exp(0.5))), loose=True),
    Row(
        "heavy tails: Student's t with 3",
        mean(lambda c, n: normal(c, n) / np.sqrt(sum(normal(c, n) ** 2 for _ in range(3)) / 3), 0.0),
        loose=True,
    ),
    Row(
        "one prompt in ten moves, by 1 on average",
        mean(lambda c, n: (c.random(n) < 0.1) * exponential(c, n), 0.1),
        loose=True,
    ),
    Row(
        "probability of .99 on 90 %, .1 on 10 %",
        mean(lambda c, n: np.where(c.random(n) < 0.1, 0.1, 0.99), 0.901),
        loose=True,
    ),
    Row("accuracy, over 4 draws of which few differ much", draws(4, over=True), loose=True),
    Row("score of the best of 32 heads, same prompts", selected, loose=True),
    Row("score of the best of 32 heads, fresh prompts", confirmed),
)


# --- the table ---------------------------------------------------------------------------------------------------


def covered(row: Row, n: int, count: int) -> float:
    """Of the data sets whose number exists, how many per cent have an interval that holds the true value."""
    chance = Generator(PCG64(sum(map(ord, row.name)) * 1000 + n))
    found = [row.draw(chance, n) for _ in range(count)]
    held = [limits.low - 1e-9 <= true <= limits.high + 1e-9 for limits, true in found if limits is not None]
    return 100 * sum(held) / len(held)


def wrong(row: Row, shares: Mapping[int, float]) -> bool:
    least, most = min(shares.values()), max(shares.values())
    return not row.loose and (least < LEAST or (most > MOST and not row.wide))


def main() -> int:
    options = asked(__doc__, 2000, "data sets of each row and n")
    head = f"| per cent of {options.count:,} data sets | " + " | ".join(f"n = {n}" for n in SIZES) + " | |"
    lines, failed = [head, "|---|" + "---|" * len(SIZES) + "---|"], False
    print(*lines, sep="\n", flush=True)
    for row in ROWS:
        if options.only in row.name:
            shares = {n: covered(row, n, options.count) for n in SIZES}
            failed |= wrong(row, shares)
            why = row.wide if max(shares.values()) > MOST else ""
            lines.append(f"| {row.name} | " + " | ".join(f"{share:.1f}" for share in shares.values()) + f" | {why} |")
            print(lines[-1] + (" <-- wrong" if wrong(row, shares) else ""), flush=True)
    if options.write:
        put(lines, MARKS)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
