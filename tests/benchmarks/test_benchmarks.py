"""The benchmarks run at a toy size, and what they compare computes the same. Nothing here is timed."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.contenders import floor, ours, plain, published
from benchmarks.sizes import ALL, SUITES
from benchmarks.tasks import Done, read
from benchmarks.world import build

ROWS = tuple(ALL)

CONTENDERS = (floor, ours, published)
ROUNDS = 2


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    build(folder, SUITES["toy"].size)
    return folder


def rounds(module: object, world: Path, row: str) -> list[Done]:
    contender = module.Contender(world, "cpu")  # type: ignore[attr-defined]
    contender.forget()
    contender.prepare(read(world / "tasks" / f"{row}.json"))
    return [contender.run(turn) for turn in range(ROUNDS)]


@pytest.mark.parametrize("row", ROWS)
def test_all_contenders_compute_the_same(world: Path, row: str) -> None:
    expected = rounds(plain, world, row)
    values = [value for one in expected for value in one.values.values()]
    assert max(max(column) - min(column) for column in zip(*values, strict=True)) > 0.01
    for module in CONTENDERS:
        for found, wanted in zip(rounds(module, world, row), expected, strict=True):
            assert found.values
            for name, value in found.values.items():
                assert value == pytest.approx(wanted.values[name], abs=1e-5), module.__name__
