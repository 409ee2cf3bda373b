"""How often certified claims are decided wrongly, and how many prompts they take, by simulation: `make certified`.

Somebody looks after every prompt, and stops as soon as a false claim is certified, or a true one refuted. Of each kind
of claim so many runs are drawn, and the share of wrong verdicts is printed; beside it that of who looks after every
batch at the 95 % interval of the prompts so far, as if there had been no looks before. Exit status 1 where a share is
above the claim's risk by more than chance.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import cache
from math import sqrt
from statistics import NormalDist

import numpy as np
from attrs import frozen
from numpy.random import PCG64, Generator
from simulated_tables import asked, put

from entrack.analysis.confidence_sequences import Bounded, Observed, decided
from entrack.analysis.intervals import mean_limits, share_limits
from entrack.analysis.outcomes import Array
from entrack.plan.plan import BATCH

PROMPTS = 2000
RISK = 0.05
POWER = 0.8
"""How many of the runs must be decided, for the numbers of prompts that are compared."""
MARKS = "<!-- certified -->\n", "<!-- end of certified -->\n"
Draw = Callable[[Generator, int], Sequence[tuple[Bounded, float]]]
"""Values of so many prompts, that each have a mean above 0 for who is wrong, with the risk of each."""


@frozen
class Row:
    """A claim about whose verdict one may be wrong: when all of what is drawn is decided, or, with `one`, any of it.
    `risk` is what was promised."""

    name: str
    draw: Draw
    one: bool = False
    risk: float = RISK


@frozen
class Gap:
    """A true claim `accuracy >= bound`, or another number's, whose values have a standard deviation `at_bound` where
    the claim is just not true."""

    name: str
    draw: Callable[[Generator, int], Bounded]
    gap: float
    sd: float
    at_bound: float


# --- values ------------------------------------------------------------------------------------------------------


def shares(chance: Generator, n: int, *of: float, alike: float = 0.0) -> list[Array]:
    """Outcomes 0 or 1, right on these shares; of `alike` of the prompts one chance decides all."""
    shared, same = chance.random(n), chance.random(n) < alike
    return [(np.where(same, shared, chance.random(n)) < share).astype(np.float64) for share in of]


def seen(values: Array, least: float = 0.0) -> Observed:
    return Observed(Bounded(values, least, 1.0))


def right(chance: Generator, n: int, of: float) -> Observed:
    (values,) = shares(chance, n, of)
    return seen(values)


def at_least(of: float, bound: float, risk: float = RISK) -> Draw:
    return lambda chance, n: [(right(chance, n, of).above(bound), risk)]


def at_most(of: float, bound: float) -> Draw:
    return lambda chance, n: [(right(chance, n, of).below(bound), RISK)]


def mean_above(values: Callable[[Generator, int], Array], bound: float, least: float = 0.0) -> Draw:
    return lambda chance, n: [(seen(values(chance, n), least).above(bound), RISK)]


def difference(chance: Generator, n: int, of: float, share: float = 0.8) -> Bounded:
    """kept[only] - share * kept[nothing], where nine in ten prompts are right or wrong in both."""
    nothing, only = shares(chance, n, 0.62, of, alike=0.9)
    return seen(only - share * nothing, -share).above(0.0)


def ratio(chance: Generator, n: int, of: float, bound: float) -> Bounded:
    nothing, only = shares(chance, n, 0.62, of, alike=0.9)
    return Observed(Bounded(only, 0.0, 1.0), Bounded(nothing, 0.0, 1.0)).above(bound)


def several(*of: float, bound: float, below: bool, risk: float) -> Draw:
    """A claim of all cells of a measure, on the same prompts."""

    def draw(chance: Generator, n: int) -> Sequence[tuple[Bounded, float]]:
        each = map(seen, shares(chance, n, *of, alike=0.5))
        return [(one.below(bound) if below else one.above(bound), risk) for one in each]

    return draw


def sides(of: float, low: float, high: float, risk: float) -> Draw:
    """That a share lies within two numbers, or, on the other sides of these, without."""

    def draw(chance: Generator, n: int) -> Sequence[tuple[Bounded, float]]:
        one = right(chance, n, of)
        return [(one.above(low), risk), (one.below(high), risk)]

    return draw


def mostly(chance: Generator, n: int) -> Array:
    """Probabilities that are .99 on nine prompts in ten, and .1 on one."""
    return np.where(chance.random(n) < 0.1, 0.1, 0.99)


def arcsine(chance: Generator, n: int) -> Array:
    """Probabilities near 0 or near 1, with a mean of 0.5."""
    return np.asarray(np.sin(np.pi * chance.random(n) / 2) ** 2)


def narrow(chance: Generator, n: int, mean: float = 0.0) -> Array:
    """Differences of probabilities that are small on all prompts."""
    return np.asarray(mean + 0.1 * (2 * chance.random(n) - 1))


ROWS = (
    *(Row(f"accuracy >= {p}, where it is {p}", at_least(p, p)) for p in (0.02, 0.1, 0.5, 0.8, 0.95)),
    Row("accuracy >= 0.8, where it is 0.79", at_least(0.79, 0.8)),
    *(Row(f"accuracy <= {p}, where it is {p}", at_most(p, p)) for p in (0.05, 0.5, 0.9)),
    Row("accuracy <= 0.1, where it is 0.11", at_most(0.11, 0.1)),
    Row("accuracy >= 0.5 at 99 %, where it is 0.5", at_least(0.5, 0.5, 0.01), risk=0.01),
    Row("probability, uniform, >= its mean", mean_above(lambda chance, n: chance.random(n), 0.5)),
    Row("probability, .99 on 90 % and .1 on 10 %, >= its mean", mean_above(mostly, 0.901)),
    Row("probability, near 0 or 1, >= its mean", mean_above(arcsine, 0.5)),
    Row("probability difference, small on all prompts, > 0, where it is 0", mean_above(narrow, 0.0, -1.0)),
    Row("a - 0.8 * b >= 0, where it is 0", lambda chance, n: [(difference(chance, n, 0.496), RISK)]),
    Row("a / b >= 0.8, where it is 0.8", lambda chance, n: [(ratio(chance, n, 0.496, 0.8), RISK)]),
    Row("smallest >= 0.5, where one of three is 0.5", several(0.5, 0.6, 0.9, bound=0.5, below=False, risk=RISK)),
    Row("within 0.1 of 0.5, where it is 0.6", sides(0.6, 0.4, 0.6, RISK)),
    Row(
        "refuted: smallest >= 0.5, where four of four are 0.5",
        several(0.5, 0.5, 0.5, 0.5, bound=0.5, below=True, risk=RISK / 4),
        one=True,
    ),
    Row("refuted: within 0.05 of 0.5, where it is 0.55", sides(0.55, 0.55, 0.45, RISK / 2), one=True),
)


def share_above(bound: float, gap: float) -> Gap:
    of, at_bound = bound + gap, sqrt(bound * (1 - bound))
    draw = at_least(of, bound)
    name = f"accuracy >= {bound}, where it is {of:.4g}"
    return Gap(name, lambda chance, n: draw(chance, n)[0][0], gap, sqrt(of * (1 - of)), at_bound)


def paired(gap: float) -> Gap:
    """a - 0.8 * b: of its variance the same is known where it is 0."""
    sd = float(difference(Generator(PCG64(1)), 200_000, 0.496 + gap).values.std())
    at_bound = float(difference(Generator(PCG64(1)), 200_000, 0.496).values.std())
    name = f"a - 0.8 * b >= 0, where it is {gap:.4g}"
    return Gap(name, lambda chance, n: difference(chance, n, 0.496 + gap), gap, sd, at_bound)


GAPS = (
    *(share_above(0.5, gap) for gap in (0.05, 0.1, 0.2, 0.4)),
    *(share_above(0.8, gap) for gap in (0.05, 0.1, 0.15)),
    *(share_above(0.05, gap) for gap in (0.05, 0.1)),
    *(paired(gap) for gap in (0.05, 0.1, 0.12)),
)


# --- the tables --------------------------------------------------------------------------------------------------


def wrongly(row: Row, count: int, prompts: int = PROMPTS) -> float:
    """Of so many runs, how many per cent have a wrong verdict at any prompt."""
    chance = Generator(PCG64(sum(map(ord, row.name))))
    found = 0
    for _ in range(count):
        hits = [decided(values, risk) is not None for values, risk in row.draw(chance, prompts)]
        found += any(hits) if row.one else all(hits)
    return 100 * found / count


def naively(row: Row, count: int, prompts: int = PROMPTS) -> float:
    """The same of who takes the 95 % interval of all prompts so far, after every batch."""
    chance = Generator(PCG64(sum(map(ord, row.name))))
    found = 0
    for _ in range(count):
        looks = np.array([_looks(values, row.risk / 2) for values, _ in row.draw(chance, prompts)])
        found += bool(looks.any()) if row.one else bool(looks.all(axis=0).any())
    return 100 * found / count


def _looks(given: Bounded, tail: float) -> list[bool]:
    """Batch by batch, whether the interval of the prompts so far lies above 0."""
    two = np.unique(given.values)
    ends = range(BATCH, len(given.values) + 1, BATCH)
    if len(two) == 2 and given.least <= two[0] + 1e-12 and given.most <= two[1] + 1e-12:
        right = (given.values > two.mean()).cumsum()
        return [two[0] + (two[1] - two[0]) * _lowest(int(right[end - 1]), end, tail) > 0 for end in ends]
    return [float(mean_limits(given.values[:end], tail)[0]) > 0 for end in ends]


@cache
def _lowest(right: int, many: int, tail: float) -> float:
    return share_limits(right / many, many, tail).low


def taken(gap: Gap, count: int) -> tuple[float, float, float]:
    """In the middle, and in four of five runs, how many prompts a certificate takes; and the share without one."""
    chance = Generator(PCG64(sum(map(ord, gap.name))))
    found = [decided(gap.draw(chance, PROMPTS), RISK) or PROMPTS + 1 for _ in range(count)]
    middle, most = np.quantile(found, [0.5, POWER], method="higher")
    return float(middle), float(most), 100 * float(np.mean(np.array(found) > PROMPTS))


def fixed(gap: Gap) -> float:
    """How many prompts a sample of fixed size needs to show the same in four of five runs, at the same risk."""
    normal = NormalDist()
    reach = normal.inv_cdf(1 - RISK) * gap.at_bound + normal.inv_cdf(POWER) * gap.sd
    return (reach / gap.gap) ** 2


def too_many(row: Row, share: float, count: int) -> bool:
    """Whether a share of wrong verdicts is above the risk by more than three standard errors."""
    return share > 100 * (row.risk + 3 * sqrt(row.risk * (1 - row.risk) / count))


def main() -> int:
    options = asked(__doc__, 2000, "runs of each claim", rows=False)
    count, failed = options.count, False
    lines = [
        f"| per cent of {count:,} runs with a wrong verdict, at any of {PROMPTS:,} prompts | certificate | interval |"
    ]
    lines.append("|---|---|---|")
    print(*lines, sep="\n", flush=True)
    for row in ROWS:
        share = wrongly(row, count)
        failed |= too_many(row, share, count)
        lines.append(f"| {row.name} | {share:.1f} | {naively(row, count):.1f} |")
        print(lines[-1], flush=True)
    lines += ["", f"| prompts until a true claim is certified, {count:,} runs | half | 4 of 5 | fixed | undecided, % |"]
    lines.append("|---|---|---|---|---|")
    for gap in GAPS:
        middle, most, undecided = taken(gap, count)
        shown = (f"{many:,.0f}" if many <= PROMPTS else f"over {PROMPTS:,}" for many in (middle, most))
        lines.append(f"| {gap.name} | {' | '.join(shown)} | {fixed(gap):,.0f} | {undecided:.1f} |")
        print(lines[-1], flush=True)
    if options.write:
        put(lines, MARKS)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
