"""Significance: p values that invert intervals, q values by hand, who is tested, and what a screen makes no easier."""

from __future__ import annotations

from math import atan, inf, pi, sqrt
from typing import Any

import numpy as np
import pytest
from test_selection import outcome

from entrack.analysis import significance
from entrack.analysis.intervals import mean_limits, t_quantile, t_tail
from entrack.analysis.outcomes import BySite
from entrack.analysis.resampling import resamples
from entrack.analysis.screening import Screening
from entrack.analysis.selection import Selection, kept_again, select
from entrack.analysis.significance import adjusted, missed_significant, p_values
from entrack.plan.steps import Ref, Screened, Select
from entrack.ranking import Ranking
from entrack.results import Interval, Significance
from entrack.sites import Part, Site

CHANCE = np.random.Generator(np.random.PCG64(5))
SCORES = CHANCE.random((6, 11)) ** 3 - np.array([[0.1], [0.3], [0.5], [0.9], [0.25], [0.4]])
"""Of six sites, skewed, some below zero and some above."""


# --- tails -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [-3.0, -0.5, 0.0, 0.25, 1.0, 4.0, 60.0])
def test_tails_that_have_a_formula(value: float) -> None:
    assert t_tail(value, 1) == pytest.approx(0.5 - atan(value) / pi, rel=1e-12)
    assert t_tail(value, 2) == pytest.approx(0.5 - value / (2 * sqrt(2 + value**2)), rel=1e-9)


@pytest.mark.parametrize("freedom", [1, 2, 3, 10, 19, 99, 400])
def test_a_tail_is_the_inverse_of_a_quantile(freedom: int) -> None:
    for tail in (0.4, 0.1, 0.025, 1e-3, 1e-6):
        assert t_tail(t_quantile(tail, freedom), freedom) == pytest.approx(tail, rel=1e-7)
        assert t_tail(-t_quantile(tail, freedom), freedom) == pytest.approx(1 - tail, rel=1e-9)


def test_ends_of_tails() -> None:
    assert (t_tail(inf, 7), t_tail(-inf, 7), t_tail(0.0, 7)) == (0.0, 1.0, 0.5)
    assert t_tail(5.0, 0) == t_tail(-5.0, 0) == 1.0
    assert t_tail(30.0, 50) == pytest.approx(1.6e-34, rel=0.1)


# --- p values ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ranking", "end"), [(Ranking.LOWEST, 1), (Ranking.HIGHEST, 0)])
def test_without_doubt_a_p_value_is_the_tail_whose_limit_is_zero(
    ranking: Ranking, end: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(significance, "DOUBT", 0.0)
    for row, p in zip(SCORES, p_values(SCORES, ranking), strict=True):
        assert 0 < p < 1
        if p < 0.5:
            assert mean_limits(row[None], float(p))[end][0] == pytest.approx(0.0, abs=1e-6)


def test_doubt_of_skewness_makes_p_values_larger() -> None:
    """By hand: mean -2, variance 2/3 and no skewness, of three; doubt takes 1.645 standard errors of it, sqrt(6/3)."""
    (p,) = p_values(np.array([[-1.0, -2.0, -3.0]]), Ranking.LOWEST)
    studentised = 2 / sqrt((2 / 3) / 2)
    skew, step = -1.6448536 * sqrt(2), studentised / sqrt(3)
    straight = sqrt(3) * (step + skew * step**2 / 3 + skew**2 * step**3 / 27 + skew / 18)
    assert straight < studentised
    assert p == pytest.approx(t_tail(straight, 2), rel=1e-6)


def test_what_is_significant_has_an_interval_beyond_zero() -> None:
    for row, p in zip(SCORES, p_values(SCORES, Ranking.STRONGEST), strict=True):
        low, high = (float(limit[0]) for limit in mean_limits(row[None]))
        assert p > 0.05 or low > 0 or high < 0


def test_laws_of_p_values() -> None:
    below, above, either = (p_values(SCORES, ranking) for ranking in Ranking)
    assert p_values(-SCORES, Ranking.HIGHEST) == pytest.approx(below)
    assert p_values(7 * SCORES, Ranking.LOWEST) == pytest.approx(below)
    assert p_values(SCORES[:, ::-1], Ranking.HIGHEST) == pytest.approx(above)
    assert either == pytest.approx(np.minimum(1, 2 * np.minimum(below, above)))
    assert (p_values(SCORES - 0.1, Ranking.LOWEST) < below).all()
    assert min(below) < 0.01 and max(below) > 0.5


def test_scores_that_do_not_vary() -> None:
    scores = np.array([[-0.5, -0.5], [0.0, 0.0], [0.5, 0.5]])
    assert p_values(scores, Ranking.LOWEST).tolist() == [0, 1, 1]
    assert p_values(scores, Ranking.HIGHEST).tolist() == [1, 1, 0]
    assert p_values(scores, Ranking.STRONGEST).tolist() == [0, 1, 0]
    assert p_values(np.array([[-9.0], [9.0]]), Ranking.STRONGEST).tolist() == [1, 1]


# --- q values ----------------------------------------------------------------------------------------------------


PUBLISHED = (0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.324, 0.4262, 0.5719, 0.6528)
"""The p values of the example in Benjamini and Hochberg 1995, with .7590 and 1: at 5 % the first four are found."""


def test_the_published_example() -> None:
    q = adjusted([*PUBLISHED, 0.759, 1.0], 15)
    assert [value <= 0.05 for value in q] == [True] * 4 + [False] * 11
    assert q[:4] == pytest.approx([0.0015, 0.003, 0.0095, 0.035625])
    assert q[6] == pytest.approx(0.0298 * 15 / 7) and q[5] == q[6], "a q value is no larger than the next"
    assert q[-1] == 1.0


def test_others_count_as_tests() -> None:
    assert adjusted([0.02, 0.001], 4) == pytest.approx([0.04, 0.004])
    assert adjusted([0.02, 0.001], 100) == pytest.approx([1.0, 0.1])
    assert adjusted([], 4) == []


# --- selections --------------------------------------------------------------------------------------------------


FAR, NEAR, NONE = (-0.5, -0.52, -0.49, -0.51), (0.3, 0.31, 0.29, 0.3), (-0.4, 0.4, -0.39, 0.41)


def selected(rows: list[list[tuple[float, ...]] | None], ranking: Ranking, rate: float | None, keep: int = 9) -> Any:
    """Of scores (layer, head, prompt), None for layers that cannot reach: the node and its selection."""
    clean = np.array([0.5, 0.25, 0.2, 0.4])
    patched = [None if row is None else [outcome((1 + np.array(row)) * clean)] for row in rows]
    heads = len(next(row for row in rows if row is not None))
    refs = tuple((Ref(str(layer)),) for layer in range(len(rows)))
    node = Select("relative probability", keep, len(rows), heads, (Ref("clean"),), refs, ranking=ranking, rate=rate)
    return node, select(node, [outcome(clean)], {Part.OUTPUT: patched}, ())


def names(sites: tuple[Site, ...]) -> str:
    return " ".join(map(str, sites))


@pytest.mark.parametrize(
    ("ranking", "kept"), [(Ranking.LOWEST, "0.0"), (Ranking.HIGHEST, "0.1"), (Ranking.STRONGEST, "0.0 0.1")]
)
def test_what_is_significant_is_kept_the_best_first(ranking: Ranking, kept: str) -> None:
    _, found = selected([[FAR, NEAR, NONE]], ranking, 0.05)
    assert names(found.sites) == names(found.significance.sites) == kept
    assert found.significance.decides and found.significance.rate == 0.05
    assert found.significance.tests == 3


def test_a_number_is_kept_whatever_is_significant() -> None:
    _, found = selected([[FAR, NEAR, NONE]], Ranking.STRONGEST, None, keep=1)
    assert names(found.sites) == "0.0"
    assert names(found.significance.sites) == "0.0 0.1"
    assert names(found.significance.heads) == "0.0 0.1"
    assert not found.significance.decides and found.significance.rate == 0.05


def test_a_high_rate_keeps_nothing_on_the_other_side() -> None:
    _, found = selected([[FAR, NEAR, NONE]], Ranking.LOWEST, 0.999)
    assert names(found.sites) == "0.0"


def test_known_zeros_are_no_tests() -> None:
    _, found = selected([[FAR, NEAR, NONE], None], Ranking.LOWEST, 0.05)
    known = found.significance
    assert known.tests == 3
    assert [known.p[Site.of_head(1, head)] for head in range(3)] == [None] * 3
    assert [known.q[Site.of_head(1, head)] for head in range(3)] == [None] * 3
    p = [known.p[Site.of_head(0, head)] for head in range(3)]
    assert p == pytest.approx(p_values(np.array([FAR, NEAR, NONE]), Ranking.LOWEST).tolist())
    assert [known.q[Site.of_head(0, head)] for head in range(3)] == pytest.approx(adjusted(p, 3))


# --- screens -----------------------------------------------------------------------------------------------------


def screened(rate: float) -> tuple[Selection, Screening]:
    """Five heads of which one is let through and two are checked; one of these is as far below zero."""
    sites = tuple(Site.of_head(0, head) for head in range(5))
    screening = Screening(sites[:1], sites[1:3], 4, sites, BySite(sites, np.zeros((5, 4))))
    clean = np.array([0.5, 0.25, 0.2, 0.4])
    node = Select("relative probability", 5, 1, 5, (Ref("c"),), ((Ref("0"),),), (), Screened("s", 3), rate=rate)
    rows = np.array([FAR, np.array(FAR) * 0.9, NONE])
    return select(node, [outcome(clean)], {Part.OUTPUT: [[outcome((1 + rows) * clean)]]}, (), screening), screening


def of(found: Selection) -> Significance:
    assert found.significance is not None
    return found.significance


def test_only_what_a_screen_lets_through_is_kept_and_all_are_tests() -> None:
    found, _ = screened(0.05)
    known = of(found)
    assert names(found.sites) == "0.0" and known.tests == 5
    assert [known.p[site] is None for site in known.p] == [False, False, False, True, True]
    assert [known.q[site] is None for site in known.q] == [False, True, True, True, True]
    first = Site.of_head(0, 0)
    assert known.q[first] == pytest.approx(5 * (known.p[first] or 0))


def test_what_was_missed_would_have_been_significant_had_it_been_let_through_too() -> None:
    found, screening = screened(0.05)
    missed = missed_significant(screening, of(found), found.scores, Ranking.LOWEST)
    assert names(missed.sites) == "0.1" and missed.others == 4
    assert missed.of_others == Interval(1.0, 3.0)
    strict, screening = screened(1e-9)
    assert missed_significant(screening, of(strict), strict.scores, Ranking.LOWEST).sites == ()
    lax, screening = screened(0.9999)
    missed = missed_significant(screening, of(lax), lax.scores, Ranking.LOWEST)
    assert names(missed.sites) == "0.1", "what scores above zero is never kept"


# --- kept again --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ranking", "sides"), [(Ranking.LOWEST, 1), (Ranking.STRONGEST, 2)])
def test_kept_again_is_how_often_the_evidence_suffices_in_resamples(ranking: Ranking, sides: int) -> None:
    scores = np.round(np.random.Generator(np.random.PCG64(5)).normal(-0.6, 1.0, (2, 12)), 3)
    scores[1] += 0.05
    sites = tuple(Site.of_head(0, head) for head in range(2))
    outcomes = BySite(sites, scores)
    node = Select("logit", 2, 1, 2, (), (), rate=0.2 * sides, ranking=ranking)
    known = significance.significance(node, outcomes, sites, sites, 2)
    assert len(known.sites) == 2
    least = t_quantile(0.2 * sides * 2 / 2 / sides, 11)
    (drawn,) = resamples(12, "discover")
    each = [significance.evidence(*significance.moments(scores[:, chosen]), ranking) for chosen in drawn]
    expected = (np.array(each) >= least).mean(axis=0)
    assert significance.significant_again(known, ranking, outcomes, sites) == pytest.approx(expected, abs=1e-3)
    assert 0.3 < min(expected) < max(expected) < 1


def test_what_is_clear_is_kept_again() -> None:
    node, found = selected([[FAR, NEAR, NONE]], Ranking.STRONGEST, 0.05)
    assert min(kept_again(node, found, found.able)) > 0.9
    node, found = selected([[NONE, NONE]], Ranking.STRONGEST, 0.05)
    assert kept_again(node, found, found.able) == () == found.sites
