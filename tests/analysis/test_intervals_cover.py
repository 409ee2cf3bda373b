"""Intervals hold the true value as often as they say: a small version of `make coverage`, and what that printed."""

from __future__ import annotations

import re

import numpy as np
import pytest
from intervals_cover import LEAST, MARKS, MOST, ROWS, SIZES, Row, covered, number, right, wrong
from numpy.random import Generator
from simulated_tables import printed

from entrack.results import Interval

COUNT = 200
SLACK = 4.5
"""Three standard errors of a share of 95 % over so many data sets."""
QUICK = tuple(row for row in ROWS if not row.loose and "ratio" not in row.name and "recovery" not in row.name)


@pytest.mark.parametrize("row", QUICK, ids=lambda row: row.name)
def test_at_twenty_prompts(row: Row) -> None:
    share = covered(row, SIZES[0], COUNT)
    assert share >= LEAST - SLACK
    assert share <= MOST + SLACK or row.wide


@pytest.mark.parametrize("name", ["ratio .62 to .01", "ratio .90 to .88", "recovery of accuracy"])
def test_ratios_at_twenty_prompts(name: str) -> None:
    (row,) = (row for row in ROWS if row.name == name)
    assert covered(row, SIZES[0], 50) >= 85


def test_an_interval_that_is_too_narrow_is_seen() -> None:
    """The percentiles of means of resampled prompts, as they were: 18 % of data sets of 20 hold .99."""

    def resampled(chance: Generator, n: int) -> tuple[Interval, float]:
        (values,) = right(chance, n, 0.99)
        low, high = np.quantile(chance.choice(values, (200, n)).mean(axis=1), [0.025, 0.975])
        return Interval(float(low), float(high)), 0.99

    assert covered(Row("resampled", resampled), 20, COUNT) < 30
    narrow = Row("half as wide", lambda chance, n: (halved(number(chance.random(n)).limits()), 0.5))
    share = covered(narrow, 20, COUNT)
    assert share < 80 and wrong(narrow, {20: share})


def halved(interval: Interval) -> Interval:
    quarter = (interval.high - interval.low) / 4
    return Interval(interval.low + quarter, interval.high - quarter)


def test_the_page_shows_every_row_and_none_is_wrong() -> None:
    table = printed(MARKS)
    assert "per cent of 2,000 data sets" in table
    shown = {cells[1].strip(): cells[2:-1] for line in table.splitlines() if len(cells := line.split("|")) > 4}
    for row in ROWS:
        *shares, why = shown[row.name]
        assert len(shares) == len(SIZES)
        found = dict(zip(SIZES, map(float, shares), strict=True))
        assert not wrong(row, found)
        assert why.strip() == (row.wide if max(found.values()) > MOST else "")
    assert len(shown) == len(ROWS) + 2, "the head, and the line below it"
    assert not re.search(r"[^\x00-\x7f]", table)
