"""Certificates: what each form of a claim must hold of, on fresh prompts whose outcomes are said beforehand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import inf, nan
from typing import Any

import numpy as np
import pytest
from attrs import evolve
from findings_played import HEAD, Played, played

from entrack.analysis.certificates import certificate_of, finding, findings, verdict_of, wanted
from entrack.analysis.confidence_sequences import Bounded, Observed, decided, fixed_sample, limits
from entrack.analysis.outcomes import NotANumber
from entrack.api import Spec, loads
from entrack.check.resolved import CellOf, Certificate, Linear, Part
from entrack.report.claims_table import VERDICTS, claims_grid
from entrack.report.document import document
from entrack.results import Claim, Verdict
from entrack.results.as_json import claim_json
from entrack.source import Source

MEASURE = "measure m = accuracy(base with [nothing, zero g, zero h]) on 20 t\n"
FRESH = {"nothing": 45, "zero g": 40, "zero h": 0}
"""Of the first fifty fresh prompts so many are right, the first of them; of the measure's own, none."""


def claim(text: str, fresh: Mapping[str, int] = FRESH) -> Claim:
    def right(what: str, place: int) -> bool:
        return what.startswith("claim") and place < fresh[what.split(" with ")[1]]

    return played(f'{MEASURE}claim "c" {text}\n', right).claims[0]


def outcomes(many: int) -> Observed:
    return Observed(Bounded(np.array([1.0] * many + [0.0] * (50 - many)), 0.0, 1.0))


@pytest.mark.parametrize(
    "text",
    [
        "m[nothing] >= 0.6",
        "m[nothing] > 0.6",
        "m[zero h] <= 0.3",
        "m[zero h] < 0.3",
        "m[nothing] - m[zero h] >= 0.3",
        "m[nothing] >= 0.3 + m[zero h]",
        "0.3 + m[zero h] <= m[nothing]",
        "m[zero g] / m[nothing] >= 0.6",
        "2 * m[zero g] / m[nothing] >= 1.2",
        "m[zero h] / m[nothing] <= 0.4",
        "m[zero g] / m[nothing] within 0.35 of 0.9",
        "m[nothing] within 0.35 of 0.8",
        "m[nothing] within 0.4 of m[zero g]",
        "mean(m) >= 0.3",
        "smallest(m[zero g]) >= 0.5",
        "-m[nothing] <= -0.6",
        "m[nothing] / 2 >= 0.3",
        "m[nothing] - smallest(m[zero h]) >= 0.3",
    ],
)
def test_certified(text: str) -> None:
    found = claim(f"{text} certified at 95 %")
    assert found.certificate is not None and found.certificate.verdict is Verdict.CERTIFIED
    assert found.passed and not found.undecided
    assert 0 < found.certificate.prompts <= found.certificate.taken == 50


@pytest.mark.parametrize(
    "text",
    [
        "m[zero h] >= 0.3",
        "m[nothing] <= 0.6",
        "m[zero h] - m[nothing] >= 0",
        "m[zero h] / m[nothing] >= 0.5",
        "m[zero g] / m[nothing] <= 0.5",
        "m[zero h] within 0.2 of 0.6",
        "m[nothing] within 0.1 of 0.4",
        "smallest(m) >= 0.3",
        "largest(m) <= 0.5",
        "mean(m) >= 0.9",
    ],
)
def test_refuted(text: str) -> None:
    found = claim(f"{text} certified at 95 %")
    assert found.certificate is not None and found.certificate.verdict is Verdict.REFUTED
    assert not found.passed and not found.undecided


def test_undecided() -> None:
    found = claim("m[nothing] >= 0.95 certified at 95 % up to 50 prompts")
    assert found.certificate is not None and found.undecided and not found.passed
    assert (found.certificate.prompts, found.certificate.taken, found.certificate.most) == (50, 50, 50)
    assert found.certificate.interval.low < 0.95 < found.certificate.interval.high


def test_the_fresh_prompts_decide_and_the_measured_value_stands_beside_them() -> None:
    found = claim("m[nothing] >= 0.6 certified at 95 %")
    assert found.value == 0.0 and found.n == 20 and found.passed
    assert not claim("m[nothing] >= 0.6").passed


@pytest.mark.parametrize(("text", "above"), [("m[nothing] >= 0.6", True), ("m[nothing] <= 0.6", False)])
def test_a_certificate_is_what_its_values_say(text: str, above: bool) -> None:
    certificate = claim(f"{text} certified at 95 %").certificate
    assert certificate is not None
    expected = limits(outcomes(45), 0.05, 0.05)
    assert (certificate.interval.low, certificate.interval.high) == pytest.approx((expected.low, expected.high))
    claimed = outcomes(45).above(0.6)
    assert certificate.prompts == decided(claimed, 0.05)
    assert certificate.fixed_sample == fixed_sample(claimed, 0.05)
    assert (certificate.level, certificate.of, certificate.most) == (0.95, "m[nothing]", 1000)
    assert (certificate.verdict is Verdict.CERTIFIED) == above


def test_a_difference_is_paired() -> None:
    """Of the first 45 prompts 40 are right in both, and 5 in one."""
    certificate = claim("m[zero g] >= 0.5 * m[nothing] certified at 95 %").certificate
    assert certificate is not None
    pairs = Bounded(np.array([0.5] * 40 + [-0.5] * 5 + [0.0] * 5), -0.5, 1.0)
    expected = limits(Observed(pairs), 0.05, 0.05)
    assert certificate.interval.low == pytest.approx(expected.low)
    assert certificate.interval.high == pytest.approx(expected.high)
    assert certificate.of == "m[zero g] - 0.5 * m[nothing]"


def test_one_level_for_all_and_a_share_of_the_risk_for_one_that_fails() -> None:
    certificate = claim("smallest(m) >= 0.3 certified at 95 %").certificate
    assert certificate is not None and certificate.verdict is Verdict.REFUTED
    assert certificate.prompts == decided(outcomes(0).below(0.3), 0.05 / 3)
    assert certificate.interval.low == pytest.approx(limits(outcomes(0), 0.05, 0.05).low)
    assert certificate.interval.high == pytest.approx(limits(outcomes(0), 0.05, 0.05 / 3).high)
    both = claim("smallest(m) >= 0.3 certified at 95 %", {"nothing": 45, "zero g": 40, "zero h": 35}).certificate
    assert both is not None and both.verdict is Verdict.CERTIFIED
    each = [decided(outcomes(many).above(0.3), 0.05) for many in (45, 40, 35)]
    assert both.prompts == max(many for many in each if many is not None)


def test_the_fixed_sample_of_several_parts() -> None:
    """All parts must hold, so it is the largest; one that fails is enough, so it is the smallest of those."""
    held = claim("smallest(m) >= 0.3 certified at 95 %", {"nothing": 45, "zero g": 40, "zero h": 35}).certificate
    assert held is not None and held.verdict is Verdict.CERTIFIED
    assert held.fixed_sample == max(fixed_sample(outcomes(many).above(0.3), 0.05) or 0 for many in (45, 40, 35))
    failed = claim("smallest(m) >= 0.5 certified at 95 %", {"nothing": 45, "zero g": 5, "zero h": 0}).certificate
    assert failed is not None and failed.verdict is Verdict.REFUTED
    none, few = (fixed_sample(outcomes(many).below(0.5), 0.05 / 3) for many in (0, 5))
    assert none is not None and few is not None and failed.fixed_sample == none < few
    ends = [decided(outcomes(many).below(0.5), 0.05 / 3) for many in (0, 5)]
    assert ends[0] is not None and ends[1] is not None and failed.prompts == ends[0] < ends[1]


def test_no_fixed_sample_shows_what_does_not_look_so() -> None:
    """Of two parts one looks as claimed and one does not: 40 of 50 are less than 0.85 by too little to be certain."""
    certificate = claim(
        "smallest(m) >= 0.85 certified at 99.9 % up to 50 prompts", {"nothing": 50, "zero g": 40, "zero h": 50}
    ).certificate
    assert certificate is not None and certificate.verdict is Verdict.UNDECIDED
    assert fixed_sample(outcomes(50).above(0.85), 0.001) and fixed_sample(outcomes(40).above(0.85), 0.001) is None
    assert certificate.fixed_sample is None and certificate.prompts == 50


def test_the_largest_is_below() -> None:
    certificate = claim("largest(m) <= 0.99 certified at 80 %", {"nothing": 30, "zero g": 20, "zero h": 10}).certificate
    assert certificate is not None and certificate.verdict is Verdict.CERTIFIED
    each = [limits(outcomes(many), 0.2 / 3, 0.2) for many in (30, 20, 10)]
    assert certificate.interval.low == pytest.approx(max(one.low for one in each))
    assert certificate.interval.high == pytest.approx(max(one.high for one in each))


def test_both_sides_of_within() -> None:
    certificate = claim("m[nothing] within 0.35 of 0.8 certified at 95 %").certificate
    assert certificate is not None
    expected = limits(outcomes(45), 0.05, 0.05)
    assert (certificate.interval.low, certificate.interval.high) == pytest.approx((expected.low, expected.high))
    sides = outcomes(45).above(0.8 - 0.35), outcomes(45).below(0.8 + 0.35)
    assert certificate.prompts == max(decided(one, 0.05) or 0 for one in sides)


# --- parts -------------------------------------------------------------------------------------------------------

CELL = CellOf("m", ("base", "nothing", "t"))


def spec(parts: int = 1) -> Certificate:
    certificate = loads(Source("c.et", HEAD + MEASURE + 'claim "c" m[nothing] >= 0.5 certified at 95 %\n')).resolved
    (one,) = certificate.certificates
    return Certificate(0, "c", 0.95, 1000, one.parts * parts, one.cells, "m", "smallest", "", one.span)


def part(bound: float, *, below: bool = False) -> Part:
    return Part(Linear(((1.0, CELL),), 0.0, 0.0, 1.0), Linear((), 1.0, 1.0, 1.0), bound, below)


def test_what_was_certain_first_counts() -> None:
    """A part that held for certain stays so, though prompts that come for others turn against it."""
    right = np.array([1.0] * 40 + [0.0] * 400)
    found = finding(part(0.5), spec(), {CELL: right})
    assert found.holds is not None and found.fails is None
    assert decided(Observed(Bounded(right, 0.0, 1.0)).below(0.5), 0.05) is not None
    turned = finding(part(0.5), spec(), {CELL: 1 - right})
    assert turned.holds is None and turned.fails == found.holds
    assert finding(part(0.5, below=True), spec(), {CELL: right}).fails == found.holds


def test_one_that_fails_is_enough() -> None:
    values = {CELL: np.array([1.0] * 50)}
    holds, fails = finding(part(0.5), spec(2), values), finding(part(0.5, below=True), spec(2), values)
    unknown = finding(part(0.99), spec(2), values)
    assert verdict_of([holds]) is Verdict.CERTIFIED
    assert verdict_of([holds, fails]) is verdict_of([unknown, fails]) is Verdict.REFUTED
    assert verdict_of([holds, unknown]) is Verdict.UNDECIDED


# --- more prompts ------------------------------------------------------------------------------------------------


def run(text: str, right: Mapping[str, int]) -> tuple[Spec, Played]:
    loaded = loads(Source("c.et", HEAD + MEASURE + f'claim "c" {text}\n'))
    plan = loaded.plan(hashed=False).plan
    return loaded, Played(plan, lambda what, place: place < right.get(what.split(" with ")[-1], 0))


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("m[nothing] >= 0.95 certified at 95 %", {"nothing"}),
        ("m[nothing] >= 0.95 certified at 95 % up to 50 prompts", set()),
        ("m[nothing] >= 0.5 certified at 95 %", set()),
        ("m[nothing] <= 0.5 certified at 95 %", set()),
        ("m[nothing] - m[zero g] >= 0.05 certified at 95 %", {"nothing", "zero g"}),
        ("smallest(m) >= 0.3 certified at 95 %", set()),
        ("largest(m) <= 0.95 certified at 95 %", {"nothing"}),
    ],
)
def test_more_is_wanted_of_what_is_open(text: str, labels: set[str]) -> None:
    """Not of a claim that is decided, nor of cells that hold already, nor beyond the prompts that there are."""
    loaded, ran = run(text, FRESH)
    found = wanted(loaded.resolved, ran.plan, ran)
    assert {cell.labels[1] for cell in found.get(0, ())} == labels


def test_what_has_not_run_is_not_asked() -> None:
    loaded, ran = run("m[nothing] >= 0.95 certified at 95 %", FRESH)

    class Unmade(Played):
        def made(self, id: str) -> bool:
            return False

    assert wanted(loaded.resolved, ran.plan, Unmade(ran.plan, ran.right)) == {}


def test_what_has_run_in_part_is_not_asked() -> None:
    loaded, ran = run("m[nothing] - m[zero g] >= 0.05 certified at 95 %", FRESH)
    first, *later = ran.plan.certificates[0].evaluations

    class Partly(Played):
        def made(self, id: str) -> bool:
            return id == first

    assert later and wanted(loaded.resolved, ran.plan, Partly(ran.plan, ran.right)) == {}


def test_cells_that_have_more_prompts_than_others() -> None:
    """A difference is of as many as both have, and what was taken is what the cell with the most has."""
    loaded, ran = run("m[nothing] - m[zero g] >= 0.15 certified at 95 %", {"nothing": 10})
    (one,) = loaded.resolved.certificates
    first, second = one.cells
    planned = ran.plan.certificates[0]
    longer = evolve(planned, cells={first.cell: planned.cells[first.cell] * 2, second.cell: planned.cells[second.cell]})
    (found,) = findings(one, longer, ran)
    assert found.observed.values.values.tolist() == [1.0] * 10 + [0.0] * 40
    apart = [evolve(one.parts[0], number=Linear(((1.0, each.cell),), 0.0, 0.0, 1.0)) for each in one.cells]
    plan = evolve(ran.plan, certificates={0: longer})
    certificate = certificate_of(evolve(one, parts=tuple(apart)), plan, ran)
    assert (certificate.verdict, certificate.taken) == (Verdict.REFUTED, 100)
    undecided = certificate_of(evolve(one, parts=(evolve(apart[0], bound=0.1), evolve(apart[1], bound=0.0))), plan, ran)
    assert (undecided.verdict, undecided.prompts, undecided.taken) == (Verdict.UNDECIDED, 100, 100)


def test_the_file_is_named_where_its_rows_are_too_few() -> None:
    for bound, rows in ((0.95, "few.jsonl"), (0.5, "")):
        loaded, ran = run(f"m[nothing] >= {bound} certified at 95 %", FRESH)
        (one,) = loaded.resolved.certificates
        assert certificate_of(evolve(one, rows="few.jsonl"), ran.plan, ran).rows == rows


def test_the_parts_of_a_spec() -> None:
    loaded, ran = run("m[nothing] - 0.8 * m[zero g] + 0.1 >= 0.2 certified at 99.5 % up to 120 prompts", FRESH)
    (one,) = loaded.resolved.certificates
    (only,) = one.parts
    assert [factor for factor, _ in only.number.terms] == [1.0, -0.8]
    assert (only.number.constant, only.number.least, only.number.most) == pytest.approx((0.1, -0.7, 1.1))
    assert (only.bound, only.below, one.most) == (0.2, False, 120)
    assert one.risk == pytest.approx(0.005)
    (found,) = findings(one, ran.plan.certificates[0], ran)
    assert found.count == 50


@pytest.mark.parametrize("several", [(nan, -1.0), (nan,)])
def test_one_value_that_is_no_number_is_enough(several: tuple[float, ...]) -> None:
    text = f'{HEAD}measure p = probability(base) on 20 t\nclaim "c" p >= 0.5 certified at 95 %\n'
    loaded = loads(Source("c.et", text))
    plan = loaded.plan(hashed=False).plan

    class Damaged(Played):
        def value(self, id: str) -> dict[str, Any]:
            found = super().value(id)
            count = len(found["log_probability"])
            return {**found, "log_probability": np.resize(np.array(several, np.float32), (count, 1))}

    (one,) = loaded.resolved.certificates
    with pytest.raises(NotANumber, match=r'^claim "c" has a fresh prompt whose probability is not a number$'):
        findings(one, plan.certificates[0], Damaged(plan, lambda what, place: True))


# --- shown -------------------------------------------------------------------------------------------------------


def test_three_verdicts_are_told_apart() -> None:
    three = [claim(f"m[nothing] >= {bound} certified at 95 % up to 50 prompts") for bound in (0.6, 0.95, 0.99)]
    assert [VERDICTS[one.verdict] for one in three] == ["✓ certified", "? undecided", "✗ REFUTED"]
    grid = claims_grid(tuple(three))
    assert grid.good == (True, None, False)
    assert grid.caption.startswith("1 of 3 hold, 1 is undecided")
    first, second, third = (str(row[2]).split("\n")[1] for row in grid.rows)
    assert first.startswith("at 95 % at least 0.91, certain after 9") and "certain after" in first
    assert second.startswith("at 95 % at least 0.9") and "and at most 0.9" in second and ", after 50 fresh" in second
    assert third.startswith("at 95 % at most 0.9")


def test_the_json_of_a_certificate() -> None:
    found = claim_json(claim("m[nothing] >= 0.6 certified at 95 %"))
    assert found["passed"] and set(found["certificate"]) == {
        "verdict", "level", "of", "interval", "prompts", "taken", "most", "fixed_sample", "rows",
    }  # fmt: skip
    assert found["certificate"]["verdict"] == "certified"
    assert "certificate" not in claim_json(claim("m[nothing] >= 0.6"))


def test_no_limit_is_null_in_a_document() -> None:
    nothing = {"nothing": 0, "zero g": 0, "zero h": 0}
    found = claim("m[zero g] / m[nothing] >= 0.5 certified at 95 % up to 50 prompts", nothing)
    assert found.certificate is not None and found.certificate.interval.high == inf
    text = f'{MEASURE}claim "c" m[zero g] / m[nothing] >= 0.5 certified at 95 %\n'
    results = played(text, lambda what, place: what.startswith("m"))
    (one,) = json.loads(document(results))["claims"]
    assert one["certificate"]["interval"] == [0.0, None] and one["certificate"]["verdict"] == "undecided"
