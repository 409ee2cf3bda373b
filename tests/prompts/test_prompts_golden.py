"""Prompts follow from the seed alone: the same on every machine, whatever else is drawn. `ENTRACK_GOLDEN=write`
writes them anew."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from prompt_boxes import drawn

from entrack.api import PURPOSES, loads
from entrack.cli.prompts import prompts_json
from entrack.prompts.rng import Stream
from entrack.source import Source

GOLDEN = Path(__file__).parents[1] / "golden" / "prompts"
TASKS = ("boxes", "scrambled", "object_value", "position", "label_value")


@pytest.mark.parametrize("task", TASKS)
def test_golden(task: str) -> None:
    found = drawn(task, 3, "seed 7\n")
    path = GOLDEN / f"{task}.json"
    if os.environ.get("ENTRACK_GOLDEN") == "write":
        path.write_text("[\n" + ",\n".join(json.dumps(entry, sort_keys=True) for entry in found) + "\n]\n")
    assert found == json.loads(path.read_text())


@pytest.mark.parametrize("task", TASKS)
def test_fewer_are_the_first_of_more(task: str) -> None:
    assert drawn(task, 40)[:5] == drawn(task, 5)


def test_seed_and_purpose_draw_others() -> None:
    texts = [
        tuple(entry["text"] for entry in drawn("boxes", 20, more, purpose))
        for more, purpose in (("seed 1\n", "measure"), *(("", purpose) for purpose in PURPOSES))
    ]
    assert len(PURPOSES) == 8
    assert len({text for many in texts for text in many}) == 9 * 20


TASK = """entrack 1
model base = builtin("boxes-base")
task t {
  MORE
  object = 3 distinct from ["apple", "ball", "bell", "book", "boot", "bowl", "bus"]
  label  = one of A..Z
  prompt = "The {object[0]} is in Box {label}. Box {label} contains the"
  answer = object[0]
  at place = prompt.label.first
  at some  = any of prompt.label
}
alternate other of t { object[0] != original.object[0]; redraw label }
"""


def texts(more: str, name: str) -> list[tuple[Any, Any, Any]]:
    entries = prompts_json(loads(Source("t.et", TASK.replace("MORE", more))).prompts(name, 20)[0])
    return [(entry["text"], entry["positions"], entry.get("alternate", {}).get("text")) for entry in entries]


@pytest.mark.parametrize("name", ["t", "other"])
def test_another_variable_changes_nothing(name: str) -> None:
    more = 'colour = one from ["red", "blue"]  places = 2 distinct from ["park", "house", "river"]'
    assert texts(more, name) == texts("", name)


def test_any_of_takes_each_place() -> None:
    places = [positions["some"] - positions["place"] for _, positions, _ in texts("", "t")]
    assert set(places) == {0, 3}


def test_streams() -> None:
    """These numbers never change: every published prompt hangs on them."""
    stream = Stream(0, "measure", 3, "object")
    assert [stream.below(1000) for _ in range(6)] == [918, 691, 921, 627, 925, 460]
    assert Stream("a", 1).below(1 << 60) != Stream("a", "1").below(1 << 60)
    assert sorted(Stream("x").distinct(range(50), 50)) == list(range(50))


def test_every_value_is_drawn() -> None:
    stream = Stream("fair")
    counts = [0] * 7
    for _ in range(7000):
        counts[stream.below(7)] += 1
    assert min(counts) > 850
    assert max(counts) < 1150
