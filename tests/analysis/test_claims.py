"""Claims: each relation at its boundary, numbers that do not exist, and how the sides are made."""

from __future__ import annotations

import json
from math import isnan

import pytest
from findings_played import played

from entrack.analysis.intervals import share_limits
from entrack.report.document import document
from entrack.results import Claim, Interval

MEASURE = "measure m = accuracy(base with [nothing, zero g, zero h]) on 20 t\n"
RIGHT = {"nothing": 10, "zero g": 8, "zero h": 0}
"""Of 20: accuracies of 0.5, 0.4 and 0."""


def claim(text: str) -> Claim:
    results = played(f'{MEASURE}claim "c" {text}\n', lambda what, place: place < RIGHT[what.split(" with ")[1]])
    return results.claims[0]


@pytest.mark.parametrize(
    "text",
    [
        "m[nothing] >= 0.5",
        "m[nothing] <= 0.5",
        "m[nothing] == 0.5",
        "m[nothing] > 0.49",
        "m[nothing] < 0.51",
        "m[nothing] within 0.1 of 0.6",
        "m[nothing] within 0.1 of 0.4",
        "m[nothing] within 0 of 0.5",
        "0.8 + 0 * m[nothing] within 0.1 of 0.7",
        "m[nothing] - m[zero g] == 0.1",
        "m[nothing] + m[zero g] >= 0.9",
        "m[zero g] / m[nothing] == 0.8",
        "m[zero g] * 3 <= 1.2",
        "-m[nothing] <= -0.5",
        "m[zero h] == 0",
        "size(g) == 1",
        "m[nothing] > m[zero g]",
        "m[nothing] within m[zero g] of 0.9",
        "0.1 * 3 + m[zero h] <= 0.3",
    ],
)
def test_holds(text: str) -> None:
    assert claim(text).passed


@pytest.mark.parametrize(
    "text",
    [
        "m[nothing] >= 0.51",
        "m[nothing] <= 0.49",
        "m[nothing] == 0.501",
        "m[nothing] > 0.5",
        "m[nothing] < 0.5",
        "m[nothing] within 0.09 of 0.6",
        "m[nothing] within 0.09 of 0.4",
        "m[nothing] within 0.1 of 0.601",
        "m[nothing] - m[zero g] > 0.1",
        "m[nothing] - m[zero g] < 0.1",
        "size(g) > 1",
        "m[zero g] > m[nothing]",
    ],
)
def test_fails(text: str) -> None:
    found = claim(text)
    assert not found.passed
    assert not isnan(found.value)


@pytest.mark.parametrize("relation", [">= 0", "<= 0", "> 0", "< 0", "== 0", "within 9 of 0", ">= -9", "<= 9"])
@pytest.mark.parametrize(
    "left",
    [
        "m[nothing] / m[zero h]",
        "1 / (m[nothing] / m[zero h])",
        "0 * (m[nothing] / m[zero h])",
        "m[zero h] / m[zero h]",
        "1 - 1 / m[zero h]",
    ],
)
def test_a_number_that_is_none_fails_every_claim(left: str, relation: str) -> None:
    results = played(
        f'{MEASURE}claim "c" {left} {relation}\n', lambda what, place: place < RIGHT[what.split(" with ")[1]]
    )
    found = results.claims[0]
    assert not found.passed
    assert isnan(found.value)
    assert isnan(found.interval.low)
    written = json.loads(document(results))["claims"][0]
    assert written["value"] is None
    assert written["interval"] == [None, None]
    assert not results.passed


@pytest.mark.parametrize(
    "text", ["m[nothing] >= 1 / m[zero h]", "m[nothing] within 1 / m[zero h] of 0.5", "m[nothing] <= 1 / m[zero h]"]
)
def test_a_bound_that_is_none_fails(text: str) -> None:
    assert not claim(text).passed


def test_what_a_claim_says() -> None:
    found = claim("m[zero g] / m[nothing] within 0.1 of 0.75 published 0.8")
    assert (found.text, found.expression, found.relation) == ("c", "m[zero g] / m[nothing]", "within")
    assert (found.value, found.bound, found.tolerance, found.published) == (0.8, 0.75, 0.1, 0.8)
    assert found.n == 20
    assert found.interval.low < 0.8 < found.interval.high + 1e-9


def test_the_smallest_has_the_interval_of_the_one_cell_that_it_can_be() -> None:
    """`zero h` is below the others whatever the prompts."""
    assert claim("smallest(m) >= 0").interval == claim("m[zero h] >= 0").interval == share_limits(0.0, 20)
    assert claim("largest(m[zero g]) >= 0").interval == claim("m[zero g] >= 0").interval


def test_of_two_that_may_be_the_largest_both_are_held_at_once() -> None:
    """0.5 and 0.4 of 20 may each be: below they are surer, so that both may fail no oftener than one."""
    found = claim("largest(m) >= 0").interval
    assert found.low == share_limits(0.5, 20, 0.0125).low
    assert found.high == share_limits(0.5, 20).high


def test_a_mean_of_cells_varies_as_the_mean_of_them() -> None:
    of_all, by_hand = claim("mean(m) >= 0"), claim("(m[nothing] + m[zero g] + m[zero h]) / 3 >= 0")
    assert of_all.interval.low == pytest.approx(by_hand.interval.low)
    assert of_all.interval.high == pytest.approx(by_hand.interval.high)
    assert of_all.interval.low < of_all.value < of_all.interval.high


@pytest.mark.parametrize("left", ["m[zero g] - m[zero g]", "2 * m[nothing] - m[nothing] - m[nothing]", "0 * m[zero g]"])
def test_what_does_not_depend_on_prompts_is_sure(left: str) -> None:
    assert claim(f"{left} == 0").interval == Interval(0, 0)


def test_a_claim_of_no_prompts_has_none() -> None:
    assert claim("size(g) + 1 == 2").n == 0
    assert claim("m[nothing] + 1 >= 1").n == 20


def test_a_number_over_itself_is_one() -> None:
    found = claim("m[zero g] / m[zero g] == 1").interval
    assert (found.low, found.high) == pytest.approx((1, 1))


def test_constants_shift_scale_and_turn_round() -> None:
    low, high = share_limits(0.4, 20).low, share_limits(0.4, 20).high
    for left, expected in (
        ("m[zero g] + 3", (low + 3, high + 3)),
        ("3 - m[zero g]", (3 - high, 3 - low)),
        ("m[zero g] / 4", (low / 4, high / 4)),
        ("-2 * m[zero g]", (-2 * high, -2 * low)),
        ("1 / m[zero g]", (1 / high, 1 / low)),
    ):
        found = claim(f"{left} >= 0").interval
        assert (found.low, found.high) == pytest.approx(expected, rel=1e-6), left


def test_an_overlap_is_sure() -> None:
    found = played(
        f"{MEASURE}circuit one in base {{ group a at last = 0.0 0.1 }}\n"
        "circuit two in base { group a at last = 0.1 0.2 0.3 }\n"
        'measure shared = overlap(one, two)\nclaim "c" shared[a, precision] - m[zero h] >= 0.5\n',
        lambda what, place: place < RIGHT.get(what.split(" with ")[1], 0),
    ).claims[0]
    assert found.passed and found.value == 0.5
    assert (found.interval.low, found.interval.high) == pytest.approx((0.5 - share_limits(0, 20).high, 0.5))


def test_the_smallest_of_what_is_no_number_is_none() -> None:
    """A recovery between runs that are right alike does not exist."""
    text = (
        "alternate other of t { fresh object }\n"
        "measure r = recovery of accuracy against other (base with [nothing, zero g]) on 20 t\n"
        'claim "c" smallest(r) >= 0\nclaim "d" largest(r) + 1 >= 0\n'
    )
    for found in played(text, lambda what, place: True).claims:
        assert not found.passed and isnan(found.value) and isnan(found.interval.low)
