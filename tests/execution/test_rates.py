"""Rates: what notes in a store tell of how long steps took, and how long a plan takes by them."""

from __future__ import annotations

from io import StringIO
from math import isclose
from typing import Any

import attrs
import numpy as np
import pytest
from plan_worlds import make_model, plan_of
from rich.console import Console
from stress.addresses import BATCH, MODEL

from entrack.address import address
from entrack.cli.plan_time import duration, time_json, time_view
from entrack.execution.environment import machine
from entrack.execution.estimate import Estimate, estimate
from entrack.execution.rates import Measured, Rate, Rates, fitted, rates_of
from entrack.execution.survey import Survey
from entrack.plan.cache_key import kind, parts
from entrack.plan.cost import left_in, left_of
from entrack.plan.longest_path import longest_path
from entrack.plan.plan import Plan, needs
from entrack.plan.schedule import layer_flops
from entrack.plan.steps import Choice, Evaluate, Step, SumOutputs
from entrack.store import MemoryStore

SUMS, EVALUATION = SumOutputs(MODEL, BATCH), Evaluate(MODEL, BATCH, (), ((10,), (12,)))
SIZE = layer_flops(MODEL.facts)


def measured(work: float, seconds: float, **changed: Any) -> Measured:
    like = Measured("cpu", machine(), 1, kind(SUMS), MODEL.dtype, SIZE, work, seconds)
    return attrs.evolve(like, **changed)


def note(step: Step = SUMS, **changed: Any) -> dict[str, Any]:
    """What is recorded beside a value that was computed here, as an engine and a run say it."""
    key = {part.name: [part.digest, part.words] for part in parts(step)}
    told = {"device": "cpu", "threads": 1, "executor": "optimised", "seconds": 2.0, "token_layers": 10.0}
    return {**told, "layer_flops": SIZE, "machine": machine(), "key": key, **changed}


def store_of(*notes: dict[str, Any]) -> MemoryStore:
    store = MemoryStore()
    for number, how in enumerate(notes):
        store.put(address(number), {"value": np.zeros(1)}, how)
    return store


@pytest.mark.parametrize(
    ("points", "rate"),
    [
        ([(10, 3.0), (20, 5.0)], Rate(1.0, 0.2 / SIZE)),
        ([(10, 3.0)], Rate(3.0, 0.0)),
        ([(10, 3.0), (10, 5.0)], Rate(4.0, 0.0)),
        ([(10, 5.0), (20, 3.0)], Rate(4.0, 0.0)),
        ([(10, 0.0), (20, 3.0)], Rate(0.0, 0.1 / SIZE)),
        ([(0, 3.0), (0, 3.0)], Rate(3.0, 0.0)),
    ],
    ids=["a line", "one step", "one size", "larger is faster", "less than nothing each", "no work"],
)
def test_a_rate_is_a_line_of_which_no_part_is_negative(points: list[tuple[float, float]], rate: Rate) -> None:
    many = [measured(*point) for point in points]
    found = fitted(many)
    assert isclose(found.each, rate.each, abs_tol=1e-9) and isclose(found.per_flop, rate.per_flop, abs_tol=1e-18)
    assert isclose(sum(found.seconds(one.flops) for one in many), sum(seconds for _, seconds in points))


def test_what_was_computed_here_has_a_rate_and_nothing_else() -> None:
    rates = rates_of(store_of(note(), note(seconds=4.0)))
    assert (rates.device, len(rates.measured)) == ("cpu", 2)
    assert rates.of(SUMS) == Rate(3.0, 0.0)
    assert rates.of(EVALUATION) is None, "of this kind nothing was measured"
    half = attrs.evolve(MODEL, dtype="float16")
    assert rates.of(attrs.evolve(SUMS, model=half)) is None, "nor with these numbers"


@pytest.mark.parametrize(
    "changed",
    [
        {"seconds": "2"},
        {"seconds": -1.0},
        {"seconds": 1e300},
        {"seconds": None},
        {"token_layers": True},
        {"layer_flops": []},
        {"threads": {}},
        {"executor": "reference"},
        {"device": "NVIDIA H200"},
        {"machine": "another"},
        {"key": {}},
        {"key": {"step": ["a digest alone"]}},
        {"key": "rubbish"},
    ],
    ids=str,
)
def test_what_is_not_a_measurement_of_this_device_is_left_out(changed: dict[str, Any]) -> None:
    rates = rates_of(store_of(note(**changed)))
    assert (rates.device, rates.measured, rates.of(SUMS)) == (None, (), None)
    assert len(rates_of(store_of(note(**changed), note())).measured) == 1


@pytest.mark.parametrize("name", ["NVIDIA H200", "nvidia h200", "cuda"])
def test_a_device_is_chosen_by_its_name_or_kind(name: str) -> None:
    here, there = note(), note(device="NVIDIA H200", machine="another", seconds=1.0, threads=96)
    store = store_of(here, here, there)
    assert rates_of(store).device == "cpu"
    assert rates_of(store, name) == Rates("NVIDIA H200", rates_of(store, name).measured, name)
    assert rates_of(store, name).of(SUMS) == Rate(1.0, 0.0)
    assert rates_of(store, "mps").device is None


def test_the_nearest_size_tells_and_none_that_is_far() -> None:
    per_flop = 1e-9
    sizes = {SIZE / 2: 1.0, SIZE * 3.9: 2.0, SIZE * 4.1: 4.0}
    points = [
        measured(work, slow * per_flop * work * size, layer_flops=size)
        for size, slow in sizes.items()
        for work in (10.0, 20.0)
    ]
    rate = Rates("cpu", tuple(points)).of(SUMS)
    assert rate is not None and isclose(rate.per_flop, per_flop), "half the size is nearer"
    rate = Rates("cpu", tuple(points[2:])).of(SUMS)
    assert rate is not None and isclose(rate.per_flop, 2 * per_flop)
    assert Rates("cpu", tuple(points[4:])).of(SUMS) is None
    wide = attrs.evolve(points[0], layer_flops=0.0)
    assert Rates("cpu", (wide,)).of(SUMS) is None


def test_threads_of_a_cpu_are_not_mixed() -> None:
    points = (measured(10, 1.0), measured(10, 9.0, threads=8), measured(10, 9.0, threads=8))
    assert Rates("cpu", points).of(SUMS) == Rate(9.0, 0.0)


def test_the_longest_path() -> None:
    graph = {"a": (), "b": (), "c": ("a", "b"), "choice": ("c",), "d": ("choice",), "e": ("a",)}
    assert longest_path(graph, {"a": 1, "b": 2, "c": 4, "d": 8, "e": 16}) == 17
    assert longest_path(graph, {"a": 1, "b": 2, "c": 4, "d": 8}) == 14
    assert longest_path({}, {}) == 0


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    folder = tmp_path_factory.mktemp("rates")
    make_model(folder / "model")
    return plan_of(folder)


def survey_of(plan: Plan, found: tuple[str, ...] = ()) -> Survey:
    return Survey(found, (), tuple(id for id in plan.steps if id not in found), (), ())


def test_what_steps_share_counts_once(plan: Plan) -> None:
    left = left_in(plan, plan.steps)
    alone = {id: left_in(plan, [id])[id] for id in plan.steps}
    clean = [id for id in plan.steps if plan.what[id] == "cir: clean runs"]
    assert clean and all(left[id] == alone[id] == left_of(plan.nodes[id]) > 0 for id in clean)
    assert any(left[id] < alone[id] for id in plan.steps), "a capture of a batch that was run before"


def even(plan: Plan) -> Rates:
    """Every kind of step takes a second."""
    steps = [node for node in plan.nodes.values() if not isinstance(node, Choice)]
    kinds = {(kind(step), step.model.dtype, layer_flops(step.model.facts)) for step in steps}
    return Rates("cpu", tuple(measured(0, 1.0, kind=one, dtype=dtype, layer_flops=size) for one, dtype, size in kinds))


def test_a_plan_takes_what_its_steps_take_and_no_less_than_what_waits(plan: Plan) -> None:
    found = estimate(plan, survey_of(plan), even(plan))
    assert (found.device, found.steps, found.without) == ("cpu", len(plan.steps), {})
    assert isclose(found.seconds, len(plan.steps))
    depth: dict[str, int] = {}
    for id, node in plan.nodes.items():
        depth[id] = max((depth[need] for need in needs(node)), default=0) + (not isinstance(node, Choice))
    assert isclose(found.longest, max(depth.values())) and found.longest > 1
    assert found.on(1) == found.seconds and found.on(10**6) == found.longest
    assert isclose(found.on(2), found.seconds / 2)
    assert found.less == ("path patches whose receivers are not known yet count for every layer",)
    assert all("are known when others have run" in more for more in found.more)
    rest = estimate(plan, survey_of(plan, plan.steps), even(plan))
    assert (rest.steps, rest.seconds, rest.longest, rest.less) == (0, 0, 0, ())


def test_what_has_no_rate_is_not_in_it_and_is_said(plan: Plan) -> None:
    some = Rates("cpu", tuple(one for one in even(plan).measured if one.kind == kind(EVALUATION)))
    found = estimate(plan, survey_of(plan), some)
    assert isclose(found.seconds + sum(found.without.values()), len(plan.steps))
    assert kind(EVALUATION) not in found.without and sum(found.without.values()) > 0
    shown = view(found)
    assert all(f"{many:,} steps of {one}" in shown for one, many in found.without.items())
    none = estimate(plan, survey_of(plan), Rates(None, ()))
    assert "no measurement yet on this device: run something small first" in view(none)
    assert "workers" not in view(none)
    asked = estimate(plan, survey_of(plan), rates_of(store_of(), "H200"))
    assert "no measurement yet on H200:" in view(asked) and time_json(asked, None)["device"] is None


def view(given: Estimate, price: float | None = None) -> str:
    console = Console(width=400, file=StringIO())
    console.print(time_view(given, price))
    return " ".join(console.file.getvalue().split())  # type: ignore[attr-defined]  # it is a StringIO


def test_how_it_is_said() -> None:
    given = Estimate("GPU \x1b[31m" + "x" * 100, 1204, 10, 72_000.0, 7200.0, {}, ("more of it may come",))
    shown = view(given, 2.5)
    assert "1 20.0 h 50.00 8 2.5 h 50.00 64 2.0 h 320.00" in shown
    assert "by 1,204 steps that were measured" in shown and "At least: more of it may come." in shown
    assert "\x1b" not in shown and "x" * 65 not in shown
    assert time_json(given, None)["workers"] == {"1": 72_000.0, "8": 9000.0, "64": 7200.0}
    assert time_json(given, 2.5)["cost"] == {"1": 50.0, "8": 50.0, "64": 320.0}
    assert [duration(one) for one in (0.04, 59.0, 90.0, 5400.0, 200_000.0)] == [
        "0.0 s", "59.0 s", "1.5 min", "1.5 h", "2.3 d",
    ]  # fmt: skip
    nearly = (59.94, 59.96, 3596.9, 3599.9, 86_100.0, 86_399.0)
    assert [duration(one) for one in nearly] == ["59.9 s", "1.0 min", "59.9 min", "1.0 h", "23.9 h", "1.0 d"]
    assert view(Estimate("cpu", 5, 0, 0.0, 0.0)) == ""


def test_a_store_is_read_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("entrack.execution.rates.MOST", 3)
    assert len(rates_of(store_of(*[note()] * 5)).measured) == 3
