"""How many of the heads that `keep significant at 5 %` finds are false, by simulation: `make false-discoveries`.

Each row is a distribution of the scores of 128 heads, of which so many are real: their mean lies 0.7 standard
deviations below zero. Of each n, so many data sets are drawn; the mean share of false ones among those found is
printed, and in brackets how many of the real ones are found. Exit status 1 where a row is above 5 %, sampling error
aside.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

import numpy as np
from attrs import frozen
from intervals_cover import exponential, normal
from numpy.random import PCG64, Generator
from simulated_tables import asked, put

from entrack.analysis.outcomes import Array, BySite
from entrack.analysis.significance import significance
from entrack.plan.steps import Select
from entrack.ranking import Ranking
from entrack.sites import Site

SIZES = (20, 50, 100)
REAL = (0, 4, 16)
HEADS, SCREENED, EFFECT, RATE = 128, 24, 0.7, 5.0
SLACK = 1.5
"""Three standard errors of a mean share of 5 % over 2,000 data sets, most of which have none or one false head."""
MARKS = "<!-- false discoveries -->\n", "<!-- end of false discoveries -->\n"
SITES = tuple(Site.of_head(layer, head) for layer in range(8) for head in range(16))
Scores = Callable[[Generator, int], Array]
"""From chance and a number of prompts to scores (head, prompt) of mean 0 and standard deviation 1."""


@frozen
class Row:
    """`loose` says why a row may be above 5 %."""

    name: str
    scores: Scores
    ranking: Ranking = Ranking.LOWEST
    screened: bool = False
    loose: str = ""


def drawn(one: Scores, chance: Generator, n: int) -> Array:
    """The same for all heads, each on its own."""
    return one(chance, HEADS * n).reshape(HEADS, n)


def alone(one: Scores) -> Scores:
    return lambda chance, n: drawn(one, chance, n)


def together(chance: Generator, n: int) -> Array:
    """Half of what differs between prompts is the same for all heads."""
    return np.asarray((normal(chance, n) + drawn(normal, chance, n)) / np.sqrt(2))


def student(chance: Generator, n: int) -> Array:
    return np.asarray(normal(chance, n) / np.sqrt(sum(normal(chance, n) ** 2 for _ in range(3))))


def log_normal(chance: Generator, n: int) -> Array:
    """With a long tail above zero, away from the side that is tested."""
    return np.asarray((np.exp(normal(chance, n)) - np.exp(0.5)) / np.sqrt((np.e - 1) * np.e))


FEW = "so few prompts seldom show the long tail"
ROWS = (
    Row("normal", alone(normal)),
    Row("normal, either side", alone(normal), Ranking.STRONGEST),
    Row("normal, heads that vary together", together),
    Row("normal, a screen of 24", alone(normal), screened=True),
    Row("exponential, long tail below", alone(lambda chance, n: 1 - exponential(chance, n))),
    Row("exponential, long tail above", alone(lambda chance, n: exponential(chance, n) - 1)),
    Row("exponential, either side", alone(lambda chance, n: exponential(chance, n) - 1), Ranking.STRONGEST),
    Row("Student's t with 3", alone(student)),
    Row("log-normal, sigma 1, long tail above", alone(log_normal), loose=FEW),
)


def found(row: Row, chance: Generator, n: int, real: int) -> tuple[float, float]:
    """Of the heads found, the share that are false, 0 where none is; and the share of the real ones that are found."""
    scores = row.scores(chance, n)
    scores[:real] -= EFFECT
    node = Select("logit", HEADS, 8, 16, (), (), ranking=row.ranking, rate=RATE / 100)
    able = let_through(chance, scores) if row.screened else SITES
    known = significance(node, BySite(SITES, scores), able, able, HEADS)
    hits = sum(site in SITES[:real] for site in known.sites)
    return (len(known.sites) - hits) / max(1, len(known.sites)), hits / real if real else 0.0


def let_through(chance: Generator, scores: Array) -> tuple[Site, ...]:
    """The heads with the lowest estimates, which are near the scores, on the same prompts."""
    estimates = scores.mean(axis=1) + normal(chance, len(scores), sd=0.3 / np.sqrt(scores.shape[1]))
    return tuple(SITES[place] for place in np.argsort(estimates)[:SCREENED])


def shares(row: Row, n: int, real: int, count: int) -> tuple[float, float]:
    """Per cent of false ones, and of real ones that are found."""
    chance = Generator(PCG64(sum(map(ord, row.name)) * 1000 + n + real))
    false, right = np.array([found(row, chance, n, real) for _ in range(count)]).mean(axis=0)
    return 100 * float(false), 100 * float(right)


def wrong(row: Row, several: Mapping[tuple[int, int], tuple[float, float]]) -> bool:
    return not row.loose and max(false for false, _ in several.values()) > RATE + SLACK


def line(row: Row, real: int, several: Mapping[tuple[int, int], tuple[float, float]]) -> str:
    cells = (several[n, real] for n in SIZES)
    shown = (f"{false:.1f}" + (f" ({right:.0f})" if real else "") for false, right in cells)
    high = any(several[n, real][0] > RATE + SLACK for n in SIZES)
    return f"| {row.name} | {real} | " + " | ".join(shown) + f" | {row.loose if high else ''} |"


def main() -> int:
    options = asked(__doc__, 2000, "data sets of each row, number of real heads and n")
    head = f"| per cent, {options.count:,} data sets | real | " + " | ".join(f"n = {n}" for n in SIZES) + " | |"
    lines, failed = [head, "|---|---|" + "---|" * len(SIZES) + "---|"], False
    print(*lines, sep="\n", flush=True)
    for row in ROWS:
        if options.only in row.name:
            several = {(n, real): shares(row, n, real, options.count) for n in SIZES for real in REAL}
            failed |= wrong(row, several)
            lines += [line(row, real, several) for real in REAL]
            print(*lines[-len(REAL) :], sep="\n", flush=True)
    if options.write:
        put(lines, MARKS)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
