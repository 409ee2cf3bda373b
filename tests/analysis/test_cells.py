"""Cells of measures from outcomes that are said: values, draws and both intervals by hand."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan, sqrt
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from attrs import evolve

from entrack.analysis.cells import cell_of, readings
from entrack.analysis.estimates import Kind, Mean, Ratio, difference
from entrack.analysis.intervals import share_limits
from entrack.analysis.outcomes import NotANumber
from entrack.plan.plan import Between, CellPlan, RunPlan
from entrack.results import Cell
from entrack.sites import Site

POPULATION: Any = SimpleNamespace(purpose="measure", seed=3, task=SimpleNamespace(name="boxes"))


class Said:
    """Runs whose loss, or whose most likely token, is said prompt by prompt."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def run(self, outcomes: Sequence[float]) -> RunPlan:
        id = f"run {len(self.values)}"
        self.values[id] = {"loss": np.array(outcomes), "top": np.array(outcomes)}
        return RunPlan((id,), (tuple(range(len(outcomes))),), (), (((1,),),) * len(outcomes))

    def value(self, id: str) -> Any:
        return self.values[id]

    def address_of(self, id: str) -> str:
        return id


def spec(kind: str) -> Any:
    return SimpleNamespace(name="m", metric=SimpleNamespace(name=kind, kind=kind, top=1))


def made(kind: str, *draws: Sequence[float], ends: Sequence[Sequence[Sequence[float]]] = ()) -> Cell:
    ran: Any = Said()
    runs = tuple(ran.run(outcomes) for outcomes in draws)
    between = Between(*(tuple(ran.run(outcomes) for outcomes in end) for end in ends)) if ends else None
    return cell_of(spec(kind), POPULATION, CellPlan(("a", "b"), runs, between), ran)


def test_a_share() -> None:
    cell = made("accuracy", [1, 0, 1, 1])
    assert (cell.labels, cell.value, cell.n, cell.outcomes) == (("a", "b"), 0.75, 4, (1, 0, 1, 1))
    assert (cell.sd, cell.draws, cell.interval_of_these_draws) == (None, (), None)
    assert cell.interval == share_limits(0.75, 4)
    assert len(cell.address) == 64


def test_numbers_have_students_interval() -> None:
    cell = made("loss", [1, 2, 3])
    half = 4.3026527 / sqrt(3)
    assert cell.interval is not None
    assert (cell.interval.low, cell.interval.high) == pytest.approx((2 - half, 2 + half))


def test_draws_have_two_intervals() -> None:
    cell = made("accuracy", [1, 1, 0, 0], [1, 0, 0, 0], [1, 1, 1, 0])
    assert (cell.value, cell.n, cell.draws) == (0.5, 12, (0.5, 0.25, 0.75))
    assert cell.sd == pytest.approx(0.25)
    half = 4.3026527 * 0.25 / sqrt(3)
    assert cell.interval is not None and cell.interval_of_these_draws is not None
    assert (cell.interval.low, cell.interval.high) == pytest.approx((0.5 - half, 0.5 + half))
    these = Mean.of(
        "measure/3/boxes", [np.array(each) for each in ([1.0, 1, 0, 0], [1.0, 0, 0, 0], [1.0, 1, 1, 0])], Kind.SHARE
    )
    assert cell.interval_of_these_draws == these.limits()


def test_draws_that_are_alike_leave_the_doubt_of_their_prompts() -> None:
    cell = made("accuracy", [1, 0, 0, 0], [1, 0, 0, 0])
    assert cell.interval == cell.interval_of_these_draws
    assert cell.sd == 0


def test_a_recovery() -> None:
    """Edited 2, 3, 7; clean 4, 6, 8; corrupted 1, 1, 1: 9 of 15."""
    cell = made("loss", [2, 3, 7], ends=[[[4, 6, 8]], [[1, 1, 1]]])
    assert cell.value == pytest.approx(9 / 15)
    assert cell.outcomes == pytest.approx((0.2, 0.4, 1.2))
    assert cell.ranges == pytest.approx((0.6, 1.0, 1.4))
    edited, clean, corrupted = (
        Mean.of("measure/3/boxes", [np.array(values, dtype=np.float64)], Kind.NUMBER)
        for values in ([2, 3, 7], [4, 6, 8], [1, 1, 1])
    )
    assert cell.interval == Ratio.of(difference(edited, corrupted), difference(clean, corrupted)).limits()


def test_a_recovery_in_two_draws() -> None:
    cell = made("loss", [2, 3], [5, 5], ends=[[[4, 6], [9, 9]], [[1, 1], [1, 3]]])
    assert cell.draws == (3 / 8, 6 / 14)
    assert cell.value == pytest.approx(9 / 22)
    assert cell.sd == pytest.approx((6 / 14 - 3 / 8) / sqrt(2))
    assert cell.n == 4 and cell.interval_of_these_draws is not None


def test_a_recovery_between_equal_runs_is_none() -> None:
    cell = made("loss", [2, 3], ends=[[[1, 2]], [[2, 1]]])
    assert isnan(cell.value) and cell.interval is None and cell.outcomes == cell.ranges == ()
    assert cell.interval_of_these_draws is None


def test_what_is_not_a_number_is_said() -> None:
    with pytest.raises(NotANumber, match=r"m\[a, b\] has a prompt whose loss is not a number"):
        made("loss", [1, np.nan])


def test_readings_name_the_prompts_by_purpose_seed_and_task() -> None:
    ran: Any = Said()
    found = readings(spec("loss"), POPULATION, CellPlan(("a",), (ran.run([1, 2]), ran.run([3, 5]))), ran)
    assert set(found.these.moves) == {("measure/3/boxes", 0), ("measure/3/boxes", 1)}
    assert found.over is not None and set(found.over.moves) == {("measure/3/boxes", -1)}


def test_what_was_drawn_is_said() -> None:
    ran: Any = Said()
    known = ((("movers", (Site.of_head(0, 1),)),),)
    one = CellPlan(("a", "b"), (ran.run([1, 2]),), random=known)
    between = Between((ran.run([3, 5]),), (ran.run([0, 1]),))
    for planned in (one, evolve(one, between=between)):
        assert cell_of(spec("loss"), POPULATION, planned, ran).random == known
