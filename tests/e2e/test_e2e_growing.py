"""Specs whose plan grows with what is found: random circuits, examinations, masks. They are kept, planned and mended
like any other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from e2e_world import World, entrack
from typer.testing import Result

GROWING = """entrack 1

include "tasks.et"

model base = local("base")

discover cir in base on 12 boxes against scrambled {
  score relative probability of answer
  group fetcher     at last -> logits        keep 3
  group transmitter at last -> fetcher.query keep 2
}

mask role over cir in base for position {
  train 16
  validate 8
  epochs 1
  batch 8
}

intervention only(c) = keep c, mean elsewhere over 10 scrambled

measure drawn    = accuracy(base with [nothing, only(cir), only(random like cir)]) on 12 boxes, 2 draws
measure complete = completeness(cir, 2) in base over 10 scrambled on 12 boxes
measure minimal  = minimality(cir, 0.5) in base over 10 scrambled on 12 boxes
measure moved    = accuracy(base with patch role.heads from alternate) on 12 position
"""


@pytest.fixture(scope="module")
def ran(world: World, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Result]:
    """The spec, a store that has all of it, and what its run said."""
    store = tmp_path_factory.mktemp("growing")
    spec = world.folder / "growing.et"
    spec.write_text(GROWING)
    result = entrack("run", spec, "--json", "--store", store)
    assert result.exit_code == 0, result.stderr
    return spec, store, result


def numbers(result: Result) -> object:
    found = json.loads(result.stdout)
    return {part: found[part] for part in ("measures", "discoveries", "masks")}


def test_a_second_run_computes_nothing(ran: tuple[Path, Path, Result]) -> None:
    spec, store, first = ran
    again = entrack("run", spec, "--json", "--store", store)
    assert json.loads(again.stdout)["provenance"]["computed"] == 0
    assert numbers(again) == numbers(first)


def test_the_plan_shows_all_of_it(ran: tuple[Path, Path, Result], tmp_path: Path) -> None:
    spec, store, first = ran
    whole = json.loads(entrack("plan", spec, "--json", "--store", store).stdout)
    start = json.loads(entrack("plan", spec, "--json", "--store", tmp_path / "empty").stdout)
    assert (
        whole["total"]["stored"] + whole["total"]["known_zero"]
        == whole["total"]["steps"]
        == json.loads(first.stdout)["provenance"]["steps"]
    )
    assert whole["total"]["forwards"] == 0
    assert start["total"]["steps"] < whole["total"]["steps"]


def test_what_it_needs_is_no_garbage(ran: tuple[Path, Path, Result], world: World) -> None:
    spec, store, _ = ran
    other = world.folder / "another.et"
    other.write_text(
        'entrack 1\ninclude "tasks.et"\nmodel base = local("base")\nmeasure a = accuracy(base) on 7 boxes\n'
    )
    assert entrack("run", other, "--store", store).exit_code == 0
    swept = entrack("cache", "gc", "--keep-spec", spec, "--store", store)
    assert swept.stderr.startswith("removed 1 entries"), swept.stderr
    again = entrack("run", spec, "--json", "--store", store)
    assert json.loads(again.stdout)["provenance"]["computed"] == 0


def test_damage_is_mended(ran: tuple[Path, Path, Result]) -> None:
    spec, store, first = ran
    for path in sorted((store / "objects").rglob("*"))[::2]:
        if path.is_file():
            path.chmod(0o644)
            path.write_bytes(path.read_bytes()[:-1])
    assert entrack("plan", spec, "--store", store).exit_code == 0
    again = entrack("run", spec, "--json", "--store", store)
    assert again.exit_code == 0, again.stderr
    assert numbers(again) == numbers(first)
    quiet = entrack("run", spec, "--json", "--store", store)
    assert (quiet.stderr, json.loads(quiet.stdout)["provenance"]["computed"]) == ("", 0)
