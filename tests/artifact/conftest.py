"""A study that has been run, made once; tests that change it take a copy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from artifact_world import done, make_study


@pytest.fixture(scope="session")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The spec of a study whose values are in the store beside it, `store`."""
    spec = make_study(tmp_path_factory.mktemp("artifact") / "study")
    done("run", spec, "--store", spec.parent / "store")
    return spec


@pytest.fixture
def study(ran: Path, tmp_path: Path) -> Path:
    """The same in a folder of its own."""
    return Path(shutil.copytree(ran.parent, tmp_path / "study")) / ran.name
