"""A folder with specs, tasks and small random models that read the built-in tokenizer's tokens, made once."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))

from e2e_world import STUDY, TASKS, World, make_model


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("world")
    make_model(folder / "base", heads=4, shared=4)
    make_model(folder / "grouped", heads=4, shared=2)
    (folder / "tasks.et").write_text(TASKS)
    (folder / "study.et").write_text(STUDY)
    return World(folder)
