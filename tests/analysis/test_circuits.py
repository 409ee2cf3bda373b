"""Measures of whole circuits from outcomes that are said: every number by hand."""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot, inf, isnan
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from entrack.analysis.circuits import examined, learned, overlap
from entrack.analysis.intervals import share_limits
from entrack.check.resolved import Circuit, Examination, Group, Overlap
from entrack.plan.plan import ExaminationPlan, MaskPlan, RemovalPlan, RunPlan
from entrack.results import Cell, Measure
from entrack.sites import Site
from entrack.source import Span

NOWHERE = Span("", 0, 0)


class Said:
    """A run in which the answer is most likely where it is said."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def run(self, right: Sequence[int]) -> RunPlan:
        id = str(len(self.values))
        self.values[id] = {"top": np.array(right)}
        return RunPlan((id,), (tuple(range(len(right))),), (), (((1,),),) * len(right))

    def value(self, id: str) -> Any:
        return self.values[id]

    def address_of(self, id: str) -> str:
        return id


def examination(kind: str) -> Examination:
    population: Any = SimpleNamespace(purpose="measure", seed=0, task=SimpleNamespace(name="boxes"))
    return Examination("m", kind, Circuit("c", ()), 1, "base", population, population, NOWHERE)


def cells(measure: Measure) -> dict[tuple[str, ...], Cell]:
    return {cell.labels: cell for cell in measure.cells}


def test_a_completeness_by_hand() -> None:
    ran: Any = Said()
    halves = [([1, 1, 1, 0], [1, 0, 0, 0]), ([1, 0, 0, 0], [1, 1, 0, 0])]
    removals = [RemovalPlan("half", None, ran.run(circuit), ran.run(model)) for circuit, model in halves]
    removals.append(RemovalPlan("group", None, ran.run([0, 0, 1, 1]), ran.run([1, 1, 1, 1])))
    measure, estimates = examined(
        examination("completeness"), ExaminationPlan("m", "completeness", tuple(removals)), ran
    )
    found = cells(measure)
    assert [axis.labels for axis in measure.axes] == [
        ("half", "group"),
        ("circuit", "model", "difference", "signed", "noise"),
    ]
    values = {labels: cell.value for labels, cell in found.items()}
    assert values == pytest.approx(
        {
            ("half", "circuit"): 0.5,
            ("half", "model"): 0.375,
            ("half", "difference"): 0.375,  # of 0.5 and 0.25
            ("half", "signed"): 0.125,  # of 0.5 and -0.25
            ("half", "noise"): 0.25,  # two of four differ, and one: 0.25 each
            ("group", "circuit"): 0.5,
            ("group", "model"): 1.0,
            ("group", "difference"): 0.5,
            ("group", "signed"): -0.5,
            ("group", "noise"): 0.25,
        }
    )
    assert found["half", "difference"].draws == (0.5, 0.25)
    assert found["half", "signed"].draws == (0.5, -0.25)
    assert found["half", "noise"].draws == (0.25, 0.25)
    assert found["half", "circuit"].draws == (0.75, 0.25)
    assert found["half", "circuit"].outcomes == (1, 0.5, 0.5, 0)
    assert found["half", "signed"].outcomes == (0, 0, 0.5, 0)
    assert found["half", "difference"].sd == pytest.approx(0.25 / 2**0.5)
    assert {cell.n for cell in found.values()} == {4}
    assert found["group", "circuit"].interval == share_limits(0.5, 4)
    assert found["group", "circuit"].draws == () and found["group", "circuit"].sd is None
    assert found["half", "noise"].interval is None and found["half", "noise"].outcomes == ()
    one, other = found["half", "signed"].draw_intervals
    assert one.low < 0.5 < one.high and other.low < -0.25 < other.high
    assert found["group", "signed"].draw_intervals == ()
    signed, apart = found["group", "signed"].interval, found["group", "difference"].interval
    assert signed is not None and apart is not None
    assert (apart.low, apart.high) == ((0, -signed.low) if signed.high >= 0 else (-signed.high, -signed.low))
    assert estimates["half", "signed"].limits() == found["half", "signed"].interval


def test_a_minimality_by_hand() -> None:
    """Before 6 of 8, after 2 of 8: a fall of a half, and three times as many."""
    ran: Any = Said()
    before, after = [1, 1, 1, 1, 1, 1, 0, 0], [1, 1, 0, 0, 0, 0, 0, 0]
    head, other = Site.of_head(2, 1), Site.of_head(3, 0)
    removals = (
        RemovalPlan("g", head, ran.run(before), ran.run(after)),
        RemovalPlan("g", other, ran.run(before), ran.run([0] * 8)),
    )
    measure, _ = examined(examination("minimality"), ExaminationPlan("m", "minimality", removals), ran)
    found = cells(measure)
    assert [axis.labels for axis in measure.axes] == [("g",), ("g 2.1", "g 3.0"), ("fall", "ratio")]
    fall, ratio = found["g", "g 2.1", "fall"], found["g", "g 2.1", "ratio"]
    assert (fall.value, ratio.value) == (0.5, 2.0)
    assert fall.outcomes == (0, 0, 1, 1, 1, 1, 0, 0) and fall.n == ratio.n == 8
    gained, lost = share_limits(0.5, 8), share_limits(0, 8)
    low, high = 0.5 - hypot(0.5 - gained.low, lost.high), gained.high
    assert fall.interval is not None
    assert (fall.interval.low, fall.interval.high) == pytest.approx((low, high))
    assert ratio.interval is not None and 0 < ratio.interval.low < 2 < ratio.interval.high
    gone = found["g", "g 3.0", "ratio"]
    assert gone.value == inf and gone.interval is None
    assert found["g", "g 3.0", "fall"].value == 0.75


def group(name: str, *heads: int) -> Group:
    return Group(name, "last", tuple(Site.of_head(0, head) for head in heads), "base", NOWHERE)


def test_an_overlap_by_hand() -> None:
    """`all` counts the groups that only one of the two has."""
    first = Circuit("a", (group("x", 1, 2, 3, 4), group("y", 5), group("mine", 6, 7, 8)))
    second = Circuit("b", (group("y", 6), group("x", 3, 4, 9), group("its", 6)))
    none: Any = None
    measure = overlap(Overlap("o", first, second, ("x", "y"), NOWHERE), none, none)
    assert {cell.labels: (cell.value, cell.n) for cell in measure.cells} == {
        ("x", "precision"): (0.5, 4),
        ("x", "recall"): (2 / 3, 3),
        ("y", "precision"): (0, 1),
        ("y", "recall"): (0, 1),
        ("all", "precision"): (0.25, 8),
        ("all", "recall"): (0.4, 5),
    }
    assert measure.unit == "fraction of heads"
    assert {cell.interval for cell in measure.cells} == {None}


def test_a_mask_says_the_fraction_that_its_validation_is() -> None:
    """17 of 40 is 0.425, though kept as the nearest number of single precision."""
    ran: Any = Said()
    ran.values["step"] = {
        "mask": np.array([0.25, 0.75, 0.5], np.float32),
        "steps": np.array(12),
        "validation": np.array([3 / 40, 17 / 40, 9 / 40], np.float32),
    }
    batches = [SimpleNamespace(original=SimpleNamespace(prompts=many)) for many in (32, 8)]
    plan: Any = SimpleNamespace(nodes={"step": SimpleNamespace(validate=batches)})
    planned = MaskPlan("role", "g", "target", "base", "step", group("g", 1, 2, 3))
    found = learned(planned, plan, ran)
    assert (found.validation, found.n, found.step) == (0.425, 40, 12)
    assert found.sites == (Site.of_head(0, 1), Site.of_head(0, 3))
    ran.values["step"]["validation"] = np.zeros(0, np.float32)
    assert learned(planned, plan, ran).validation == 0


def test_a_ratio_of_nothing_is_no_number() -> None:
    ran: Any = Said()
    removals = (RemovalPlan("g", Site.of_head(0, 0), ran.run([0, 0]), ran.run([0, 0])),)
    measure, _ = examined(examination("minimality"), ExaminationPlan("m", "minimality", removals), ran)
    assert isnan(cells(measure)["g", "g 0.0", "ratio"].value)
