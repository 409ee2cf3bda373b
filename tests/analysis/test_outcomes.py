"""Metrics and scores of outcomes: each by hand."""

from __future__ import annotations

from math import exp, log

import numpy as np
import pytest

from entrack.analysis.outcomes import (
    ESTIMATES,
    METRICS,
    BySite,
    accuracy,
    estimated,
    log_probability,
    logit,
    probability,
    rank,
    score,
    words_of,
)
from entrack.sites import Site

SIZES = [[2, 1], [1, 2]]
"""Of two prompts: which words the three columns are of."""
OUTCOME = {
    "log_probability": np.log(np.array([[0.5, 0.25, 0.125], [0.25, 0.5, 0.0625]])),
    "logit": np.array([[4.0, 2.0, 1.0], [3.0, 8.0, 4.0]]),
    "rank": np.array([[3, 2, 9], [4, 1, 7]]),
    "entropy": np.array([0.5, 0.75], np.float32),
    "kl_from_clean": np.array([0.25, 0.0], np.float32),
}
WORDS = words_of(SIZES, 3)


def test_which_columns_are_of_a_word() -> None:
    assert WORDS.tolist() == [
        [[True, True, False], [True, False, False]],
        [[False, False, True], [False, True, True]],
    ]
    assert words_of((), 2).tolist() == [[[True, False]], [[False, True]]]


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("probability", [0.75, 0.25]),
        ("log probability", [log(0.75), log(0.25)]),
        ("probability difference", [0.625, -0.3125]),
        ("logit", [3.0, 3.0]),
        ("logit difference", [2.0, -3.0]),
        ("rank", [2.0, 4.0]),
        ("entropy", [0.5, 0.75]),
        ("KL from clean", [0.25, 0.0]),
    ],
)
def test_metrics(metric: str, expected: list[float]) -> None:
    assert METRICS[metric](OUTCOME, WORDS) == pytest.approx(expected)


@pytest.mark.parametrize("metric", ["probability", "log probability", "logit", "logit difference", "rank"])
def test_axes_before_are_kept(metric: str) -> None:
    """Of five senders, each with the same outcomes but for a shift of its own."""
    shifts = np.arange(5.0)[:, None, None]
    found = METRICS[metric]({name: values + shifts for name, values in OUTCOME.items() if values.ndim == 2}, WORDS)
    assert found.shape == (5, 2)
    for shift, row in enumerate(found):
        assert row == pytest.approx(METRICS[metric]({name: each + shift for name, each in OUTCOME.items()}, WORDS))


def test_of_the_second_word() -> None:
    assert probability(OUTCOME, WORDS, 1) == pytest.approx([0.125, 0.5625])
    assert logit(OUTCOME, WORDS, 1) == pytest.approx([1.0, 6.0])


def test_a_log_probability_of_what_is_nearly_impossible_is_told() -> None:
    outcome = {"log_probability": np.array([[-2000.0, -2000.0], [-1500.0, 0.0]])}
    assert log_probability(outcome, words_of([[2], [1]], 2)) == pytest.approx([-2000 + log(2), -1500.0])


def test_accuracies() -> None:
    asked = [[[7, 8], [1]], [[9], [2]]]
    assert accuracy({"top": np.array([8, 2])}, asked, 1).tolist() == [1.0, 0.0]
    assert accuracy({"top": np.array([1, 9])}, asked, 1).tolist() == [0.0, 1.0]
    outcome = {"rank": np.array([[3, 2, 9], [4, 1, 7]])}
    assert accuracy(outcome, asked, 2).tolist() == [1.0, 0.0]
    assert accuracy(outcome, asked, 4).tolist() == [1.0, 1.0]
    assert accuracy(outcome, asked, 3).tolist() == [1.0, 0.0]


def test_the_rank_of_a_word_is_that_of_its_best_token() -> None:
    assert rank({"rank": np.array([[5, 3, 1]])}, words_of([[2, 1]], 3)).tolist() == [3.0]


CHANGE = {
    "log_probability": np.array([[0.5, -1.0, 2.0], [1.0, 0.5, -4.0]]),
    "logit": np.array([[1.0, 3.0, 5.0], [2.0, 4.0, 8.0]]),
}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("probability", [0.0, 0.25]),  # 0.5 · 0.5 - 1 · 0.25; 1 · 0.25
        ("log probability", [0.0, 1.0]),
        ("probability difference", [-0.25, 0.25]),  # less 2 · 0.125; less 0.5 · 0.5 - 4 · 0.0625
        ("logit", [2.0, 2.0]),
        ("logit difference", [-3.0, -4.0]),
        ("relative probability", [0.0, 1.0]),
        ("relative logit", [2 / 3, 2 / 3]),
    ],
)
def test_estimates_are_of_first_order(name: str, expected: list[float]) -> None:
    assert estimated(name, CHANGE, OUTCOME, SIZES) == pytest.approx(expected)


def test_an_estimate_is_where_the_metric_goes() -> None:
    """A millionth of the change moves the metric by a millionth of the estimate."""
    small = 1e-6
    moved = {name: OUTCOME[name] + small * CHANGE[name] for name in CHANGE}
    for name in ESTIMATES:
        difference = (METRICS[name](moved, WORDS) - METRICS[name](OUTCOME, WORDS)) / small
        assert estimated(name, CHANGE, OUTCOME, SIZES) == pytest.approx(difference, abs=1e-4), name


def test_scores_are_patched_less_clean() -> None:
    patched = {"log_probability": OUTCOME["log_probability"][None] + log(0.5), "logit": OUTCOME["logit"][None] - 1}
    assert score("probability", patched, OUTCOME, SIZES) == pytest.approx(np.array([[-0.375, -0.125]]))
    assert score("relative probability", patched, OUTCOME, SIZES) == pytest.approx(np.array([[-0.5, -0.5]]))
    assert score("logit", patched, OUTCOME, SIZES) == pytest.approx(np.array([[-1.0, -1.0]]))
    assert exp(score("log probability", patched, OUTCOME, SIZES)[0, 0]) == pytest.approx(0.5)


def test_values_by_site() -> None:
    one, two, three = (Site.of_head(0, head) for head in range(3))
    joined = BySite.joined(
        [BySite((two,), np.array([[1.0, 3.0]])), BySite((one, three), np.array([[4.0, 6.0], [0.0, 1.0]]))]
    )
    assert joined.sites == (two, one, three)
    assert joined.of([three, two]).tolist() == [[0.0, 1.0], [1.0, 3.0]]
    assert joined.mean().mapping() == {two: 2.0, one: 5.0, three: 0.5}
