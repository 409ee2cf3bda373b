"""What the tests of the store share. The tools are a module of their own, so that they can be imported by name."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from entrack.store import Damage, DiskStore, fs


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for the disk: only a loss of power could tell, and the test of that keeps its own account."""
    monkeypatch.setattr(fs, "fsync", lambda fd: None)


@pytest.fixture
def damage() -> list[Damage]:
    """The damage that `store` has reported."""
    return []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def store(folder: Path, damage: list[Damage]) -> Iterator[DiskStore]:
    with DiskStore(folder, on_damage=damage.append) as opened:
        yield opened
