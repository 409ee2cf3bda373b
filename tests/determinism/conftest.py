"""Tiny models of every family, with a tokenizer whose tokens they know."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))
sys.path.insert(0, str(Path(__file__).parents[1] / "robustness" / "faults"))

from determinism_specs import FAMILIES
from engine_models import save, tiny

from entrack.models.locate import BUILTIN


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model for every name of `FAMILIES`, and one called other. Not to be changed."""
    folder = tmp_path_factory.mktemp("models")
    for name, (family, layers, heads, shared, more) in FAMILIES.items():
        save(tiny(family, layers, heads, shared, vocab_size=233, **more), folder / name)
        shutil.copy(BUILTIN / "boxes-base" / "tokenizer.json", folder / name)
    return folder
