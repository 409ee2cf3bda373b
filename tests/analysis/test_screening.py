"""Screening: which heads an estimate lets through, and afterwards how good it was and what it may have missed."""

from __future__ import annotations

from math import comb
from typing import Any

import numpy as np
import pytest
from attrs import evolve

from entrack.analysis.outcomes import ESTIMATES as ESTIMATED
from entrack.analysis.outcomes import BySite, NotANumber, estimated, score
from entrack.analysis.screening import Screening, agreement, hits_interval, missed, screen, spearman
from entrack.analysis.selection import select
from entrack.plan.steps import Chosen, Ref, Screen, Screened, Select
from entrack.ranking import Ranking
from entrack.results import Interval
from entrack.sites import Part, Site, every_sender

ESTIMATES = np.array([[-0.5, 0.5, -0.25, 0.0], [0.25, -1.0, 0.125, -0.125], [1.0, -2.0, 3.0, -4.0]])
"""Of three layers of four heads."""


HEADS = every_sender(Part.OUTPUT, 3, 4)
LOWEST = Ranking.LOWEST


def by_site(values: Any) -> BySite:
    """Of values (layer, head, ...)."""
    return BySite(HEADS, values.reshape(12, *values.shape[2:]))


def change(values: Any) -> dict[str, Any]:
    """An estimated change of the logit of one word, the same in two prompts (layer, head, prompt, word)."""
    logit = np.repeat(np.asarray(values, dtype=np.float64)[..., None, None], 2, axis=2)
    return {"logit": logit, "log_probability": logit}


def clean(logit: float = 2.0) -> dict[str, Any]:
    values = np.full((2, 1), logit)
    return {"top": np.zeros(2), "logit": values, "log_probability": -values}


def screened(
    through: int, check: int = 0, receivers: tuple[Site, ...] | None = None, hop: int = 0, seed: int = 0
) -> Screening:
    chosen = () if receivers is None else (Chosen("earlier"),)
    node = Screen("logit", through, check, seed, hop, 3, 4, (Ref("clean"),), (Ref("estimate"),), chosen)
    return screen(node, [clean()], [change(ESTIMATES)], [] if receivers is None else [receivers])


def test_the_lowest_estimates_go_through() -> None:
    found = screened(4)
    assert found.through == (Site.of_head(2, 3), Site.of_head(2, 1), Site.of_head(1, 1), Site.of_head(0, 0))
    assert (found.checked, found.others, found.known_zero) == ((), 8, 0)
    assert found.sites == tuple(sorted(found.through))


def test_heads_that_cannot_reach_a_receiver_are_none_of_them() -> None:
    found = screened(3, 20, receivers=(Site.of_head(1, 3), Site.of_head(2, 0)))
    assert found.through == (Site.of_head(1, 1), Site.of_head(0, 0), Site.of_head(0, 2))
    assert found.known_zero == 4
    assert found.checked == (
        Site.of_head(0, 1),
        Site.of_head(0, 3),
        Site.of_head(1, 0),
        Site.of_head(1, 2),
        Site.of_head(1, 3),
    ), "all others, where there are fewer than asked for"
    nothing = screen(Screen("logit", 3, 2, 0, 0, 3, 4, (Ref("c"),), (Ref("e"),), (Chosen("x"),)), [clean()], None, [()])
    assert (nothing.sites, nothing.others, nothing.known_zero) == ((), 0, 12)


def test_what_is_checked_is_drawn_by_seed_and_hop() -> None:
    draws = [screened(4, 3, hop=hop, seed=seed).checked for hop, seed in ((0, 0), (0, 0), (1, 0), (0, 1))]
    assert draws[0] == draws[1]
    assert len(set(draws)) == 3
    assert all(not set(drawn) & set(screened(4).through) for drawn in draws)
    seen = {head for seed in range(200) for head in screened(4, 3, seed=seed).checked}
    assert len(seen) == 8, "every other head may be drawn"


def test_an_estimate_relative_to_nothing_is_said() -> None:
    node = Screen("relative logit", 1, 0, 0, 0, 3, 4, (Ref("clean"),), (Ref("estimate"),))
    with pytest.raises(
        NotANumber, match="estimated relative logit of a head is not a number: it is relative to a clean"
    ):
        screen(node, [clean(0.0)], [change(ESTIMATES)], [])
    one = np.array(ESTIMATES, dtype=np.float64)
    one[0, 0] = np.inf
    with pytest.raises(NotANumber):
        screen(evolve(node, score="logit"), [clean()], [change(one)], [])
    both = evolve(node, senders=(Part.OUTPUT, Part.MLP))
    nothing = {f"mlp_{name}": np.zeros((3, 2, 1)) for name in ("logit", "log_probability")}
    with pytest.raises(NotANumber, match="estimated relative logit of a site is not a number"):
        screen(both, [clean(0.0)], [change(ESTIMATES) | nothing], [])


@pytest.mark.parametrize(
    "name", [*ESTIMATED, "relative probability", "relative logit difference", "relative probability difference"]
)
@pytest.mark.parametrize("sizes", [(), ((1, 3), (2, 2), (1, 1), (3, 1), (2, 1))], ids=["words", "lists"])
def test_an_estimated_score_is_the_derivative_of_the_score(name: str, sizes: tuple[tuple[int, int], ...]) -> None:
    drawn, many = np.random.default_rng(1), 4 if sizes else 2
    before = {"top": np.zeros(5), **{key: drawn.normal(size=(5, many)) - 3 for key in ("logit", "log_probability")}}
    moved = {key: drawn.normal(size=(3, 4, 5, many)) for key in ("logit", "log_probability")}
    after = {key: before[key] + 1e-6 * moved[key] for key in moved}
    found, expected = estimated(name, moved, before, sizes), score(name, after, before, sizes) / 1e-6
    assert found == pytest.approx(expected, rel=1e-4, abs=1e-4)


# --- selection ---------------------------------------------------------------------------------------------------

SCORES = np.array([[-0.4, 0.1, -0.3, -0.2], [-0.05, -0.9, 0.2, -0.6], [0.5, -0.7, 1.0, -0.8]])


def selected(screening: Screening, keep: int) -> Any:
    """Select by SCORES among the heads of a screening."""
    rows = [[head.head for head in screening.sites if head.layer == layer] for layer in range(3)]
    patched = [
        [{"logit": 2.0 + change(SCORES[layer : layer + 1, heads])["logit"][0]}] if heads else None
        for layer, heads in enumerate(rows)
    ]
    node = Select("logit", keep, 3, 4, (Ref("clean"),), ((Ref("0"),),) * 3, (), Screened("screen", 9))
    return select(node, [clean()], {Part.OUTPUT: patched}, (), screening)


def test_only_what_went_through_is_kept_and_what_was_not_run_has_no_score() -> None:
    screening = screened(5, 3)
    found = selected(screening, 9)
    assert found.sites == (
        Site.of_head(1, 1),
        Site.of_head(2, 3),
        Site.of_head(2, 1),
        Site.of_head(0, 0),
        Site.of_head(0, 2),
    ), "a head that was only checked is not among them"
    for layer in range(3):
        for head in range(4):
            assert found.scores.mapping()[Site.of_head(layer, head)] == pytest.approx(
                SCORES[layer, head] if Site.of_head(layer, head) in screening.sites else np.nan, nan_ok=True
            )
    assert found.known_zero == 0


def test_known_zeros_stay_zero_under_a_screen() -> None:
    screening = screened(3, 0, receivers=(Site.of_head(2, 0),))
    found = selected(screening, 3)
    assert [found.scores.mapping()[Site.of_head(2, head)] for head in range(4)] == [0.0] * 4
    assert found.known_zero == 4
    assert np.isnan(found.scores.values).sum() == 5


def test_a_screen_of_all_heads_keeps_what_no_screen_keeps() -> None:
    node = Select("logit", 4, 3, 4, (Ref("clean"),), ((Ref("0"),),) * 3)
    of_all = change(SCORES)["logit"]
    patched = [[{"logit": 2.0 + of_all[layer]}] for layer in range(3)]
    without = select(node, [clean()], {Part.OUTPUT: patched}, ())
    found = selected(screened(12), 4)
    assert found.sites == without.sites
    assert found.scores.mapping() == without.scores.mapping()


# --- how good the screen was -------------------------------------------------------------------------------------


def test_ranks_agree() -> None:
    assert spearman(np.array([1.0, 2.0, 3.0]), np.array([-5.0, 0.0, 1e9])) == pytest.approx(1)
    assert spearman(np.array([1.0, 2.0, 3.0]), np.array([3.0, 2.0, 1.0])) == pytest.approx(-1)
    # 1 - 6 (1 + 1 + 0 + 4 + 4) / (5 . 24) by hand
    assert spearman(np.array([1.0, 2, 3, 4, 5]), np.array([2.0, 1, 3, 6, 4])) == pytest.approx(
        1 - 6 * (1 + 1 + 0 + 1 + 1) / 120
    )
    # ranks 1.5 1.5 3 4 against 1 2 3.5 3.5
    assert spearman(np.array([0.0, 0, 1, 2]), np.array([1.0, 2, 3, 3])) == pytest.approx(
        np.corrcoef([1.5, 1.5, 3, 4], [1, 2, 3.5, 3.5])[0, 1]
    )
    assert np.isnan(spearman(np.array([1.0, 1.0]), np.array([1.0, 2.0])))


def test_agreement_is_over_what_went_through() -> None:
    screening = screened(5, 3)
    scores = by_site(np.repeat(SCORES[..., None], 2, axis=2))
    found = agreement(screening, scores)
    assert found is not None
    order = [(-4.0, -0.8), (-2.0, -0.7), (-1.0, -0.9), (-0.5, -0.4), (-0.25, -0.3)]
    assert found.value == pytest.approx(spearman(*np.array(order).T))
    assert found.n == 5
    assert found.interval.low == pytest.approx(found.value) == pytest.approx(found.interval.high), (
        "prompts that are all alike leave no doubt"
    )
    assert agreement(screened(1), scores) is None


def test_agreement_is_over_the_prompts_that_all_were_run_on() -> None:
    """A race ran one of them no more."""
    two = np.repeat(SCORES[..., None], 2, axis=2)
    two[0, 0, 1] = np.nan
    found, whole = (agreement(screened(5, 3), by_site(scores)) for scores in (two, np.repeat(two[..., :1], 2, axis=2)))
    assert found is not None and found == whole


def test_prompts_that_differ_leave_doubt() -> None:
    drawn = np.random.default_rng(0)
    scores = drawn.normal(size=(3, 4, 30))
    screening = Screening(
        tuple(Site.of_head(layer, head) for layer in range(3) for head in range(4)),
        (),
        0,
        HEADS,
        by_site(scores + drawn.normal(size=(3, 4, 30))),
    )
    found = agreement(screening, by_site(scores))
    assert found is not None
    assert found.interval.low < found.value < found.interval.high


def test_what_was_missed() -> None:
    screening = Screening(
        (Site.of_head(0, 0), Site.of_head(1, 1)),
        (Site.of_head(1, 3), Site.of_head(2, 2), Site.of_head(2, 3)),
        10,
        HEADS,
        by_site(np.zeros((3, 4, 2))),
    )
    kept = (Site.of_head(1, 1), Site.of_head(0, 0))
    assert missed(screening, by_site(SCORES), kept, 2, LOWEST).sites == (Site.of_head(1, 3), Site.of_head(2, 3)), (
        "lower than the highest that was kept"
    )
    assert missed(screening, by_site(SCORES), kept[:1], 1, LOWEST).sites == ()
    assert missed(screening, by_site(SCORES), kept, 3, LOWEST).sites == (Site.of_head(1, 3), Site.of_head(2, 3)), (
        "there was room for one more, but a score below zero is needed"
    )
    ties = np.where(SCORES == -0.8, -0.4, SCORES)
    assert missed(screening, by_site(ties), kept, 2, LOWEST).sites == (Site.of_head(1, 3),), (
        "of equal scores the first head would have been kept"
    )
    assert missed(screening, by_site(SCORES), kept, 2, LOWEST).of_others == hits_interval(10, 3, 2)
    first = evolve(screening, checked=(Site.of_head(0, 0),))
    for value in (0.0, 0.5):
        assert missed(first, by_site(np.full((3, 4), value)), (), 3, LOWEST).sites == (), "none is below zero"


@pytest.mark.parametrize(
    ("population", "drawn", "hits", "low", "high"),
    [(7, 7, 3, 3, 3), (7, 0, 0, 0, 7), (0, 0, 0, 0, 0), (20, 19, 19, 19, 20)],
)
def test_where_all_or_nothing_is_known(population: int, drawn: int, hits: int, low: int, high: int) -> None:
    found = hits_interval(population, drawn, hits)
    assert (found.low, found.high) == (low, high)


def test_nothing_found_in_many_is_the_rule_of_three() -> None:
    """-ln(0.025) / n for two sides; the better known 3 / n is for one."""
    assert hits_interval(5000, 50, 0).high / 5000 == pytest.approx(-np.log(0.025) / 50, rel=0.05)


@pytest.mark.parametrize("population", [9, 16])
@pytest.mark.parametrize("drawn", [1, 4, 8])
def test_an_interval_holds_what_is_true_at_least_95_times_in_100(population: int, drawn: int) -> None:
    for true in range(population + 1):
        held = sum(
            comb(true, hits) * comb(population - true, drawn - hits)
            for hits in range(max(0, drawn - population + true), min(true, drawn) + 1)
            if hits_interval(population, drawn, hits).low <= true <= hits_interval(population, drawn, hits).high
        )
        assert held / comb(population, drawn) >= 0.95, true


# --- MLPs, and other rankings --------------------------------------------------------------------------------------


def both(ranking: Ranking, receivers: tuple[Site, ...] | None = None, *, parallel: bool = False) -> Screening:
    """A screen of heads and MLPs; the MLPs' estimates are 5, 6 and -7."""
    node = Screen(
        "logit",
        3,
        0,
        0,
        0,
        3,
        4,
        (Ref("clean"),),
        (Ref("estimate"),),
        () if receivers is None else (receivers,),
        (Part.OUTPUT, Part.MLP),
        parallel,
        ranking,
    )
    given = np.repeat(np.array([5.0, 6.0, -7.0])[:, None, None], 2, axis=1)
    changes = {**change(ESTIMATES), "mlp_logit": given, "mlp_log_probability": given}
    return screen(node, [clean()], [changes], [] if receivers is None else [receivers])


@pytest.mark.parametrize(
    ("ranking", "through"),
    [
        (Ranking.LOWEST, "mlp.2 2.3 2.1"),
        (Ranking.HIGHEST, "mlp.1 mlp.0 2.2"),
        (Ranking.STRONGEST, "mlp.2 mlp.1 mlp.0"),
    ],
)
def test_the_best_estimates_go_through_by_the_group_s_own_ranking(ranking: Ranking, through: str) -> None:
    assert " ".join(map(str, both(ranking).through)) == through


def test_what_reaches_the_input_of_an_mlp() -> None:
    """Heads up to its layer, but in parallel blocks, and MLPs below it."""
    receivers = (Site(1, Part.MLP),)
    for parallel, many in ((False, 8 + 1), (True, 4 + 1)):
        found = both(Ranking.LOWEST, receivers, parallel=parallel)
        assert len(found.reaching) == many
        assert found.known_zero == 15 - many
        assert Site(0, Part.MLP) in found.reaching and Site(1, Part.MLP) not in found.reaching


def test_what_was_missed_of_the_strongest() -> None:
    screening = Screening(
        (Site.of_head(0, 0),), (Site.of_head(1, 3), Site.of_head(2, 2)), 10, HEADS, by_site(ESTIMATES)
    )
    kept = (Site.of_head(0, 0),)
    assert missed(screening, by_site(SCORES), kept, 1, Ranking.STRONGEST).sites == screening.checked
    assert missed(screening, by_site(SCORES), kept, 1, Ranking.HIGHEST).sites == (Site.of_head(2, 2),)


@pytest.mark.parametrize(("population", "drawn", "hits"), [(10, 5, 5), (10, 5, 0), (30, 12, 3), (8, 1, 1), (12, 12, 4)])
def test_how_many_others_are_hits_by_counting(population: int, drawn: int, hits: int) -> None:
    """All numbers of which neither so few nor so many are as unlikely as 2.5 %."""

    def of(many: int, several: range) -> float:
        ways = (comb(many, k) * comb(population - many, drawn - k) for k in several if drawn >= k)
        return sum(ways) / comb(population, drawn)

    able = range(hits, population - drawn + hits + 1)
    likely = [many for many in able if of(many, range(hits, drawn + 1)) > 0.025 < of(many, range(hits + 1))]
    assert hits_interval(population, drawn, hits) == Interval(min(likely), max(likely))
