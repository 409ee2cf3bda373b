"""`entrack verify --workers`: the same comparisons, made by workers."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from e2e_world import make_world
from stress.employed import seen

from entrack.spec import Spec
from entrack.store import DiskStore
from entrack.verify import Verification


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("world")


@pytest.fixture(scope="module")
def spec(folder: Path) -> Spec:
    return make_world(folder).spec(
        "group g in base at last = 0.1\n"
        "measure p = probability of answer (base with [nothing, patch g from scrambled]) on 120 boxes"
    )


@pytest.fixture(scope="module")
def store(spec: Spec, folder: Path) -> Path:
    spec.run(folder / "store")
    return folder / "store"


def verified(spec: Spec, store: Path, workers: int, sample: int | float = 1.0) -> Verification:
    return spec.verify(DiskStore(store, read_only=True), sample, workers=workers, threads=1)


def test_workers_make_the_same_comparisons_in_the_same_order(spec: Spec, store: Path) -> None:
    alone = [*verified(spec, store, 0).compared]
    with seen(program=None) as processes:
        found = [*verified(spec, store, 2).compared]
    assert found == alone and {one.verdict for one in found} == {"identical"}
    assert len(processes.started) == 2 and len(processes.requests) == len(found) > 2
    assert not processes.alive


def test_comparisons_that_are_left_early_leave_no_worker(spec: Spec, store: Path) -> None:
    with seen(program=None) as processes:
        several = verified(spec, store, 1).compared
        assert isinstance(several, Generator)
        assert next(several).verdict == "identical" and processes.alive
        several.close()
        assert not processes.alive
