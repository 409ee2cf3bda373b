"""Claims: each relation at its boundary, numbers that do not exist, and how the sides are made."""

from __future__ import annotations

import json
from math import isnan

import pytest
from findings_played import played

from entrack.report.document import document
from entrack.results import Claim

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


@pytest.mark.parametrize(
    ("summary", "cell"),
    [("smallest(m)", "m[zero h]"), ("largest(m)", "m[nothing]"), ("largest(m[zero g])", "m[zero g]")],
)
def test_a_summary_varies_with_its_prompts_as_the_cell_does(summary: str, cell: str) -> None:
    """In `m` the order of the cells is the same whatever prompts are taken."""
    assert claim(f"{summary} >= 0").interval == claim(f"{cell} >= 0").interval
    assert claim(f"{summary} / m[nothing] >= 0").interval == claim(f"{cell} / m[nothing] >= 0").interval


def test_a_mean_of_cells_varies_as_the_mean_of_them() -> None:
    of_all, by_hand = claim("mean(m) >= 0"), claim("(m[nothing] + m[zero g] + m[zero h]) / 3 >= 0")
    assert of_all.interval == by_hand.interval
    assert of_all.interval.low < of_all.value < of_all.interval.high


def test_the_largest_of_two_cells_is_taken_of_each_resample() -> None:
    text = f'{MEASURE}claim "c" largest(m[zero h]) - smallest(m) == 0\nclaim "d" largest(m) >= 0\n'
    halves = {"nothing": range(10), "zero g": range(10, 20), "zero h": range(0)}
    same, either = played(text, lambda what, place: place in halves[what.split(" with ")[1]]).claims
    assert (same.interval.low, same.interval.high) == (0, 0)
    assert either.value == 0.5 <= either.interval.low  # one of the halves is always drawn as often as the other
