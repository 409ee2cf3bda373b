"""Selection: the lowest scores below zero, ties by layer and head, and heads that another group has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from attrs import evolve

from entrack.analysis.outcomes import NotANumber, score
from entrack.analysis.selection import Selection, kept_again, merged, select
from entrack.analysis.sender_scores import Patched
from entrack.analysis.significance import significant_again
from entrack.plan.steps import Ref, Select
from entrack.ranking import Ranking
from entrack.sites import Part, Site


def outcome(probabilities: Any) -> dict[str, Any]:
    values = np.asarray(probabilities, dtype=np.float64)[..., None]
    with np.errstate(divide="ignore"):
        return {"top": np.zeros(values.shape[:-1]), "logit": values, "log_probability": np.log(values)}


def selected(
    scores: list[list[float] | None],
    keep: int,
    earlier: tuple[tuple[Site, ...], ...] = (),
    name: str = "relative probability",
) -> Selection:
    """Select from scores (layer, head), of two prompts with clean probabilities 0.5 and 0.25. None: a layer that
    cannot reach."""
    clean = np.array([0.5, 0.25])
    patched = [None if row is None else [outcome((1 + np.array(row))[:, None] * clean)] for row in scores]
    heads = max(len(row) for row in scores if row is not None)
    node = Select(
        name, keep, len(scores), heads, (Ref("clean"),), tuple((Ref(str(layer)),) for layer in range(len(scores)))
    )
    return select(node, [outcome(clean)], {Part.OUTPUT: patched}, earlier)


def matrix(found: Selection) -> Any:
    """The scores of heads (layer, head)."""
    heads = [site for site in found.scores.sites if site.part is Part.OUTPUT]
    return found.scores.of(heads).reshape(heads[-1].layer + 1, -1)


def test_the_lowest_below_zero() -> None:
    found = selected([[-0.25, 0.5, 0.0], [-0.5, -0.125, 0.25]], keep=9)
    assert found.sites == (Site.of_head(1, 0), Site.of_head(0, 0), Site.of_head(1, 1))
    assert matrix(found) == pytest.approx(np.array([[-0.25, 0.5, 0.0], [-0.5, -0.125, 0.25]]))
    assert [(i.low, i.high) for i in found.intervals] == [
        pytest.approx((score, score)) for score in (-0.5, -0.25, -0.125)
    ]


def test_ties_break_by_layer_and_head() -> None:
    assert selected([[-0.25, -0.25], [-0.25, -0.5]], keep=3).sites == (
        Site.of_head(1, 1),
        Site.of_head(0, 0),
        Site.of_head(0, 1),
    )


def test_a_layer_that_cannot_reach() -> None:
    found = selected([[-0.25, 0.25], None, None], keep=6)
    assert found.sites == (Site.of_head(0, 0),)
    assert found.known_zero == 4
    assert matrix(found)[1:].tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert not np.signbit(matrix(found)[1:]).any()


def test_an_earlier_group_keeps_its_heads() -> None:
    found = selected([[-0.5, -0.25, -0.125]], keep=2, earlier=((), (Site.of_head(0, 0), Site.of_head(0, 2))))
    assert found.sites == (Site.of_head(0, 1),)
    assert found.taken == ((Site.of_head(0, 0), 1),)


def test_other_scores() -> None:
    assert matrix(selected([[-0.5, 0.5]], 2, name="probability")) == pytest.approx(np.array([[-0.1875, 0.1875]]))
    before, after = ({"logit": np.array([[4.0, 1.0]])}, {"logit": np.array([[1.0, 1.0]])})
    assert score("logit difference", after, before).tolist() == [-3.0]
    assert score("relative logit difference", after, before).tolist() == [-1.0]


def test_relative_to_nothing_is_said() -> None:
    node = Select("relative logit", 1, 1, 1, (Ref("clean"),), ((Ref("0"),),))
    patched: dict[Part, Patched] = {Part.OUTPUT: [[outcome([[0.5]])]]}
    with pytest.raises(NotANumber, match="the relative logit of a head is not a number: it is relative to a clean run"):
        select(node, [outcome([0.0])], patched, ())
    with pytest.raises(NotANumber, match="the relative logit of a site is not a number"):
        select(node, [outcome([0.0])], {**patched, Part.MLP: [[outcome([[0.5]])]]}, ())


def test_batches_are_put_in_order() -> None:
    first, second = outcome([0.1, 0.3]), outcome([0.2])
    assert merged([first, second], [(0, 2), (1,)])["logit"][:, 0].tolist() == [0.1, 0.2, 0.3]


# --- rankings, and sites that are no heads -------------------------------------------------------------------------


def of_both(heads: list[list[float]], mlps: Sequence[float | None], keep: int, ranking: Ranking) -> Selection:
    """Select from scores of heads (layer, head) and of the MLP of each layer; None: it cannot reach."""
    clean = np.array([0.5, 0.25])
    patched: dict[Part, Patched] = {
        Part.OUTPUT: [[outcome((1 + np.array(row))[:, None] * clean)] for row in heads],
        Part.MLP: [None if one is None else [outcome((1 + np.array([one]))[:, None] * clean)] for one in mlps],
    }
    refs = tuple((Ref(str(layer)),) for layer in range(len(heads)))
    node = Select(
        "relative probability", keep, len(heads), len(heads[0]), (Ref("clean"),), refs, mlps=refs, ranking=ranking
    )
    return select(node, [outcome(clean)], patched, ())


HEADS = [[-0.25, 0.5], [0.125, -0.5]]
MLPS = [-0.375, 0.625]


@pytest.mark.parametrize(
    ("ranking", "kept"),
    [
        (Ranking.LOWEST, ("1.1", "mlp.0", "0.0")),
        (Ranking.HIGHEST, ("mlp.1", "0.1", "1.0")),
        (Ranking.STRONGEST, ("mlp.1", "0.1", "1.1", "mlp.0", "0.0", "1.0")),
    ],
)
def test_heads_and_mlps_in_one_order(ranking: Ranking, kept: tuple[str, ...]) -> None:
    for keep in (2, 9):
        assert tuple(map(str, of_both(HEADS, MLPS, keep, ranking).sites)) == kept[:keep]


def test_of_equal_scores_the_lower_layer_and_heads_come_first() -> None:
    found = of_both([[-0.5, -0.5], [-0.5, 0.5]], [-0.5, -0.5], 9, Ranking.LOWEST)
    assert tuple(map(str, found.sites)) == ("0.0", "0.1", "mlp.0", "1.0", "mlp.1")


def test_nothing_is_kept_that_scores_exactly_zero() -> None:
    found = of_both([[0.0, 0.5], [0.0, -0.5]], [None, 0.0], 9, Ranking.STRONGEST)
    assert tuple(map(str, found.sites)) == ("0.1", "1.1")
    assert found.known_zero == 1
    assert found.scores.mapping()[Site(0, Part.MLP)] == 0.0


# --- kept again ----------------------------------------------------------------------------------------------------


def chosen(
    scores: list[list[float]], keep: int, ranking: Ranking = Ranking.LOWEST, rate: float | None = None
) -> tuple[Select, Selection]:
    """Of one layer, with these differences of logits (head, prompt)."""
    rows, prompts = np.array(scores), len(scores[0])
    clean = {"top": np.zeros(prompts), "logit": np.zeros((prompts, 1)), "log_probability": np.zeros((prompts, 1))}
    patched = {**clean, "logit": rows[..., None], "log_probability": np.zeros((*rows.shape, 1))}
    node = Select("logit", keep, 1, len(scores), (Ref("clean"),), ((Ref("0"),),), ranking=ranking, rate=rate)
    return node, select(node, [clean], {Part.OUTPUT: [[patched]]}, ())


def test_what_is_clear_is_always_kept_again() -> None:
    node, found = chosen([[-9.0, -8.0, -7.0], [-1.0, -2.0, -1.0], [5.0, 4.0, 6.0]], keep=2)
    assert kept_again(node, found, found.able) == (1.0, 1.0)
    node, found = chosen([[-9.0, -8.0, -7.0], [-1.0, -2.0, -1.0], [5.0, 4.0, 6.0]], 2, Ranking.STRONGEST)
    assert tuple(map(str, found.sites)) == ("0.0", "0.2")
    assert kept_again(node, found, found.able) == (1.0, 1.0)
    node, found = chosen([[-9.0, -8.0, -7.0], [1.0, 2.0, 1.0], [5.0, 4.0, 6.0]], 1, Ranking.HIGHEST)
    assert kept_again(node, found, found.able) == (1.0,)


def test_a_head_that_is_one_prompt_is_kept_as_often_as_that_prompt_is_drawn() -> None:
    """Of four prompts one has a score below zero: it is in 1 - (3/4)^4 of resamples."""
    node, found = chosen([[-1.0, 0.0, 0.0, 0.0]], keep=1)
    assert kept_again(node, found, found.able)[0] == pytest.approx(1 - 0.75**4, abs=0.03)


def test_of_two_that_are_alike_each_is_kept_half_the_time() -> None:
    node, found = chosen([[-1.0, 0.0] * 10, [0.0, -1.0] * 10], keep=1)
    assert str(found.sites[0]) == "0.0"
    assert 0.5 < kept_again(node, found, found.able)[0] < 0.65, "ties are the first's"
    assert found.able == tuple(Site.of_head(0, head) for head in range(2))


def test_what_is_significant_is_kept_again_where_its_evidence_suffices() -> None:
    """Were the best four kept, the second would be one of them in nearly all resamples."""
    steady, doubtful = [-1.0, -1.1, -0.9, -1.0] * 4, [-0.2, 0.1, -0.2, -0.1] * 4
    node, found = chosen([steady, doubtful], keep=2, rate=0.05)
    assert tuple(map(str, found.sites)) == ("0.0", "0.1")
    significant = kept_again(node, found, found.able)
    assert found.significance is not None
    assert significant == significant_again(found.significance, node.ranking, found.outcomes, found.sites)
    assert significant[0] == 1.0 and significant[1] < 0.8
    assert kept_again(evolve(node, rate=None), found, found.able)[1] > 0.9
