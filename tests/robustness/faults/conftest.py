"""What faults are tried on: a tiny model with a tokenizer."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "engine"))
sys.path.insert(0, str(Path(__file__).parents[1] / "security"))

from engine_models import save, tiny

from entrack.models.locate import BUILTIN


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model's folder, and beside it another one of the same shape. Not to be changed."""
    folder = tmp_path_factory.mktemp("small") / "model"
    save(tiny("llama", 2, 4, 2, vocab_size=233), folder)
    save(tiny("llama", 2, 4, 2, vocab_size=233, hidden_act="gelu"), folder.parent / "other")
    for made in (folder, folder.parent / "other"):
        shutil.copy(BUILTIN / "boxes-base" / "tokenizer.json", made)
    return folder
