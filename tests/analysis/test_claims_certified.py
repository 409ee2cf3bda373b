"""Certified claims are wrong no more often than they say: a small `make certified`, and what that printed."""

from __future__ import annotations

import re

import numpy as np
import pytest
from claims_certified import (
    GAPS,
    MARKS,
    POWER,
    PROMPTS,
    ROWS,
    Gap,
    Row,
    fixed,
    naively,
    right,
    taken,
    too_many,
    wrongly,
)
from simulated_tables import printed

from entrack.analysis.confidence_sequences import Bounded, decided

COUNT = 200


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_who_stops_at_the_first_verdict_is_not_wrong_more_often(row: Row) -> None:
    share = wrongly(row, COUNT, 500)
    assert not too_many(row, share, COUNT)


def test_intervals_that_are_looked_at_again_and_again_are() -> None:
    """What goes wrong without: the interval of all prompts so far, after every batch."""
    row = next(row for row in ROWS if row.name == "accuracy >= 0.5, where it is 0.5")
    share = naively(row, COUNT)
    assert share > 10 and too_many(row, share, COUNT)
    assert naively(row, COUNT, 50) < 7, "one look is none too many"


def test_a_bet_made_after_the_fact_is_seen() -> None:
    """A capital that is divided by nothing, as if the best of the bets had been known, is wrong too often."""
    row = next(row for row in ROWS if row.name == "accuracy >= 0.5, where it is 0.5")
    best = Row("best", lambda chance, n: [(right(chance, n, 0.5).above(0.5), 12 * 0.05)])
    assert too_many(row, wrongly(best, COUNT, 500), COUNT)


@pytest.mark.parametrize("gap", [gap for gap in GAPS if gap.gap >= 0.1], ids=lambda gap: gap.name)
def test_it_takes_little_more_than_a_fixed_sample(gap: Gap) -> None:
    middle, most, undecided = taken(gap, 100)
    assert fixed(gap) / 2 < middle < 1.7 * fixed(gap) + 10
    assert most < 3.2 * fixed(gap) + 12 and undecided == 0


def test_a_sample_of_the_fixed_size_shows_it_in_four_of_five() -> None:
    """The number beside it is right: tried with the normal test that it is of."""
    gap = next(gap for gap in GAPS if gap.name == "accuracy >= 0.5, where it is 0.6")
    many, chance = round(fixed(gap)), np.random.Generator(np.random.PCG64(1))
    found = [gap.draw(chance, many).values.mean() > 1.645 * gap.at_bound / many**0.5 for _ in range(2000)]
    assert np.mean(found) == pytest.approx(POWER, abs=0.05)


def test_peeking_at_batches_is_peeking_at_prompts() -> None:
    """Who looks after every batch only sees what who looks after every prompt saw before."""
    chance = np.random.Generator(np.random.PCG64(2))
    for _ in range(20):
        values = right(chance, 300, 0.6).above(0.5)
        whole = decided(values, 0.05)
        batches = [decided(Bounded(values.values[:end], values.least, values.most), 0.05) for end in range(50, 301, 50)]
        assert {batch for batch in batches if batch is not None} <= {whole}


def test_the_page_shows_every_row_and_none_is_wrong() -> None:
    table = printed(MARKS)
    assert f"per cent of 2,000 runs with a wrong verdict, at any of {PROMPTS:,} prompts" in table
    lines = {cells[1].strip(): cells[2:-1] for line in table.splitlines() if len(cells := line.split("|")) > 3}
    for row in ROWS:
        certificate, _ = map(float, lines[row.name])
        assert certificate <= 100 * row.risk
    for gap in GAPS:
        assert float(lines[gap.name][2].replace(",", "")) == pytest.approx(fixed(gap), abs=1)
    assert len(lines) == len(ROWS) + len(GAPS) + 3, "two heads, and the lines below them"
    assert not re.search(r"[^\x00-\x7f]", table)
