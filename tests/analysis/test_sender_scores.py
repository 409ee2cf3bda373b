"""Scores of senders from the outcomes of their path patches, and what is over each sender's own prompts, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from entrack.analysis.intervals import mean_limits
from entrack.analysis.outcomes import BySite, NotANumber
from entrack.analysis.sender_scores import first, own_limits, own_means, own_prompts, scores_of
from entrack.plan.steps import Ref, Select
from entrack.ranking import Ranking
from entrack.sites import Part, Site

SITES = tuple(Site.of_head(layer, head) for layer in range(2) for head in range(2))
NODE = Select("logit", 1, 2, 2, (Ref("a"), Ref("b")), ())
GAP = np.nan


def outcome(logits: Any) -> dict[str, Any]:
    """Of one word, (..., prompt)."""
    values = np.array(logits, dtype=np.float64)
    return {"top": np.zeros(values.shape), "logit": values[..., None]}


CLEAN = [outcome([1, 2]), outcome([3])]
"""Three prompts in two batches."""


def test_those_that_were_run_have_scores() -> None:
    """The second cannot reach a receiver, the third was not run, though it can."""
    patched = {Part.OUTPUT: [[outcome([[2, 4]]), outcome([[6]])], [outcome([[0, 0]]), outcome([[0]])]]}
    run, reaching = {SITES[0], SITES[3]}, {SITES[0], SITES[2], SITES[3]}
    found = scores_of(NODE, CLEAN, patched, run, reaching)
    assert found.sites == SITES
    np.testing.assert_equal(found.values, [[1, 2, 3], [0, 0, 0], [GAP] * 3, [-1, -2, -3]])


def test_of_a_layer_of_which_nothing_was_run() -> None:
    found = scores_of(NODE, CLEAN, {Part.OUTPUT: [None, [outcome([[2, 4], [1, 2]]), outcome([[6], [3]])]]})
    assert found.values.tolist() == [[0, 0, 0], [0, 0, 0], [1, 2, 3], [0, 0, 0]]


def test_heads_and_mlps_are_told_by_their_own_outcomes() -> None:
    heads = [[outcome([[2, 3], [3, 4]]), outcome([[4], [5]])], None]
    found = scores_of(NODE, CLEAN, {Part.OUTPUT: heads, Part.MLP: [None, [outcome([[0, 0]]), outcome([[0]])]]})
    assert found.sites == (*SITES, Site(0, Part.MLP), Site(1, Part.MLP))
    assert found.values.tolist() == [[1] * 3, [2] * 3, [0] * 3, [0] * 3, [0] * 3, [-1, -2, -3]]


def test_a_site_that_was_not_run_is_no_reason_to_refuse() -> None:
    wrong, right = ({Part.OUTPUT: [[outcome([[1, 1], [2, one]]), outcome([[1], [6]])], None]} for one in (np.inf, 4))
    with pytest.raises(NotANumber, match="the logit of a head is not a number"):
        scores_of(NODE, CLEAN, wrong, {*SITES[:2]}, {*SITES})
    found = scores_of(NODE, CLEAN, right, {*SITES[:2]}, {*SITES})
    np.testing.assert_equal(found.values, [[0, -1, -2], [1, 2, 3], [GAP] * 3, [GAP] * 3])


def test_the_first_are_those_that_score() -> None:
    means = BySite(SITES, np.array([0.5, -0.5, 0.0, -0.5]))
    assert first(Ranking.LOWEST, means, SITES) == [SITES[1], SITES[3]]
    assert first(Ranking.STRONGEST, means, SITES[::-1]) == [SITES[0], SITES[1], SITES[3]]
    assert first(Ranking.HIGHEST, means, SITES[1:]) == []


OWN = np.array([[1.0, 4.0, 4.0], [5.0, GAP, GAP], [GAP, GAP, GAP], [2.0, 3.0, GAP]])
"""Scores of three prompts, of one, of none and of two."""


def test_means_are_over_own_prompts() -> None:
    assert own_prompts(OWN).tolist() == [3, 1, 0, 2]
    np.testing.assert_equal(own_means(BySite(SITES, OWN)).values, [3, 5, GAP, 2.5])


def test_limits_are_over_own_prompts() -> None:
    low, high = own_limits(OWN)
    for row, many in ((0, 3), (1, 1), (3, 2)):
        ends = mean_limits(OWN[row : row + 1, :many])
        assert [low[row], high[row]] == [end[0] for end in ends]
    assert np.isnan([low[2], high[2]]).all()
