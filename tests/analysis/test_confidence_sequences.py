"""Confidence sequences: bets worked out by hand, and the laws that hold of them whatever the values are."""

from __future__ import annotations

from math import exp, inf, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrack.analysis.confidence_sequences import (
    BETS,
    Bounded,
    Limits,
    Observed,
    decided,
    fixed_sample,
    limits,
    log_capital,
)

RISK = 0.05
shares = st.lists(st.floats(0, 1), min_size=1, max_size=60)
quick = settings(deadline=None)


def values(*several: float, least: float = -1.0, most: float = 1.0) -> Bounded:
    return Bounded(np.array(several), least, most)


def seen(several: list[float]) -> Observed:
    return Observed(Bounded(np.array(several), 0.0, 1.0))


# --- by hand -----------------------------------------------------------------------------------------------------


def test_the_bets() -> None:
    assert len(BETS) == 12
    assert BETS[0] == 1 / 65 and BETS[6] == 1 / 2 and BETS[-1] == 32 / 33


def test_a_capital_by_hand() -> None:
    """Values 0.5 and -0.25 of at least -0.5: who bets half gains half of 1, then loses half of a half."""
    capital = np.exp(log_capital(values(0.5, -0.25, least=-0.5)))
    assert capital[0] == pytest.approx(sum(1 + bet for bet in BETS) / 12)
    assert capital[1] == pytest.approx(sum((1 + bet) * (1 - bet / 2) for bet in BETS) / 12)
    half = (1 + 0.5) * (1 - 0.25)
    assert half == 1.125


def test_right_on_every_prompt() -> None:
    """Each prompt that is right multiplies the bet b by 1 + b / 4 where the bound is 0.8."""
    given = seen([1.0] * 30).above(0.8)
    assert given.least == pytest.approx(-0.8) and given.values == pytest.approx(0.2)
    capital = [sum((1 + bet / 4) ** many for bet in BETS) / 12 for many in range(1, 31)]
    assert np.exp(log_capital(given)) == pytest.approx(capital)
    assert decided(given, RISK) == next(many for many, size in enumerate(capital, 1) if size >= 20) == 20


def test_less_risk_takes_more_prompts() -> None:
    given = seen([1.0] * 30).above(0.8)
    assert [decided(given, risk) for risk in (0.5, 0.05, 0.01)] == [6, 20, 28]
    assert [sum((1 + bet / 4) ** many for bet in BETS) / 12 >= 2 for many in (5, 6)] == [False, True]
    assert [sum((1 + bet / 4) ** many for bet in BETS) / 12 >= 100 for many in (27, 28)] == [False, True]


def test_a_limit_by_hand() -> None:
    """After 20 prompts that were right, the capital against the limit is 20."""
    found = limits(seen([1.0] * 20), RISK, RISK)
    gain = 1 / found.low - 1
    assert sum((1 + bet * gain) ** 20 for bet in BETS) / 12 == pytest.approx(20)
    assert found.high == 1.0 and 0.8 < found.low < 0.81


def test_limits_stay_where_they_were_narrowest() -> None:
    """20 prompts that were right are not taken back by 60 that were wrong, though the mean comes to 1 / 4."""
    early = limits(seen([1.0] * 20), RISK, RISK)
    assert limits(seen([1.0] * 20 + [0.0] * 60), RISK, RISK).low == pytest.approx(early.low) and early.low > 0.8
    assert limits(seen([0.0] * 20 + [1.0] * 60), RISK, RISK).high == pytest.approx(1 - early.low)


def test_nothing_is_known_of_nothing() -> None:
    assert limits(seen([]), RISK, RISK) == Limits(0.0, 1.0)
    assert decided(seen([]).above(0.5), RISK) is None and fixed_sample(seen([]).above(0.5), RISK) is None


def test_what_cannot_be_otherwise_is_certain_at_once() -> None:
    assert decided(seen([0.0]).above(-0.1), RISK) == 1
    assert decided(seen([0.0, 0.0, 0.5]).above(0.0), RISK) == 3, "a mean of 0 has no value above 0"
    assert log_capital(seen([0.0, 0.0, 0.5]).above(0.0)).tolist() == [0.0, 0.0, inf]
    assert log_capital(values(0.5, least=0.5)) == [inf]
    assert log_capital(values(-1e-6, least=1e-6)) == [inf], "a rounding below the least, which is above 0"
    assert decided(seen([1.0] * 9).above(1.0), RISK) is None
    assert decided(seen([1.0] * 9).above(1.5), RISK) is None


def test_a_ratio_by_hand() -> None:
    """Right in 9 of 10 with the circuit, in all without: A - 0.8 B is 0.2 or -0.8."""
    over = Bounded(np.ones(40), 0.0, 1.0)
    given = Observed(Bounded(np.array([0.0, *[1.0] * 9] * 4), 0.0, 1.0), over)
    assert given.above(0.8).values[:2] == pytest.approx([-0.8, 0.2])
    assert [given.above(0.8).least, given.above(0.8).most] == pytest.approx([-0.8, 1.0])
    assert [given.below(0.8).least, given.below(0.8).most] == pytest.approx([-1.0, 0.8])
    assert limits(given, RISK, RISK).low == pytest.approx(limits(Observed(given.values), RISK, RISK).low)


def test_a_limit_of_a_ratio_that_is_large() -> None:
    """1 to 1 / 1000: against a ratio of at least r, each bet b gains b (r / 1000 - 1) on each value."""
    given = Observed(Bounded(np.ones(20), 0.0, 1.0), Bounded(np.full(20, 0.001), 0.0, 1.0))
    gain = limits(given, RISK, RISK).high / 1000 - 1
    assert sum((1 + bet * gain) ** 20 for bet in BETS) / 12 == pytest.approx(20)


def test_a_ratio_to_nothing_has_no_limit_above() -> None:
    given = Observed(Bounded(np.ones(9), 0.0, 1.0), Bounded(np.zeros(9), 0.0, 1.0))
    assert limits(given, RISK, RISK) == Limits(0.0, inf)


@pytest.mark.parametrize(("right", "bound"), [(60, 0.5), (90, 0.8), (99, 0.9), (100, 0.9), (12, 0.05)])
def test_a_fixed_sample_of_shares(right: int, bound: float) -> None:
    """Of shares it is log(1 / risk) over the divergence of what was found from the bound."""
    share = right / 100
    parts = ((share, bound), (1 - share, 1 - bound))
    divergence = sum(one * log(one / other) for one, other in parts if one)
    found = fixed_sample(seen([1.0] * right + [0.0] * (100 - right)).above(bound), RISK)
    assert found == pytest.approx(log(20) / divergence, abs=1.5)


def test_a_fixed_sample_of_a_small_gap() -> None:
    """2 log(1 / risk) variance / mean^2."""
    given = values(*[0.52, -0.48] * 50)
    assert fixed_sample(given, RISK) == pytest.approx(2 * log(20) * 0.25 / 0.02**2, rel=0.01)
    assert fixed_sample(values(-0.5, 0.5), RISK) is None and fixed_sample(values(-0.5, 0.4), RISK) is None


def test_a_fixed_sample_of_a_gap_that_only_the_smallest_bet_finds() -> None:
    """The best bet is mean / variance, 1 / 400."""
    given = values(0.5 + 1 / 1600, -0.5 + 1 / 1600)
    assert fixed_sample(given, RISK) == pytest.approx(2 * log(20) * 0.25 * 1600**2, rel=0.01)


def test_a_value_out_of_bounds_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="outside 0 to 1"):
        Bounded(np.array([0.5, 1.1]), 0.0, 1.0)
    with pytest.raises(ValueError, match="outside 0 to 1"):
        Bounded(np.array([-0.1, 0.5]), 0.0, 1.0)
    assert decided(Bounded(np.array([1 + 1e-7] * 30), 0.0, 1.0), RISK) == 1, "rounding is none"


@pytest.mark.parametrize(
    ("least", "most", "value"),
    [(0.0, 100.0, 100.0005), (-100.0, 0.0, -100.0005), (5.0, 6.0, 6.00004), (5.0, 6.0, 4.99996)],
)
def test_rounding_is_a_share_of_the_bounds(least: float, most: float, value: float) -> None:
    """A hundred-thousandth of how far they lie apart, or of the upper one."""
    Bounded(np.array([value]), least, most)
    middle = (least + most) / 2
    with pytest.raises(ValueError, match="a value lies outside"):
        Bounded(np.array([value + (value - middle) * 1e-4]), least, most)


def test_who_lost_all_by_rounding_lost_no_more() -> None:
    below = -1 - 5e-6
    assert log_capital(values(below)) == log_capital(values(-1.0))
    with np.errstate(invalid="raise"):
        assert fixed_sample(values(below, 1.0, 1.0), RISK) == fixed_sample(values(-1.0, 1.0, 1.0), RISK)


def test_the_bounds_of_a_ratio_to_what_is_never_0() -> None:
    given = Observed(Bounded(np.array([1.0]), 0.0, 1.0), Bounded(np.array([0.5]), 0.25, 2.0))
    above, below, under = given.above(0.8), given.below(0.8), given.above(-0.8)
    assert (*above.values, above.least, above.most) == pytest.approx((0.6, -1.6, 0.8))
    assert (*below.values, below.least, below.most) == pytest.approx((-0.6, -0.8, 1.6))
    assert (*under.values, under.least, under.most) == pytest.approx((1.4, 0.2, 2.6))


def test_a_fixed_sample_of_one() -> None:
    """Where nothing lies below 0 one value is enough; where a bet of all that one has comes to 100, too."""
    assert fixed_sample(values(0.5, 0.0, least=0.0), RISK) == 1
    assert fixed_sample(values(0.99, least=-0.01), RISK) == 1
    assert fixed_sample(values(0.09, least=-0.01), RISK) == 2, "10 is less than 20, 10 * 10 is more"
    assert fixed_sample(values(least=0.0), RISK) is None


# --- laws --------------------------------------------------------------------------------------------------------


@quick
@given(shares, st.floats(0.05, 0.95))
def test_both_directions_are_one(several: list[float], bound: float) -> None:
    """What is below a bound is what the opposite is above the opposite bound."""
    turned = Observed(Bounded(1 - np.array(several), 0.0, 1.0))
    assert log_capital(seen(several).below(bound)) == pytest.approx(log_capital(turned.above(1 - bound)), abs=1e-6)


@quick
@given(shares, st.floats(0.05, 0.95), st.floats(0.1, 50))
def test_units_do_not_matter(several: list[float], bound: float, factor: float) -> None:
    large = Observed(Bounded(factor * np.array(several), 0.0, factor))
    found, one = limits(large, RISK, RISK), limits(seen(several), RISK, RISK)
    assert log_capital(large.above(factor * bound)) == pytest.approx(log_capital(seen(several).above(bound)), abs=1e-6)
    assert [found.low, found.high] == pytest.approx([factor * one.low, factor * one.high], abs=1e-6 * factor)


@quick
@given(shares)
def test_limits_never_widen(several: list[float]) -> None:
    before = Limits(0.0, 1.0)
    for many in range(1, len(several) + 1, 7):
        now = limits(seen(several[:many]), 0.3, 0.3)
        assert before.low - 1e-9 <= now.low and now.high <= before.high + 1e-9
        before = now


@quick
@given(shares, st.floats(0.02, 0.98), st.sampled_from([0.5, 0.3, 0.05]))
def test_a_bound_is_excluded_when_it_is_decided(several: list[float], bound: float, risk: float) -> None:
    found = limits(seen(several), risk, risk)
    if abs(found.low - bound) > 1e-9:
        assert (decided(seen(several).above(bound), risk) is not None) == (found.low > bound)
    if abs(found.high - bound) > 1e-9:
        assert (decided(seen(several).below(bound), risk) is not None) == (found.high < bound)


@quick
@given(shares, st.integers(0, 5))
def test_a_verdict_stays(several: list[float], later: int) -> None:
    """More prompts take none back, and it is certain after as many as before."""
    after = decided(seen(several).above(0.4), 0.3)
    if after is not None:
        assert decided(seen([*several, *[0.0] * later]).above(0.4), 0.3) == after
        assert decided(seen(several[:after]).above(0.4), 0.3) == after
        assert decided(seen(several[: after - 1]).above(0.4), 0.3) is None


@quick
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.1, 1)), min_size=1, max_size=40), st.floats(0.1, 1.5))
def test_a_ratio_is_a_difference(pairs: list[tuple[float, float]], bound: float) -> None:
    first, second = (np.array(column) for column in zip(*pairs, strict=True))
    ratio = Observed(Bounded(first, 0.0, 1.0), Bounded(second, 0.0, 1.0))
    whole = Observed(Bounded(first - bound * second, -bound, 1.0))
    assert log_capital(ratio.above(bound)) == pytest.approx(log_capital(whole.above(0.0)), abs=1e-6)
    found = limits(ratio, 0.3, 0.3)
    if abs(found.low - bound) > 1e-9:
        assert (decided(ratio.above(bound), 0.3) is not None) == (found.low > bound)


def test_a_fair_game_gains_nothing() -> None:
    """The mean of the capital over all eight outcomes of three fair prompts is 1."""
    outcomes = [[float(number >> place & 1) for place in range(3)] for number in range(8)]
    final = [exp(log_capital(seen(one).above(0.5))[-1]) for one in outcomes]
    assert np.mean(final) == pytest.approx(1.0)
    unfair = [exp(log_capital(seen(one).above(0.6))[-1]) for one in outcomes]
    assert np.mean(unfair) < 1
