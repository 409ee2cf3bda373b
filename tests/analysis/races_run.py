"""How often a race keeps what all prompts would, and how much it spares, by simulation: `make racing`.

Each row is a way to draw scores of 32 x 32 heads on 300 prompts, of which 10 are kept. Printed are the share of races
that keep the same heads as all prompts, and the share of the pairs of a head and a prompt that they run. Exit status 1
where a row is below 95 %, or runs more than a third, but for those made to be hard.

`measured_scores.npz` has the scores (site, prompt) of heads that do something, as they were found in the built-in model
`boxes-base` (four hops of `specs/boxes/circuits.et`) and in SmolLM2-135M-Instruct (`specs/ioi_gpt2`: heads at the end
to the logits, and heads at the second name to the values of ten of these), in float16.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from attrs import frozen
from numpy.random import PCG64, Generator
from simulated_tables import asked, put

from entrack.analysis.outcomes import Array
from entrack.analysis.racing import Racing, look
from entrack.analysis.screening import Screening
from entrack.plan.steps import Race
from entrack.ranking import Ranking
from entrack.sites import Part, Site, every_sender

LAYERS, HEADS, PROMPTS, KEEP, ROUND = 32, 32, 300, 10, 50
LEVEL = 0.95
LEAST, MOST = 95.0, 100 / 3
MARKS = "<!-- races -->\n", "<!-- end of races -->\n"
with np.load(Path(__file__).parent / "measured_scores.npz") as _file:
    MEASURED = {name: _file[name].astype(np.float64) for name in _file.files}
Draw = Callable[[Generator], Array]


# --- a race --------------------------------------------------------------------------------------------------------


def raced(
    scores: Array,
    keep: int,
    ranking: Ranking = Ranking.LOWEST,
    level: float = LEVEL,
    size: int = ROUND,
    screening: Screening | None = None,
) -> Racing:
    """A race to its end, from scores (layer, head, prompt). A layer of NaN cannot reach a receiver."""
    layers, heads, prompts = scores.shape
    looks = -(-prompts // size) - 1
    node = Race("logit", keep, level, prompts, looks, layers, heads, (), (), ranking=ranking)
    standing: Racing | None = None
    for start in range(0, prompts, size):
        new = scores[:, :, start : start + size]
        running = standing.running if standing else screening.sites if screening else None
        patched = [_outcome(new[layer], layer, running) for layer in range(layers)]
        clean = np.zeros((new.shape[2], 1))
        standing = look(node, [{"top": clean[:, 0], "logit": clean}], {Part.OUTPUT: patched}, standing, screening)
    assert standing is not None
    return standing


def _outcome(scores: Array, layer: int, running: Sequence[Site] | None) -> list[dict[str, Any]] | None:
    """The outcome of a path patch of those that run, where the clean logit is 0; None where none was run."""
    rows = range(len(scores)) if running is None else sorted(site.head for site in running if site.layer == layer)
    own = scores[list(rows)]
    return None if not len(own) or np.isnan(own).all() else [{"logit": own[:, :, None]}]


def kept_of_all(scores: Array, keep: int, ranking: Ranking = Ranking.LOWEST) -> set[Site]:
    """What all prompts would keep."""
    sites = every_sender(Part.OUTPUT, scores.shape[0], scores.shape[1])
    means = scores.mean(axis=2).ravel().tolist()
    keyed = sorted((ranking.key(mean), site) for mean, site in zip(means, sites, strict=True))
    return {site for key, site in keyed[:keep] if key < 0}


def pairs_run(racing: Racing) -> float:
    """The share of the pairs of senders in a race and prompts that were run."""
    return float((~np.isnan(racing.scores.of(racing.entered))).mean())


# --- scores --------------------------------------------------------------------------------------------------------


@frozen
class Row:
    """`loose` says why more than a third may be run, or fewer than 95 % be the same."""

    name: str
    draw: Draw
    ranking: Ranking = Ranking.LOWEST
    loose: str = ""


def measured(name: str) -> Draw:
    """As many heads as there are, each one that was measured, at a fifth to all of its size; the prompts drawn again,
    the same for all heads."""

    def draw(chance: Generator) -> Array:
        of = MEASURED[name]
        prompts = chance.integers(0, of.shape[1], PROMPTS)
        rows = of[chance.integers(0, len(of), LAYERS * HEADS)][:, prompts]
        return np.asarray(rows * (0.2 + 0.8 * chance.random((len(rows), 1))))

    return draw


def student(chance: Generator, *shape: int) -> Array:
    """Student's t with 3 degrees of freedom: it has a variance, 3, and no more moments."""
    return np.asarray(normal(chance, *shape) / np.sqrt(sum(normal(chance, *shape) ** 2 for _ in range(3)) / 3))


def heavy(chance: Generator) -> Array:
    """Most heads do little, one in fifty something; scores spread as their means, with heavy tails."""
    many = LAYERS * HEADS
    means = np.where(
        chance.random(many) < 0.02, -1.5 * chance.standard_exponential(many), 0.05 * chance.standard_normal(many)
    )
    spread = 0.2 + 0.6 * np.abs(means)
    return np.asarray(means[:, None] + spread[:, None] * student(chance, many, PROMPTS) / np.sqrt(3))


def apart(gap: float, tails: Callable[..., Array]) -> Draw:
    """Ten heads of mean -1, twenty that come after them by `gap`, and the rest near 0; the first thirty vary by 1."""

    def draw(chance: Generator) -> Array:
        means = np.zeros(LAYERS * HEADS)
        means[:KEEP], means[KEEP : 3 * KEEP] = -1, gap - 1
        spread = np.where(means < 0, 1.0, 0.2)
        scores = means[:, None] + spread[:, None] * tails(chance, len(means), PROMPTS)
        return chance.permutation(scores)

    return draw


def normal(chance: Generator, *shape: int) -> Array:
    return chance.standard_normal(shape)


def rare(share: float) -> Draw:
    """Ten heads that matter on a share of the prompts alone, by 1 on average, beside ten of mean -0.5, and the rest."""

    def draw(chance: Generator) -> Array:
        scores = 0.2 * chance.standard_normal((LAYERS * HEADS, PROMPTS))
        scores[:10] -= (chance.random((10, PROMPTS)) < share) / share
        scores[10:20] -= 0.5
        return chance.permutation(scores)

    return draw


ROWS = (
    Row("measured, boxes-base", measured("boxes")),
    Row("the same, strongest", measured("boxes"), Ranking.STRONGEST),
    Row("measured, SmolLM2", measured("smollm2")),
    Row("the same, highest", measured("smollm2"), Ranking.HIGHEST),
    Row("the same, strongest", measured("smollm2"), Ranking.STRONGEST),
    Row("Student's t with 3", heavy),
    Row("ten of mean -1, twenty 1/2 behind, sd 1", apart(0.5, normal), loose="they hardly differ"),
    Row("twenty 1/4 behind", apart(0.25, normal), loose="they hardly differ"),
    Row("twenty 1/8 behind", apart(0.125, normal), loose="they hardly differ"),
    Row("thirty alike", apart(0.0, normal), loose="they hardly differ"),
    Row("twenty 1/2 behind, t with 3, sd 1.7", apart(0.5, student), loose="they hardly differ"),
    Row("ten that matter on one prompt in ten", rare(0.1)),
    Row("ten that matter on one prompt in fifty", rare(0.02), loose="the first prompts say nothing of them"),
    Row("no head does anything", lambda chance: normal(chance, LAYERS * HEADS, PROMPTS), loose="nothing differs"),
)


# --- the table -----------------------------------------------------------------------------------------------------


@frozen
class Found:
    """Of some races, how many per cent kept the same, and the per cent of pairs they ran: the mean, and that of the
    ninth of ten."""

    same: float
    pairs: float
    most: float


def tried(row: Row, count: int) -> Found:
    chance = Generator(PCG64(sum(map(ord, row.name))))
    same, pairs = [], []
    for _ in range(count):
        scores = row.draw(chance).reshape(LAYERS, HEADS, PROMPTS)
        racing = raced(scores, KEEP, row.ranking)
        same.append(set(racing.kept) == kept_of_all(scores, KEEP, row.ranking))
        pairs.append(pairs_run(racing))
    return Found(100 * float(np.mean(same)), 100 * float(np.mean(pairs)), 100 * float(np.quantile(pairs, 0.9)))


def wrong(row: Row, found: Found) -> bool:
    return not row.loose and (found.same < LEAST or found.pairs > MOST)


def main() -> int:
    options = asked(__doc__, 500, "races of each row")
    lines = [
        f"| {options.count} races of 32 x 32 heads | the same heads, % | pairs run, % | 9 of 10 below |",
        "|---|---|---|---|",
    ]
    print(*lines, sep="\n", flush=True)
    failed = False
    for row in ROWS:
        if options.only in row.name:
            found = tried(row, options.count)
            failed |= wrong(row, found)
            lines.append(f"| {row.name} | {found.same:.1f} | {found.pairs:.1f} | {found.most:.1f} |")
            print(lines[-1] + (" <-- wrong" if wrong(row, found) else ""), flush=True)
    if options.write:
        put(lines, MARKS)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
