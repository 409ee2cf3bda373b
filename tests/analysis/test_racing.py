"""Races: who is certain to be kept, who runs on, and that a race keeps what all prompts would."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from attrs import evolve
from races_run import (
    LEAST,
    MARKS,
    MOST,
    ROWS,
    Row,
    apart,
    kept_of_all,
    normal,
    pairs_run,
    raced,
    rare,
    tried,
    wrong,
)
from simulated_tables import printed

from entrack.analysis.intervals import mean_limits
from entrack.analysis.outcomes import Array, BySite, NotANumber
from entrack.analysis.racing import Racing, _limits, _sides, _worse, race_of, tail_of, verdicts
from entrack.analysis.screening import Screening, agreement
from entrack.analysis.selection import Selection, kept_again, select_raced
from entrack.plan.builder import batches
from entrack.plan.lower.racing import in_rounds
from entrack.plan.steps import Race, Ref, Screened, Select
from entrack.prompts.tokenise import Prompt
from entrack.ranking import Ranking
from entrack.sites import Part, Site, every_sender

T_49 = 2.405
"""What Student's t with 49 degrees of freedom exceeds with probability 0.01, from a table."""


def waves(*means: float, by: float = 0.1, prompts: int = 100) -> Array:
    """Scores of the heads of one layer: their means, plus and minus `by` in turn, each against the one before."""
    signs = np.where(np.arange(prompts) % 2, 1.0, -1.0)
    return np.array([[mean + by * signs * (-1) ** head for head, mean in enumerate(means)]])


def head(number: int) -> Site:
    return Site.of_head(0, number)


# --- by hand -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("apart", "decided"), [(0.050, True), (0.047, False)])
def test_two_heads_by_hand(apart: float, decided: bool) -> None:
    """The difference of the two is `apart` plus or minus 0.2, so over 50 prompts its standard error is 0.2 / 7; half of
    the prompts are left, so that its limit is 0.2 / 7 * t * sqrt(1 / 2): 0.0486 for t at 0.01."""
    limit = 0.2 / 7 * T_49 * sqrt(1 / 2)
    assert (apart > limit) == decided
    values = waves(-1.0, apart - 1)[0, :, :50]
    inside, outside = verdicts(Ranking.LOWEST, values, pool=2, places=1, prompts=100, tail=0.01)
    assert inside.tolist() == [decided, False]
    assert outside.tolist() == [False, decided]


def test_a_race_by_hand() -> None:
    """Heads 0 and 3 are certain at the first look; 1 and 2 hardly differ, and run on."""
    racing = raced(waves(-2.0, -1.0, -0.999, 0.5), keep=2)
    assert racing.inside == {head(0): 50, head(1): 100}
    assert racing.outside == {head(3): 50, head(2): 100}
    assert racing.kept == (head(0), head(1))
    assert (~np.isnan(racing.scores.values)).sum(axis=1).tolist() == [50, 100, 100, 50]
    assert racing.means.mapping() == pytest.approx({head(0): -2, head(1): -1, head(2): -0.999, head(3): 0.5})
    node = Race("logit", 2, 0.95, 100, 1, 1, 4, (), ())
    found = race_of(racing, node)
    assert (found.pairs, found.of_pairs, found.looks) == (300, 400, (50,))
    assert found.prompts == {head(0): 50, head(1): 100, head(2): 100, head(3): 50}
    assert found.undecided == (head(1), head(2))
    assert race_of(racing, evolve(node, looks=3)).looks == (50, 100, 150)


def test_the_chance_of_an_error_is_shared_by_all_comparisons() -> None:
    """Each of the 2 that are to be kept with 5 others and with zero, at 3 looks; two ways where signs do not count."""
    node = Race("logit", 2, 0.9, 200, 3, 1, 6, (), ())
    standing = Racing(tuple(map(head, range(5))), (head(5),), {}, {}, (), BySite((), np.zeros((0, 0))), 0)
    assert tail_of(node, standing) == pytest.approx(0.1 / (3 * 2 * 7))
    assert tail_of(evolve(node, ranking=Ranking.STRONGEST), standing) == pytest.approx(0.1 / (3 * 2 * 7 * 2))


def test_the_limits_are_those_of_what_is_left() -> None:
    """With nearly all prompts seen, a small difference is certain that would not be of a new population."""
    values = waves(-1.0, -0.97)[0, :, :50]
    assert verdicts(Ranking.LOWEST, values, 2, 1, prompts=51, tail=0.01)[0].tolist() == [True, False]
    assert verdicts(Ranking.LOWEST, values, 2, 1, prompts=10_000, tail=0.01)[0].tolist() == [False, False]


@pytest.mark.parametrize(
    ("ranking", "kept"),
    [(Ranking.LOWEST, {0, 1}), (Ranking.HIGHEST, {3, 4}), (Ranking.STRONGEST, {0, 4})],
)
def test_rankings(ranking: Ranking, kept: set[int]) -> None:
    racing = raced(waves(-2.0, -1.0, 0.0, 1.5, 3.0), 2, ranking)
    assert set(racing.kept) == set(map(head, kept))
    assert set(racing.inside.values()) == {50}
    assert not racing.undecided


def test_whoever_certainly_has_the_other_sign_is_out() -> None:
    """Where fewer are on the side that is kept than might be."""
    racing = raced(waves(-1.0, 0.5, 0.7, 0.0), keep=3)
    assert racing.inside == {head(0): 50}
    assert racing.outside == {head(1): 50, head(2): 50, head(3): 100}
    strong = raced(waves(-1.0, 0.5, 0.7, 0.0), 3, Ranking.STRONGEST)
    assert set(strong.kept) == {head(0), head(1), head(2)}


def test_constant_scores() -> None:
    """Zeros are decided where enough others are better, and never by themselves."""
    scores = np.zeros((1, 4, 100))
    scores[:, :1] = waves(-1.0)
    alone = raced(scores, keep=1)
    assert alone.inside == {head(0): 50}
    assert set(alone.outside.values()) == {50}
    more = raced(scores, keep=2)
    assert more.inside == {head(0): 50}
    assert set(more.outside.values()) == {100}
    assert more.kept == (head(0),), "a score of zero is on no side"


def test_ties_run_on_and_go_by_site() -> None:
    racing = raced(np.repeat(waves(-1.0), 3, axis=1), keep=2)
    assert racing.inside == {head(0): 100, head(1): 100}
    assert racing.outside == {head(2): 100}


def test_layers_out_of_reach_are_no_part_of_a_race() -> None:
    scores = np.concatenate([waves(-1.0, 0.2), np.full((1, 2, 100), np.nan)])
    racing = raced(scores, keep=1)
    assert racing.entered == (head(0), head(1))
    assert racing.known_zero == 2
    assert racing.scores.of([Site.of_head(1, 0)]).tolist() == [[0.0] * 100]


@pytest.mark.parametrize("prompt", [0, 80])
def test_what_is_not_a_number_is_said(prompt: int) -> None:
    scores = waves(-1.0, -0.999)
    scores[0, 1, prompt] = np.inf
    with pytest.raises(NotANumber, match="logit of a head"):
        raced(scores, keep=1)


def test_skewed_scores_have_wide_limits() -> None:
    """One prompt in ten moves, by much: Student's limits alone would be certain."""
    values = np.stack([np.zeros(50), np.where(np.arange(50) % 10 == 0, 4.0, 0.6)])
    inside, _ = verdicts(Ranking.LOWEST, values, 2, 1, prompts=10_000, tail=1e-5)
    assert not inside.any()
    even = np.stack([np.zeros(50), np.where(np.arange(50) % 2, 0.94 - values[1].std(), 0.94 + values[1].std())])
    assert verdicts(Ranking.LOWEST, even, 2, 1, 10_000, 1e-5)[1].tolist() == [False, True]


def test_twice_as_many_as_there_are_places_are_compared_with_everyone() -> None:
    """Only the third is certain to come before the fourth; the second, with the noise of the first, is not."""
    signs = np.where(np.arange(50) % 2, 1.0, -1.0)
    values = np.stack([5 * signs - 1, 5 * signs - 0.9, 0.01 * signs - 0.5, 0.01 * signs - 0.4])
    for places, outside in ((1, [False, True, False, False]), (2, [False] * 4)):
        assert verdicts(Ranking.LOWEST, values, 4, places, prompts=10_000, tail=0.01)[1].tolist() == outside
    few = values[[0, 2, 3]]
    assert verdicts(Ranking.LOWEST, few, 3, 1, prompts=10_000, tail=0.01)[1].tolist() == [False, False, True]


MEANS = (-0.4, -0.1, 0.2, 0.3)


@pytest.mark.parametrize(
    ("ranking", "places"),
    [(Ranking.LOWEST, (0, 1, 2, 3)), (Ranking.HIGHEST, (3, 2, 1, 0)), (Ranking.STRONGEST, (0, 3, 2, 1))],
)
def test_who_comes_after_whom(ranking: Ranking, places: tuple[int, ...]) -> None:
    """Of scores that are certain to a hundredth: whoever has a later place."""
    values = waves(*MEANS, by=0.005)[0, :, :50]
    assert _worse(ranking, values, values, 100, 0.01).tolist() == [[one < other for other in places] for one in places]


def test_who_is_on_the_side_that_is_kept() -> None:
    """Of scores that are certain to a hundredth; of whom nothing is certain but that he is small, none is told."""
    values = waves(-0.3, 0.0, 0.3, by=0.005)[0, :, :50]
    below, none, above = [True, False, False], [False] * 3, [False, False, True]
    for ranking, kept, refused in (
        (Ranking.LOWEST, below, above),
        (Ranking.HIGHEST, above, below),
        (Ranking.STRONGEST, [True, False, True], none),
    ):
        assert [side.tolist() for side in _sides(ranking, values, 100, 0.01)] == [kept, refused]


@pytest.mark.parametrize("scale", [1e3, 1e-3])
def test_limits_of_all_differences_at_once_are_those_of_each(scale: float) -> None:
    """And sites that are the same but for rounding have no difference at all."""
    chance = np.random.default_rng(0)
    values = scale * chance.standard_exponential((6, 50)) ** 2
    values[5] = values[0]
    low, high = _limits(values, values[:3], prompts=80, tail=1e-3)
    left = sqrt(1 - 50 / 80)
    for rival in range(3):
        for site in range(6):
            differences = values[site] - values[rival]
            ends = mean_limits(differences, 1e-3) if site not in (rival, rival + 5) else (0.0, 0.0)
            mean = differences.mean()
            expected = [mean + left * (float(end) - mean) for end in ends]
            assert [low[rival, site], high[rival, site]] == pytest.approx(expected, rel=1e-9, abs=1e-12)


# --- laws ----------------------------------------------------------------------------------------------------------


def drawn(seed: int, heads: int = 24, prompts: int = 180) -> Array:
    chance = np.random.default_rng(seed)
    return (chance.normal(0, 1, (1, heads, 1)) + chance.normal(0, 1.5, (1, heads, prompts))) * chance.random(
        (1, heads, 1)
    )


@pytest.mark.parametrize("ranking", list(Ranking))
def test_all_prompts_together_keep_what_they_keep(ranking: Ranking) -> None:
    """At a level that is as good as certain."""
    for seed in range(10):
        scores = drawn(seed)
        assert set(raced(scores, 5, ranking, level=1 - 1e-9).kept) == kept_of_all(scores, 5, ranking)


@pytest.mark.parametrize("ranking", list(Ranking))
def test_the_order_of_senders_does_not_matter(ranking: Ranking) -> None:
    for seed in range(10):
        scores = drawn(seed)
        order = np.random.default_rng(seed + 100).permutation(scores.shape[1])
        one, other = raced(scores, 5, ranking), raced(scores[:, order], 5, ranking)
        for mine, theirs in ((one.inside, other.inside), (one.outside, other.outside)):
            assert mine == {head(int(order[site.head])): many for site, many in theirs.items()}


@pytest.mark.parametrize("ranking", list(Ranking))
def test_more_confidence_never_decides_more(ranking: Ranking) -> None:
    for seed in range(10):
        values = drawn(seed)[0, :, :60]
        some, fewer = (verdicts(ranking, values, len(values), 5, 180, tail) for tail in (1e-2, 1e-4))
        assert all((less <= more).all() for less, more in zip(fewer, some, strict=True))
        scores = drawn(seed)
        first = [sum(many == 50 for many in raced(scores, 5, ranking, level).outside.values()) for level in (0.99, 0.8)]
        assert first[0] <= first[1]


def test_the_sign_and_the_scale_do_not_matter() -> None:
    for seed in range(10):
        scores = drawn(seed)
        one = raced(scores, 5)
        for other in (raced(7 * scores, 5), raced(-scores, 5, Ranking.HIGHEST)):
            assert (one.inside, one.outside) == (other.inside, other.outside)


def test_nobody_is_both_kept_and_refused() -> None:
    for seed in range(30):
        for places in (0, 1, 5, 24):
            inside, outside = verdicts(Ranking.LOWEST, drawn(seed)[0, :, :60], 20, places, 180, tail=0.2)
            assert not (inside & outside).any()


# --- screens -------------------------------------------------------------------------------------------------------


def screening(through: tuple[int, ...], checked: tuple[int, ...], heads: int) -> Screening:
    sites = every_sender(Part.OUTPUT, 1, heads)
    estimates = BySite(sites, np.arange(heads * 100.0).reshape(heads, 100))
    return Screening(tuple(map(head, through)), tuple(map(head, checked)), heads - len(through), sites, estimates)


def test_what_a_screen_checked_is_told_and_never_kept() -> None:
    """Head 4 would be kept, head 5 would not, heads 6 and 7 were not run."""
    scores = waves(-2.0, -1.0, -0.5, 0.5, -3.0, -0.2, -9.0, -9.0)
    racing = raced(scores, 2, screening=screening((0, 1, 2, 3), (4, 5), 8))
    assert racing.kept == (head(0), head(1))
    assert racing.would == (head(4),)
    assert racing.outside == {head(2): 50, head(3): 50, head(5): 50}
    assert np.isnan(racing.scores.of([head(6), head(7)])).all()


def test_the_kept_run_on_while_a_checked_one_is_compared_with_them() -> None:
    scores = waves(-2.0, -1.0, -0.5, 0.5, -1.001)
    racing = raced(scores, 2, screening=screening((0, 1, 2, 3), (4,), 5))
    assert racing.inside == {head(0): 50, head(1): 50, head(4): 100}
    assert (~np.isnan(racing.scores.values)).sum(axis=1).tolist() == [100, 100, 50, 50, 100]
    assert racing.would == (head(4),)
    assert pairs_run(racing) == pytest.approx(300 / 400)


def test_who_would_have_been_kept_is_what_all_prompts_say() -> None:
    for seed in range(20):
        scores = drawn(seed, heads=12)
        racing = raced(scores, 3, level=1 - 1e-9, screening=screening(tuple(range(8)), (8, 9, 10), 12))
        assert set(racing.kept) == kept_of_all(scores[:, :8], 3)
        means = scores.mean(axis=2)[0]
        worst = max([means[site.head] for site in racing.kept], default=0.0) if len(racing.kept) == 3 else 0.0
        assert set(racing.would) == {head(one) for one in (8, 9, 10) if means[one] < worst}


def test_agreement_is_over_the_prompts_that_all_were_run_on() -> None:
    scores = waves(-2.0, -1.0, -0.5, 0.5, -1.001)
    known = screening((0, 1, 2, 3), (), 5)
    racing = raced(scores, 2, screening=known)
    shared = BySite(racing.scores.sites, np.nan_to_num(scores[0, :, :50]))
    short = evolve(known, estimates=BySite(known.estimates.sites, known.estimates.values[:, :50]))
    assert agreement(known, racing.scores) == agreement(short, shared)


# --- what is chosen ------------------------------------------------------------------------------------------------


def selected(racing: Racing, keep: int, earlier: tuple[tuple[Site, ...], ...] = ()) -> tuple[Select, Selection]:
    node = Select("logit", keep, 1, len(racing.scores.sites), (Ref("c"),), (), race=Screened("look", 9))
    return node, select_raced(node, racing, earlier)


def test_a_selection_takes_whom_the_race_keeps() -> None:
    """Though one that dropped out scored lower on the prompts that it was run on."""
    scores = waves(-2.0, -1.0, -0.999, 0.5)
    racing = raced(scores, keep=2)
    low = racing.scores.values.copy()
    low[3, :50] = -5
    _, found = selected(evolve(racing, scores=BySite(racing.scores.sites, low)), 2)
    assert found.sites == (head(0), head(1))
    assert found.scores.mapping()[head(3)] == -5
    assert found.known_zero == 0


def test_an_earlier_group_keeps_what_it_has() -> None:
    racing = raced(waves(-2.0, -1.0, -0.5, 0.5), keep=2)
    _, found = selected(racing, 2, ((), (head(0),)))
    assert (found.sites, found.taken) == ((head(1),), ((head(0), 1),))


def test_intervals_and_resamples_are_of_own_prompts() -> None:
    node, found = selected(raced(waves(-2.0, -1.0, -0.999, 0.5), keep=2), 2)
    first, second = (interval.high - interval.low for interval in found.intervals)
    assert first == pytest.approx(2 * 0.1 / sqrt(49) * 2.0096, rel=1e-3), "Student's t with 49 degrees of freedom"
    assert second == pytest.approx(2 * 0.1 / sqrt(99) * 1.9842, rel=1e-3), "and with 99"
    again = kept_again(node, found, found.able)
    assert again[0] == 1.0
    assert 0.4 < again[1] < 0.6, "two of nearly one score"


# --- how often -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", [row for row in ROWS if not row.loose], ids=lambda row: row.name)
def test_the_same_are_kept_with_a_third_of_the_pairs(row: Row) -> None:
    found = tried(row, 4)
    assert found.same == 100
    assert found.pairs <= MOST


def test_too_sure_a_race_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the level of one comparison, as if there were no others: many races go wrong."""
    row = Row("too sure", apart(0.25, normal))
    assert tried(row, 10).same == 100
    monkeypatch.setattr("entrack.analysis.racing.tail_of", lambda node, standing: 0.05)
    assert wrong(row, tried(row, 10))


def test_what_is_seen_on_rare_prompts_alone_may_be_missed() -> None:
    """That is how far it holds: docs/semantics.md says so."""
    assert tried(Row("rare", rare(0.02)), 4).same < LEAST


def test_the_table_is_what_was_printed() -> None:
    text = printed(MARKS)
    found = [line.split(" | ") for line in text.splitlines()[2:]]
    assert [cells[0].removeprefix("| ") for cells in found] == [row.name for row in ROWS]
    for row, cells in zip(ROWS, found, strict=True):
        if not row.loose:
            assert float(cells[1]) >= LEAST, row.name
            assert float(cells[2]) <= MOST, row.name


# --- lengths -------------------------------------------------------------------------------------------------------


def of_length(length: int) -> Prompt:
    return Prompt("", (1,) * length, {}, {}, {})


def test_rounds_are_samples_though_batches_are_of_one_length() -> None:
    """Head 0 matters in short prompts, head 1 in long ones, and more in all. Batches as a discovery without a race has
    them hold short prompts first, since the first prompt is one: head 0 would be certain before a long one was run."""
    chance = np.random.default_rng(5)
    long = chance.random(300) < 0.6
    long[0] = False
    prompts = tuple(of_length(8 if one else 7) for one in long)
    moved = np.stack([np.where(long, 0.0, -2.0), np.where(long, -2.0, 0.0), np.zeros(300)])[None]
    scores = moved + 0.3 * chance.standard_normal((1, 3, 300))
    truth = kept_of_all(scores, 1)
    assert truth == {head(1)}
    rounds = in_rounds(prompts, prompts)
    in_turn = [place for cells in rounds for cell in cells for place in cell]
    assert set(raced(scores[:, :, in_turn], 1).kept) == truth
    by_length = [place for cell in batches(prompts, [prompts]) for place in cell]
    wrongly = raced(scores[:, :, by_length], 1)
    assert wrongly.inside == {head(0): 50}, "what becomes of it where rounds are not samples"


def test_each_round_has_the_next_prompts_as_they_were_drawn() -> None:
    prompts = tuple(of_length(7 + (place % 3 == 1)) for place in range(120))
    others = tuple(of_length(9 + (place % 4 == 3)) for place in range(120))
    rounds = in_rounds(prompts, others)
    assert [sorted(place for cell in cells for place in cell) for cells in rounds] == [
        list(range(50)),
        list(range(50, 100)),
        list(range(100, 120)),
    ]
    for cells in rounds:
        for cell in cells:
            assert len({(len(prompts[place].token_ids), len(others[place].token_ids)) for place in cell}) == 1
    alike = tuple(of_length(7) for _ in range(120))
    assert tuple(cell for cells in in_rounds(alike, alike) for cell in cells) == batches(alike, [alike])
