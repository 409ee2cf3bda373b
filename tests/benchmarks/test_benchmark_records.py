"""What is made of measurements: ratios of the same round, scaling that says so, records that replace one another;
and the workers' talk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from attrs import asdict

from benchmarks.crew import Failed, Place, crew
from benchmarks.discovery import discovery
from benchmarks.readme import README, written
from benchmarks.records import Record, merged, ratios, stored
from benchmarks.rounds import Different, measured
from benchmarks.sizes import SUITES
from benchmarks.tasks import Grid, PathPatch, read
from benchmarks.world import HOPS, build, some_of

RESULTS = README.parent / "benchmarks" / "results.json"
TOY = SUITES["toy"].size


class Played:
    """A crew whose contenders take given seconds and find given values."""

    def __init__(self, seconds: dict[str, list[float]], values: dict[str, list[float]]) -> None:
        self.seconds, self.values, self.name = seconds, values, ""
        self.place, self.about = Place(Path(), "cpu", 1, None), {"versions": {}, "threads": 1}

    def hand(self, name: str) -> Played:
        self.name = name
        return self

    def ask(self, do: str, turn: int = 0, **_: Any) -> dict[str, Any]:
        if self.name == "absent":
            raise Failed("not here")
        done = {
            "values": {"0.0": self.values[self.name], "0.1": [0.5]},
            "units": None,
            "forwards": 2.0,
            "token_layers": 20,
        }
        return {"seconds": self.seconds[self.name][turn], "peak_bytes": 5, "busy": None, "done": done}


def task(zeros: int = 1) -> PathPatch:
    return PathPatch("hop 2", [[1]], [[2]], [0], [0], [1], [("query", 1, 0)], [0], [0, 1], zeros)


def records(values: dict[str, list[float]] | None = None) -> dict[str, Record]:
    seconds = {"ours": [9.0, 1.0, 2.0], "plain": [9.0, 10.0, 30.0], "floor": [9.0, 0.5, 0.5]}
    played: Any = Played(seconds, values or {who: [0.0] for who in seconds})
    return {
        one.who: one for one in measured(played, TOY, task(), ["ours", "plain", "floor", "absent"], 2, lambda _: None)
    }


def test_ratios_are_of_pairs_of_the_same_round() -> None:
    ours = records()["ours"]
    assert (ours.seconds, ours.rounds, ours.first_seconds) == (1.5, [1.0, 2.0], 9.0)
    assert (ours.ratio_to_plain, ours.spread["ratio_to_plain"]) == (12.5, (10.0, 15.0))
    assert (ours.ratio_to_floor, ours.spread["ratio_to_floor"]) == (3.0, (2.0, 4.0))
    assert ours.counting_zeros == 25.0  # one of two layers is run


def test_a_grid_says_which_of_its_cells_were_run() -> None:
    played: Any = Played({"ours": [1.0, 1.0]}, {"ours": [0.0]})
    cells = Grid("grid", [[1]], [[2]], [0], [0, 1], [1], [(0, 0)])
    (ours,) = measured(played, TOY, cells, ["ours"], 1, lambda _: None)
    assert ours.sample == "2 cells, in 1 (0) of 2 layers, 2 (0, 1) of 53 tokens"


def test_a_few_cells_are_spread_over_layers_and_tokens() -> None:
    layers, tokens = [2, 7, 12], [1, 4, 7, 10, 13]
    assert some_of(layers, tokens, 1) == [(2, 1), (7, 7), (12, 13)]
    assert some_of(layers, tokens, 2) == [(2, 1), (2, 7), (7, 4), (7, 10), (12, 4), (12, 10)]
    assert some_of(layers, tokens, 0) == [(layer, token) for layer in layers for token in tokens]


def test_who_cannot_do_it_is_left_out() -> None:
    assert set(records()) == {"ours", "plain", "floor"}


def test_other_numbers_are_refused() -> None:
    with pytest.raises(Different, match="floor differs from plain by"):
        records({"ours": [0.0], "plain": [0.0], "floor": [0.01]})
    little = {
        "ours": [0.5015],
        "plain": [0.502],
        "floor": [0.502],
    }  # by less than 0.001, but the work moves nothing by more than 0.002
    with pytest.raises(Different, match="ours"):
        records(little)
    with pytest.raises(Different, match="ours"):
        records({"ours": [float("nan")], "plain": [0.0], "floor": [0.0]})


def test_a_discovery_that_was_sampled_says_so() -> None:
    hops = [PathPatch(row, [[1]], [[2]], [0], [0], [1], [], [0], [0], 0) for row in HOPS]
    made = [asdict(record) | {"work": row, "prepare_seconds": 1.0} for row in HOPS for record in records().values()]
    ours, _, plain = discovery(TOY, hops, made)
    assert ours.sample.startswith("ESTIMATED")
    assert ours.rounds == [
        1 + (9 - 1.5) + 4 * 4 * 1.0,
        1 + (9 - 1.5) + 4 * 4 * 2.0,
    ]  # a capture, clean runs, and 8 senders for each 2 in 4 hops
    assert ours.ratio_to_plain == pytest.approx(sum(p / o for p, o in zip(plain.rounds, ours.rounds, strict=True)) / 2)
    assert discovery(TOY, hops, made[1:]) == []


def test_a_record_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    ours, plain = records()["ours"], records()["plain"]
    merged(path, [ours, plain])
    merged(path, [ours])
    assert [one["who"] for one in stored(path)] == ["ours", "plain"]
    assert json.loads(path.read_text())[0]["spread"] == {
        name: list(values) for name, values in ratios(ours.rounds, None, None)["spread"].items() if values
    } | {
        "ratio_to_plain": [10.0, 15.0],
        "ratio_to_floor": [2.0, 4.0],
    }


def test_a_worker_does_as_it_is_told_and_says_what_went_wrong(tmp_path: Path) -> None:
    build(tmp_path, TOY)
    with crew(Place(tmp_path, "cpu", 1, None)) as hands:
        floor = hands.hand("floor")
        assert floor.ask("prepare", task="hop 1")["seconds"] > 0
        done = floor.ask("run", turn=1, times=2)
        assert len(done["done"]["values"]) == TOY.layers * TOY.heads
        assert done["peak_bytes"] >= 0
        with pytest.raises(Failed, match="no such"):
            floor.ask("prepare", task="no such")
        assert floor.ask("run", turn=1)["done"] == done["done"]
        with pytest.raises(Failed, match="no Python with the peers"):
            hands.hand("pyvene")


def test_a_size_and_seed_give_the_same_world(tmp_path: Path) -> None:
    for name in "ab":
        build(tmp_path / name, TOY)
    for path in (tmp_path / "a").rglob("*.*"):
        assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes(), path.name
    hop = read(tmp_path / "a" / "tasks" / "hop 4.json")
    assert len(set(hop.at)) == TOY.prompts


def test_the_readme_says_what_was_measured() -> None:
    text = README.read_text(encoding="utf-8")
    assert written(text, stored(RESULTS)) == text, "run `python -m benchmarks --readme`"
    hops = [asdict(record) | {"work": row, "size": "quick"} for row in HOPS for record in records().values()]
    filled = written(text, hops)
    assert "12x to the logits" in filled
    assert "within 3.00x of the bare matrix products" in filled
    assert len(filled.splitlines()) == len(written(text, []).splitlines()) + 1
