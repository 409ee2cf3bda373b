"""A folder with the tasks of the tests' study and a small model, made once."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))
sys.path.insert(0, str(Path(__file__).parents[1] / "e2e"))

from e2e_world import World, make_world
from engine_by_hooks import Hooked


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="session")
def hooked(world: World) -> Hooked:
    """The base model by plain transformers, with hooks."""
    from transformers import AutoModelForCausalLM  # not for tests that only check

    return Hooked(AutoModelForCausalLM.from_pretrained(world.folder / "base"))
