"""Estimates: intervals of differences, ratios, products and summaries by hand, pairing, and draws."""

from __future__ import annotations

from math import comb, inf, isnan, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrack.analysis.cells import Readings, together
from entrack.analysis.circuits import chance_alone
from entrack.analysis.estimates import (
    Apart,
    Estimate,
    Kind,
    Mean,
    Ratio,
    Sum,
    average,
    constant,
    correlation,
    difference,
    product,
    quotient,
    summary,
    total,
)
from entrack.analysis.intervals import share_limits, t_quantile
from entrack.analysis.outcomes import Array
from entrack.results import Interval

OUTCOMES = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=5, max_size=40)


def share(*values: float, population: str = "p") -> Mean:
    return Mean.of(population, [np.array(values, dtype=np.float64)], Kind.SHARE)


def number(*values: float, population: str = "p") -> Mean:
    return Mean.of(population, [np.array(values, dtype=np.float64)], Kind.NUMBER)


def first(hits: int, many: int = 20) -> Array:
    """Right on the first prompts."""
    return (np.arange(many) < hits).astype(np.float64)


class Said(Estimate):
    """A number with an interval that is said."""

    def __init__(self, value: float, low: float, high: float) -> None:
        object.__setattr__(self, "value", value)
        object.__setattr__(self, "said", Interval(low, high))

    @property
    def moves(self) -> dict[tuple[str, int], Array]:
        return {}

    def limits(self, tail: float = 0.025) -> Interval:
        return self.said  # type: ignore[no-any-return, attr-defined]  # set above, past the frozen class


def ends_of(interval: Interval) -> tuple[float, float]:
    return interval.low, interval.high


def ends(estimate: Estimate) -> tuple[float, float]:
    found = estimate.limits()
    return found.low, found.high


# --- sums ----------------------------------------------------------------------------------------------------------


def test_runs_that_agree_on_every_prompt_may_still_differ() -> None:
    """No prompt of 20 is gained, none lost: either may be up to Wilson's 0 of 20."""
    before, after = share(*first(12)), share(*first(12))
    most = share_limits(0, 20).high
    assert ends(difference(after, before)) == pytest.approx((-most, most))
    assert most > 0.16


def test_a_paired_difference_by_hand() -> None:
    """Of 20 prompts 4 are gained and 1 is lost, the others alike: MOVER of 0.2 and 0.05, whose correlation is that of
    parts of a whole."""
    before = share(*first(10))
    after = share(*np.concatenate([[0], first(9, 9), first(4, 10)]))
    gained, lost = share_limits(4 / 20, 20), share_limits(1 / 20, 20)
    apart = sqrt(0.2 * 0.05 / (0.8 * 0.95))
    down, up = (0.2 - gained.low, lost.high - 0.05), (gained.high - 0.2, 0.05 - lost.low)
    low, high = (sqrt(a**2 + b**2 + 2 * apart * a * b) for a, b in (down, up))
    assert ends(difference(after, before)) == pytest.approx((0.15 - low, 0.15 + high))


def test_a_difference_of_other_prompts_by_hand() -> None:
    one, other = share_limits(0.6, 20), share_limits(0.4, 20)
    low = 0.2 - sqrt((0.6 - one.low) ** 2 + (other.high - 0.4) ** 2)
    high = 0.2 + sqrt((one.high - 0.6) ** 2 + (0.4 - other.low) ** 2)
    found = difference(share(*first(12)), share(*first(8), population="q"))
    assert ends(found) == pytest.approx((low, high))


@given(OUTCOMES)
def test_turned_round_a_difference_is_mirrored(pairs: list[tuple[bool, bool]]) -> None:
    one, other = (share(*column) for column in zip(*pairs, strict=True))
    low, high = ends(difference(one, other))
    assert ends(difference(other, one)) == pytest.approx((-high, -low), abs=1e-9)
    assert low <= one.value - other.value + 1e-12 and one.value - other.value <= high + 1e-12


@given(OUTCOMES, st.randoms(use_true_random=False))
def test_the_order_of_prompts_does_not_matter_if_pairs_stay(pairs: list[tuple[bool, bool]], chance: object) -> None:
    shuffled = list(pairs)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]  # a random.Random
    found, again = (difference(*(share(*column) for column in zip(*each, strict=True))) for each in (pairs, shuffled))
    assert ends(found) == pytest.approx(ends(again))


def test_means_on_the_same_prompts_are_subtracted_prompt_by_prompt() -> None:
    one, other = (4.0, 7.0, 11.0, 2.0), (3.0, 5.0, 8.0, -2.0)
    assert ends(difference(number(*one), number(*other))) == pytest.approx(ends(number(1, 2, 3, 4)))
    assert ends(Sum.of([(2.0, number(*one)), (-1.0, number(*other))], 5.0)) == pytest.approx(
        ends(number(10, 14, 19, 11))
    )


def test_one_prompt_more_leaves_the_others_paired() -> None:
    """99 of 100 prompts are the same, and alike: nearly nothing is left of the variance."""
    values = np.arange(100) * 37 % 23 / 7.0
    paired = ends(difference(number(*values), number(*values[:99])))
    apart = ends(difference(number(*values), number(*values[:99], population="q")))
    assert paired[1] - paired[0] < 0.05 * (apart[1] - apart[0])
    right = first(60, 100)
    few, many = ends(difference(share(*right), share(*right[:99]))), ends(difference(share(*right), share(*right)))
    assert few[1] - few[0] < 1.5 * (many[1] - many[0])


def test_few_and_many_prompts_of_one_population_are_paired_where_they_can_be() -> None:
    values = np.arange(400) * 37 % 23 / 7.0
    one, other = number(*values[:20]), number(*values)
    assert correlation(one.moves, other.moves) == pytest.approx(
        sqrt(20 / 400) * values[:20].std() / values.std(), rel=0.1
    )


def test_a_mean_of_cells_that_agree_tells_no_more_than_one() -> None:
    several = [share(*first(7)) for _ in range(5)]
    assert ends(average(several)) == pytest.approx(ends(several[0]))
    apart = [share(*np.roll(first(7), 3 * shift)) for shift in range(5)]
    low, high = ends(average(apart))
    assert several[0].limits().low < low < 0.35 < high < several[0].limits().high


def test_a_mean_over_other_prompts_is_of_all_of_them() -> None:
    several = [share(*first(8), population=name) for name in "abc"]
    found, expected = ends(average(several)), share_limits(0.4, 60)
    assert found == pytest.approx((expected.low, expected.high))


def test_a_sum_of_shares_leaves_room_for_one_level_that_was_not_seen() -> None:
    """Of three runs one is right on each of four prompts of ten: none on more, but two of three might be."""
    found = average([share(1, 1, *[0] * 8), share(0, 0, 1, *[0] * 7), share(*[0] * 3, 1, *[0] * 6)])
    seen, unseen = share_limits(0.4, 10), share_limits(0, 10)
    above = sqrt((seen.high - 0.4) ** 2 + unseen.high**2)
    assert ends(found) == pytest.approx(((0.4 - (0.4 - seen.low)) / 3, (0.4 + above) / 3))


def test_what_was_not_seen_is_as_much_as_the_largest_can_add() -> None:
    """Of runs that count once, twice and three times the first alone is right: on one prompt the last might be too."""
    once, twice, thrice = share(*first(4, 10)), share(*[0] * 10), share(*[0] * 10)
    found = Sum.of([(1.0, once), (2.0, twice), (3.0, thrice)])
    seen, unseen = share_limits(0.4, 10), share_limits(0, 10)
    above = sqrt((seen.high - 0.4) ** 2 + (3 * unseen.high) ** 2)
    assert ends(found) == pytest.approx((seen.low, 0.4 + above))


def test_the_level_that_was_not_seen_is_no_more_than_all() -> None:
    """Of two runs of which one counts twice: it alone is right on four of ten, and two thirds and as much is all."""
    once, twice = share(*[0] * 10), share(*first(4, 10))
    found = total(once, total(twice, twice))
    seen, unseen = share_limits(0.4, 10), share_limits(0, 10)
    above = sqrt((2 * (seen.high - 0.4)) ** 2 + unseen.high**2)
    assert ends(found) == pytest.approx((2 * seen.low, 0.8 + above))


# --- correlation ---------------------------------------------------------------------------------------------------


def test_a_correlation_by_hand() -> None:
    one, other = number(1, 2, 3, 6), number(2, 2, 5, 3)  # deviations -2 -1 0 3 and -1 -1 2 0
    assert correlation(one.moves, other.moves) == pytest.approx(3 / sqrt(14 * 6))
    assert correlation(one.moves, number(1, 2, 3, 6, population="q").moves) == 0
    assert correlation(one.moves, number(5, 5, 5, 5).moves) == 0
    assert correlation(one.moves, Sum.of([(-2.0, one)]).moves) == pytest.approx(-1)


# --- ratios and products -------------------------------------------------------------------------------------------


def test_a_ratio_by_hand() -> None:
    """2 in 1 .. 3 over 4 in 3 .. 5: (2 - 4 R)² = 1 + R²."""
    found = Ratio.of(Said(2, 1, 3), Said(4, 3, 5))
    root = sqrt(256 - 180)
    assert ends(found) == pytest.approx(((16 - root) / 30, (16 + root) / 30), rel=1e-6)
    assert ends(Ratio.of(Said(-2, -3, -1), Said(4, 3, 5))) == pytest.approx((-(16 + root) / 30, -(16 - root) / 30))
    assert ends(Ratio.of(Said(2, 1, 3), Said(-4, -5, -3))) == pytest.approx((-(16 + root) / 30, -(16 - root) / 30))


def test_how_far_a_prompt_moves_a_ratio_by_hand() -> None:
    """(a_i - R b_i) / (n b): 2 and 4 over 1 and 3, with R = 1.5; a mean less its own is left of each."""
    moves = Ratio.of(number(2, 4), number(1, 3)).moves
    assert moves["p", 0] == pytest.approx(np.array([2 - 1.5 * 1, 4 - 1.5 * 3]) / (2 * 2))


def test_a_ratio_of_means_is_fiellers() -> None:
    above, below = np.array([3.0, 5.0, 4.0, 8.0]), np.array([2.0, 3.0, 5.0, 6.0])
    rest, n, square = above - below * above.mean() / below.mean(), 4, t_quantile(0.025, 3) ** 2
    (vv, vw), (_, ww) = np.cov(above, below) / n
    a, b, c = (
        below.mean() ** 2 - square * ww,
        above.mean() * below.mean() - square * vw,
        above.mean() ** 2 - square * vv,
    )
    root = sqrt(b**2 - a * c)
    low, high = ends(Ratio.of(number(*above), number(*below)))
    assert low <= (b - root) / a + 1e-6 and (b + root) / a - 1e-6 <= high, "at least as wide: skewness counts too"
    assert abs(rest.mean()) < 1e-12


def test_where_the_denominator_may_be_zero_a_ratio_has_no_limit() -> None:
    assert ends(Ratio.of(Said(2, 1, 3), Said(1, -1, 3)))[1] == inf
    nothing = Ratio.of(share(1, 0, 1), share(0, 0, 0))
    assert isnan(nothing.value) and isnan(ends(nothing)[0])


@pytest.mark.parametrize("prompts", [5, 9, 56])
def test_nothing_of_something_is_not_below_zero(prompts: int) -> None:
    """The search for a limit ends just below what it began at; what may be below is not cut off."""
    none, some = (np.array(values, np.float64) for values in ([0] * prompts, np.arange(prompts) % 2))
    first, second = (Mean.of("p", [values], Kind.SHARE) for values in (none, some))
    third = Mean.of("q", [some], Kind.SHARE)
    assert ends(Ratio.of(first, second))[0] == 0.0 < ends(Ratio.of(first, second))[1]
    assert ends(Ratio.of(Sum.of([(-1.0, first)]), second))[1] == 0.0
    assert ends(Ratio.of(Sum.of([(1.0, first), (-0.5, third)], 0.25), second))[0] < -0.01


@settings(deadline=None)
@given(OUTCOMES.filter(lambda pairs: any(one for one, _ in pairs) and any(other for _, other in pairs)))
def test_a_ratio_turned_round_is_one_over_it(pairs: list[tuple[bool, bool]]) -> None:
    one, other = (share(*column) for column in zip(*pairs, strict=True))
    low, high = ends(Ratio.of(one, other))
    assert low <= one.value / other.value <= high
    again = ends(Ratio.of(other, one))
    assert (1 / again[1] if again[1] < inf else 0.0) == pytest.approx(low, rel=1e-4, abs=1e-6)


def test_a_product_by_hand() -> None:
    """2 in 1 .. 3 times 4 in 3 .. 6: 4 and 2 below, 4 and 4 above, and 2 at the corners that differ in sign, or 2."""
    found = product(Said(2, 1, 3), Said(4, 3, 6))
    assert ends(found) == pytest.approx((8 - sqrt(4**2 + 2**2 + 2**2), 8 + sqrt(4**2 + 4**2 + 2**2)))


def test_a_product_of_one_that_is_nearly_sure_by_hand() -> None:
    """2 in 1.9 .. 2.1 times 4 in 3 .. 9: .4 and 2 below, .4 and 10 above, and .5 at the corners."""
    sure, wide = Said(2, 1.9, 2.1), Said(4, 3, 9)
    by_hand = pytest.approx((8 - sqrt(0.4**2 + 2**2 + 0.5**2), 8 + sqrt(0.4**2 + 10**2 + 0.5**2)))
    assert ends(product(sure, wide)) == by_hand
    assert ends(product(wide, sure)) == by_hand


def test_with_a_constant_they_are_scaled() -> None:
    one = Said(2, 1, 3)
    assert ends(product(constant(-2), one)) == ends(product(one, constant(-2))) == (-6, -2)
    assert ends(quotient(one, constant(4))) == (0.25, 0.75)
    assert ends(total(one, constant(1))) == (2, 4)
    assert ends(quotient(constant(6), one)) == pytest.approx((2, 6), rel=1e-6)


# --- summaries -----------------------------------------------------------------------------------------------------


def test_summaries_by_hand() -> None:
    low, middle, high = Said(1, 0, 2), Said(4, 3, 5), Said(5, 4, 8)
    assert ends(summary("smallest", [middle, low, high])) == (0, 2)
    assert ends(summary("largest", [middle, low, high])) == (4, 8)
    assert summary("largest", [middle, low, high]).value == 5
    assert summary("smallest", [middle, low, high]).value == 1


def test_more_that_may_be_the_smallest_are_each_surer() -> None:
    several = [share(*np.roll(first(10), 5 * shift)) for shift in range(3)]
    assert ends(summary("smallest", several)) == (share_limits(0.5, 20).low, share_limits(0.5, 20, 0.025 / 3).high)


# --- completeness --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("differing", range(12))
def test_what_chance_makes_of_an_absolute_difference(differing: int) -> None:
    expected = sum(comb(differing, k) * abs(2 * k - differing) for k in range(differing + 1)) / 2**differing
    assert chance_alone(differing, 40) == pytest.approx(expected / 40)


def test_absolute_differences_by_hand() -> None:
    assert ends(Apart.of([Said(2, 1, 3)])) == (1, 3)
    assert ends(Apart.of([Said(-2, -3, -1)])) == (1, 3)
    assert ends(Apart.of([Said(1, -1, 3)])) == (0, 3)
    assert ends(Apart.of([Said(-1, -3, 1)])) == (0, 3)
    both = Apart.of([Said(4, 3, 5), Said(-4, -6, -2)])
    assert both.value == 4
    assert ends(both) == pytest.approx((0, 4 + sqrt(0.5**2 + 1**2)))
    small = Apart.of([Said(0.4, 0.3, 0.5), Said(-0.4, -0.6, -0.2)])
    assert ends(small) == pytest.approx((0, 0.4 + sqrt(0.05**2 + 0.1**2)))


# --- draws ---------------------------------------------------------------------------------------------------------


def test_over_draws_each_is_one_number() -> None:
    """0.1, 0.2 and 0.3: Student's of two degrees of freedom, on three."""
    draws = [first(2), first(4), first(6)]
    half = 4.3026527 * 0.1 / sqrt(3)
    assert ends(Mean.over_draws("p", draws)) == pytest.approx((0.2 - half, 0.2 + half))


def test_for_these_draws_all_prompts_count() -> None:
    alike = [first(4), first(4), first(4)]
    expected = share_limits(0.2, 60)
    assert ends(Mean.of("p", alike, Kind.SHARE)) == pytest.approx((expected.low, expected.high))
    numbers = [np.array([1.0, 2.0]), np.array([11.0, 12.0])]
    low, high = ends(Mean.of("p", numbers, Kind.NUMBER))
    assert (low, high) == pytest.approx(
        (6.5 - t_quantile(0.025, 3) * 0.5 / sqrt(3), 6.5 + t_quantile(0.025, 3) * 0.5 / sqrt(3))
    )


def test_draws_that_are_sure_and_differ_leave_little_doubt_of_themselves() -> None:
    found = Mean.of("p", [first(0), first(20), first(0), first(20)], Kind.SHARE)
    seen = 4 * (1 / 4) ** 2 * (0.5 / 21) * (20.5 / 21) / 20
    low, high = ends(found)
    assert (low, high) == pytest.approx(ends_of(share_limits(0.5, 0.25 / seen))), "half an outcome more of each"
    wide = share_limits(0.5, 80)
    assert wide.low < low < 0.47 and 0.53 < high < wide.high


def test_draws_that_differ_tell_more_of_themselves_by_hand() -> None:
    """5 and 15 of 20: half an outcome more of each adds to a variance of 3/16."""
    more = (5.5 / 21) * (15.5 / 21) - 3 / 16
    many = 0.25 / (2 * (1 / 2) ** 2 * (3 / 16 + more) / 20)
    assert ends(Mean.of("p", [first(5), first(15)], Kind.SHARE)) == pytest.approx(ends_of(share_limits(0.5, many)))
    assert many > 40


def test_over_draws_is_never_narrower_than_for_these() -> None:
    draws = [first(5), first(5), first(5)]
    readings = Readings(Mean.of("p", draws, Kind.SHARE), Mean.over_draws("p", draws))
    expected = share_limits(0.25, 60)
    assert readings.interval == readings.of_these_draws
    assert readings.of_these_draws is not None
    assert readings.of_these_draws.low == pytest.approx(expected.low)
    assert Readings(share(*first(5))).of_these_draws is None


def test_readings_are_put_together_each_for_itself() -> None:
    draws = [first(2), first(4), first(6)]
    over = Readings(Mean.of("p", draws, Kind.SHARE), Mean.over_draws("p", draws))
    single = Readings(share(*first(10)))
    found = together(difference, [single, over])
    assert found.over is not None
    assert ends(found.these) == ends(difference(single.these, over.these))
    assert ends(found.over) == ends(difference(single.these, Mean.over_draws("p", draws)))
    assert together(difference, [single, single]).over is None
