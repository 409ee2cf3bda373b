"""A folder with specs, tasks and small random models that read the built-in tokenizer's tokens, made once."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))

import torch
from e2e_world import STUDY, TASKS, World
from engine_models import save, tiny

from entrack.models.find import BUILTIN

WORDS = ("apple", "ball", "bell", "book")
SEED = 3
"""With it every hop of the study finds heads, and one finds some that an earlier group has."""


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("world")
    make_model(folder / "base", heads=4, shared=4)
    make_model(folder / "grouped", heads=4, shared=2)
    (folder / "tasks.et").write_text(TASKS)
    (folder / "study.et").write_text(STUDY)
    return World(folder)


def make_model(folder: Path, heads: int, shared: int) -> None:
    """A random model that likes to say one of a few words, so that it is sometimes right."""
    tokenizer = BUILTIN / "boxes-base" / "tokenizer.json"
    known = json.loads(tokenizer.read_text())["model"]["vocab"]
    module = tiny("llama", 4, heads, shared, vocab_size=max(known.values()) + 1)
    others = [token for word, token in known.items() if word not in WORDS]
    torch.manual_seed(SEED)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(float(parameter.dim() == 1), 0.3)
        module.lm_head.weight[others] *= 0.05
    save(module, folder)
    shutil.copy(tokenizer, folder / "tokenizer.json")
