"""Bootstrap intervals: known cases, pairing, and that they follow from the prompts alone."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from findings_played import played

from entrack.analysis.intervals import interval, mean_interval, resampled_means
from entrack.results import Interval


def halves(n: int, share: float = 0.5) -> np.ndarray:
    return (np.arange(n) < share * n).astype(np.float64)


@pytest.mark.parametrize("value", [0.0, 1.0, -2.5])
def test_of_a_constant_there_is_no_doubt(value: float) -> None:
    assert mean_interval(np.full(30, value), "p") == Interval(value, value)


@pytest.mark.parametrize(("n", "share"), [(100, 0.5), (400, 0.5), (400, 0.1), (2000, 0.9)])
def test_a_share_has_the_interval_of_the_textbook(n: int, share: float) -> None:
    found, half = mean_interval(halves(n, share), "p"), 1.96 * sqrt(share * (1 - share) / n)
    assert found.low == pytest.approx(share - half, abs=0.1 * half + 1 / n)
    assert found.high == pytest.approx(share + half, abs=0.1 * half + 1 / n)


def test_one_prompt_is_its_own_interval() -> None:
    assert mean_interval(np.array([0.3]), "p") == Interval(0.3, 0.3)


def test_the_middle_95_percent() -> None:
    found = interval(np.arange(1001, dtype=np.float64))
    assert (found.low, found.high) == pytest.approx((25, 975))


def test_the_same_prompts_are_resampled_alike() -> None:
    first = resampled_means(halves(50), "measure/0/t")
    assert np.array_equal(first, resampled_means(halves(50), "measure/0/t"))
    assert np.allclose(1 - first, resampled_means(1 - halves(50), "measure/0/t"))
    assert not np.array_equal(first, resampled_means(halves(50), "measure/1/t"))
    assert not np.array_equal(first, resampled_means(halves(51)[:50], "measure/0/u"))


def test_in_pieces_as_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = resampled_means(halves(77), "p")
    monkeypatch.setattr("entrack.analysis.intervals.CHUNK", 500)
    assert np.array_equal(resampled_means(halves(77), "p"), whole)


TEXT = """measure a = accuracy(base with [nothing, zero g]) on 40 t
measure b = accuracy(base with zero h) on 40 t(seed = 5)
claim "paired"   a[zero g] / a[nothing] >= 0
claim "unpaired" b / a[nothing] >= 0
"""


def test_a_ratio_of_the_same_prompts_is_narrower() -> None:
    """Right on the first 20, but for one with the edit: prompt by prompt nearly the same."""
    results = played(TEXT, lambda what, place: place < (20 if "nothing" in what else 19))
    paired, unpaired = (claim.interval for claim in results.claims)
    assert results.claims[0].value == results.claims[1].value == pytest.approx(19 / 20)
    assert unpaired.high - unpaired.low > 3 * (paired.high - paired.low)
    assert paired.high == pytest.approx(1)


def test_a_cell_knows_its_prompts() -> None:
    cell = played(TEXT, lambda what, place: place < 10).measures[0].cells[0]
    assert (cell.n, cell.value, cell.outcomes) == (40, 0.25, (1.0,) * 10 + (0.0,) * 30)
    assert 0.1 < cell.interval.low < 0.25 < cell.interval.high < 0.42  # type: ignore[union-attr]  # a measure's cell has one
