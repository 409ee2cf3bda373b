"""Intervals in closed form: examples by hand, and laws of shift, scale, order and symmetry."""

from __future__ import annotations

from math import comb, inf, sqrt

import numpy as np
import pytest
from findings_played import played
from hypothesis import given
from hypothesis import strategies as st

from entrack.analysis.intervals import mean_limits, normal_quantile, share_limits, sum_limits, t_quantile, t_tail
from entrack.results import Interval

TAILS = st.sampled_from([0.025, 0.005, 0.05, 0.2])
NUMBERS = st.lists(st.integers(-50, 50), min_size=2, max_size=30).map(lambda values: np.array(values) / 8)


def ends(interval: Interval) -> tuple[float, float]:
    return interval.low, interval.high


def limits(values: object, tail: float = 0.025) -> tuple[float, float]:
    low, high = mean_limits(np.array(values, dtype=np.float64), tail)
    return float(low), float(high)


# --- quantiles -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tail", "freedom", "expected"),
    [
        (0.025, 1, 12.7062047),
        (0.025, 2, 4.3026527),
        (0.025, 3, 3.1824463),
        (0.025, 4, 2.7764451),
        (0.025, 9, 2.2621572),
        (0.025, 19, 2.0930241),
        (0.005, 10, 3.1692727),
        (0.05, 30, 1.6972609),
        (0.25, 7, 0.7111418),
        (0.025, 1000, 1.9623391),
        (0.0005, 1000, 3.3002827),
        (0.025, 5000, 1.9604386),
    ],
)
def test_students_quantiles_are_those_of_the_tables(tail: float, freedom: int, expected: float) -> None:
    assert t_quantile(tail, freedom) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("tail", [0.2, 0.025, 0.001, 0.00001])
def test_the_expansion_goes_on_where_the_sums_end(tail: float) -> None:
    before, after, normal = t_quantile(tail, 1000), t_quantile(tail, 1001), normal_quantile(tail)
    assert after == pytest.approx(normal + (before - normal) * 1000 / 1001, abs=1e-6)


def test_normal_quantiles() -> None:
    assert normal_quantile(0.025) == pytest.approx(1.959963985)
    assert normal_quantile(0.5) == pytest.approx(0)


# --- shares --------------------------------------------------------------------------------------------------------


def wilson(share: float, many: float, z: float = 1.959963985) -> tuple[float, float]:
    middle = (share + z**2 / (2 * many)) / (1 + z**2 / many)
    half = z * sqrt(share * (1 - share) / many + z**2 / (4 * many**2)) / (1 + z**2 / many)
    return middle - half, middle + half


@pytest.mark.parametrize(
    ("hits", "many", "low", "high"),
    [
        (0, 20, 0.0, 0.1611252),  # z² / (20 + z²); mid-P has less
        (20, 20, 0.8388748, 1.0),
        (0, 1, 0.0, 0.95),  # half of 1 - p is 2.5 %; Wilson has less
        (1, 2, 0.025, 0.975),  # p² + p (1 - p) = p
        (10, 20, 0.2886432, 0.7113568),  # mid-P
        (3, 20, 0.0396198, 0.3604189),  # below mid-P, above Wilson
    ],
)
def test_a_share_by_hand(hits: int, many: int, low: float, high: float) -> None:
    assert ends(share_limits(hits / many, many)) == pytest.approx((low, high), abs=1e-7)


def test_mid_p_counts_what_was_found_half() -> None:
    """P(X > 3) + P(X = 3) / 2 is 2.5 % at the lower limit of 3 of 20."""
    share = share_limits(3 / 20, 20).low
    several = [comb(20, k) * share**k * (1 - share) ** (20 - k) for k in range(21)]
    assert sum(several[4:]) + several[3] / 2 == pytest.approx(0.025, rel=1e-9)


@pytest.mark.parametrize("tail", [0.025, 0.005])
@pytest.mark.parametrize(("hits", "many"), [(1, 20), (17, 40), (99, 100), (250, 500), (480, 500)])
def test_a_share_is_at_least_as_wide_as_wilsons_and_mid_ps(hits: int, many: int, tail: float) -> None:
    found = share_limits(hits / many, many, tail)
    low, high = wilson(hits / many, many, normal_quantile(tail))
    assert found.low <= low + 1e-9 and high - 1e-9 <= found.high
    for share, several in ((found.low, range(hits + 1, many + 1)), (found.high, range(hits))):
        beyond = sum(comb(many, k) * share**k * (1 - share) ** (many - k) for k in several)
        exactly = comb(many, hits) * share**hits * (1 - share) ** (many - hits)
        assert beyond + exactly / 2 <= tail * (1 + 1e-6)
    assert found.high - found.low < 1.2 * (high - low)


@given(st.integers(1, 300), st.floats(0, 1), TAILS)
def test_a_share_and_what_is_left_are_mirrored(many: int, share: float, tail: float) -> None:
    found, other = share_limits(share, many, tail), share_limits(1 - share, many, tail)
    assert ends(other) == pytest.approx((1 - found.high, 1 - found.low), abs=1e-9)
    assert 0 <= found.low <= share <= found.high <= 1


@given(st.integers(2, 300), st.data())
def test_more_hits_are_a_larger_share(many: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, many - 1))
    fewer, more = share_limits(hits / many, many), share_limits((hits + 1) / many, many)
    assert fewer.low <= more.low and fewer.high <= more.high
    assert fewer.high > fewer.low


@given(st.floats(0.01, 0.99), st.floats(5, 500))
def test_more_prompts_are_narrower_and_a_smaller_tail_is_wider(share: float, many: float) -> None:
    found, more, surer = share_limits(share, many), share_limits(share, 2 * many), share_limits(share, many, 0.005)
    assert found.low <= more.low and more.high <= found.high
    assert surer.low <= found.low and found.high <= surer.high


# --- means ---------------------------------------------------------------------------------------------------------


def test_a_symmetric_mean_is_students() -> None:
    half = 4.3026527 / sqrt(3)  # of 1, 2, 3: the mean is 2, the sd 1
    assert limits([1, 2, 3]) == pytest.approx((2 - half, 2 + half))


def test_a_skewed_mean_by_hand() -> None:
    """0, 0, 0, 4: mean 1, standard error 1, skewness 6 / 3^1.5; below Student's is the wider, above Hall's."""
    skew, step = 6 / 3**1.5, 3.1824463 / 2
    above = 2 * 3 / skew * (1 + abs(1 + skew * (-step - skew / 24)) ** (1 / 3))
    assert above == pytest.approx(10.2, abs=0.01)
    assert limits([0, 0, 0, 4]) == pytest.approx((1 - 3.1824463, 1 + above))


def test_of_one_prompt_there_is_no_limit_and_of_a_constant_no_doubt() -> None:
    assert limits([0.3]) == (-inf, inf)
    assert limits([-2.5] * 30) == (-2.5, -2.5)


@given(NUMBERS, st.integers(-40, 40), st.sampled_from([0.25, 2.0, -1.0, -8.0]))
def test_means_shift_scale_and_turn_round(values: np.ndarray, shift: int, factor: float) -> None:
    low, high = limits(values)
    assert low <= values.mean() <= high
    moved = sorted((factor * low + shift, factor * high + shift))
    assert limits(factor * values + shift) == pytest.approx(tuple(moved), rel=1e-6, abs=1e-6)


@given(NUMBERS, st.randoms(use_true_random=False))
def test_the_order_of_prompts_does_not_matter(values: np.ndarray, chance: object) -> None:
    shuffled = values.copy()
    chance.shuffle(shuffled)  # type: ignore[attr-defined]  # a random.Random
    assert limits(shuffled) == pytest.approx(limits(values))


@given(NUMBERS)
def test_a_smaller_tail_is_wider(values: np.ndarray) -> None:
    (low, high), (lower, higher) = limits(values), limits(values, 0.005)
    assert lower <= low and high <= higher


def test_many_rows_at_once_are_as_each_alone() -> None:
    rows = np.arange(60.0).reshape(4, 15) % 7
    low, high = mean_limits(rows)
    assert list(zip(low, high, strict=True)) == [pytest.approx(limits(row)) for row in rows]


# --- sums ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("together", "low", "high"),
    [(0.0, 3 - sqrt(17), 3 + sqrt(10)), (1.0, -2, 7), (-1.0, 0, 5), (0.5, 3 - sqrt(21), 3 + sqrt(13))],
)
def test_a_sum_by_hand(together: float, low: float, high: float) -> None:
    """1 in 0 .. 2 and 2 in -2 .. 5: 1 and 4 below, 1 and 3 above."""
    both = np.array([[1.0, together], [together, 1.0]])
    assert ends(sum_limits([1, 2], [Interval(0, 2), Interval(-2, 5)], both)) == pytest.approx((low, high))


def test_a_sum_without_limits_has_none_on_this_side() -> None:
    found = sum_limits([1, 2], [Interval(-inf, 2), Interval(1, 3)], np.eye(2))
    assert ends(found) == pytest.approx((-inf, 3 + sqrt(2)))


# --- in results ------------------------------------------------------------------------------------------------------


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
    assert unpaired.high - unpaired.low > 2 * (paired.high - paired.low)


def test_a_cell_knows_its_prompts() -> None:
    cell = played(TEXT, lambda what, place: place < 10).measures[0].cells[0]
    assert (cell.n, cell.value, cell.outcomes) == (40, 0.25, (1.0,) * 10 + (0.0,) * 30)
    assert cell.interval == share_limits(0.25, 40)
    assert cell.interval_of_these_draws is None


def test_beyond_a_thousand_degrees_of_freedom_quantiles_go_on() -> None:
    for tail in (0.1, 0.025, 1e-4):
        for freedom in (1001, 2500):
            assert t_tail(t_quantile(tail, freedom), freedom) == pytest.approx(tail, rel=1e-6)
        assert t_quantile(tail, 1001) == pytest.approx(t_quantile(tail, 1000), abs=1e-4)
    assert t_tail(t_quantile(0.025, 1001), 1001) == pytest.approx(0.025, rel=2e-8)
