"""The benchmarks run at a toy size, and what they compare computes the same. Nothing here is timed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch

from benchmarks.contenders import base, floor, nnsight, ours, plain, published
from benchmarks.contenders.floor import grid
from benchmarks.sizes import ALL, SUITES
from benchmarks.tasks import Done, read
from benchmarks.world import HOPS, MLP_HOPS, build

CONTENDERS = (floor, ours, published, nnsight)
ROUNDS = 2
TOY = SUITES["toy"].size


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    build(folder, TOY)
    return folder


@pytest.fixture(autouse=True)
def no_gradients() -> Iterator[None]:
    """As in a worker."""
    with torch.no_grad():
        yield


def rounds(module: object, world: Path, row: str) -> list[Done]:
    contender = module.Contender(world, "cpu")  # type: ignore[attr-defined]
    contender.forget()
    contender.prepare(read(world / "tasks" / f"{row}.json"))
    return [contender.run(turn) for turn in range(ROUNDS)]


def able(row: str, *modules: ModuleType) -> list[ModuleType]:
    """Those that do this work."""
    return [module for module in modules if module.__name__.rpartition(".")[2] in ALL[row]]


@pytest.mark.parametrize("row", [*HOPS, *MLP_HOPS])
def test_a_gpt2_is_computed_the_same(tmp_path: Path, row: str) -> None:
    build(tmp_path, SUITES["toy gpt2"].size)
    expected = rounds(plain, tmp_path, row)
    for module in (floor, ours):
        for found, wanted in zip(rounds(module, tmp_path, row), expected, strict=True):
            for name, value in found.values.items():
                assert value == pytest.approx(wanted.values[name], abs=1e-5), module.__name__


@pytest.mark.parametrize("row", list(ALL))
def test_all_contenders_compute_the_same(world: Path, row: str) -> None:
    expected = rounds(plain, world, row)
    values = [value for one in expected for value in one.values.values()]
    assert max(max(column) - min(column) for column in zip(*values, strict=True)) > 0.01
    for module in able(row, *CONTENDERS):
        for found, wanted in zip(rounds(module, world, row), expected, strict=True):
            assert found.values
            for name, value in found.values.items():
                assert value == pytest.approx(wanted.values[name], abs=1e-5), module.__name__


def test_no_round_repeats_an_earlier_one(world: Path) -> None:
    for row in ALL:
        first, second = rounds(plain, world, row)
        assert first.values != second.values, row


@pytest.mark.parametrize("row", [*HOPS, "circuits", "grid"])
def test_many_prompts_go_in_batches(world: Path, row: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "BATCH", 1)
    expected = rounds(plain, world, row)[1]
    assert all(len(value) == TOY.prompts for value in expected.values.values())
    for module in (floor, ours):
        found = rounds(module, world, row)[1]
        assert found.token_layers < expected.token_layers
        for name, value in found.values.items():
            assert value == pytest.approx(expected.values[name], abs=1e-5 if row != "circuits" else 1e-4), (
                module.__name__
            )


def test_the_floor_runs_less_than_ours_and_ours_less_than_plain(world: Path) -> None:
    for row in ALL:
        ran = [rounds(module, world, row)[1] for module in (floor, ours, plain)]
        least, some, most = (done.token_layers / (done.units or len(done.values)) for done in ran)
        assert least <= some + 1e-6 < most, row


def test_a_grid_has_a_cell_for_each_layer_and_token(world: Path) -> None:
    task = read(world / "tasks" / "grid.json")
    assert list(rounds(ours, world, "grid")[0].values) == [f"{layer}.{token}" for layer, token in task.cells()]
    assert (len(task.layers), len(task.tokens)) == (TOY.layers, TOY.positions)


def test_cells_of_the_floor_that_run_apart_are_those_that_run_together(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = rounds(floor, world, "grid")[0]
    monkeypatch.setattr(grid, "TOKENS_AT_ONCE", 60)
    apart = rounds(floor, world, "grid")[0]
    assert apart.token_layers == together.token_layers
    for name, value in apart.values.items():
        assert value == pytest.approx(together.values[name], abs=1e-5)
