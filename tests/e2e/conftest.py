"""A folder with specs, tasks and small random models that read the built-in tokenizer's tokens, made once."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))

from e2e_world import World, make_world
from engine_by_hooks import Hooked


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def hooked(world: World) -> Hooked:
    """The base model of a module's own world, by plain transformers, with hooks."""
    from transformers import AutoModelForCausalLM  # only modules that compare with it wait for it

    return Hooked(AutoModelForCausalLM.from_pretrained(world.folder / "base"))
