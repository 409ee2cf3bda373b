"""A guard, a folder with a good spec and model to spoil, and the numbers that it gives when nobody spoils it."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "engine"))
sys.path.insert(0, str(Path(__file__).parents[2] / "ioi"))

import torch
from attack_guard import Guard, guard_of_process
from attack_runs import SPEC, Study, entrack
from engine_models import save, tiny

from entrack.models.locate import BUILTIN


@pytest.fixture(scope="session")
def guard(tmp_path_factory: pytest.TempPathFactory) -> Guard:
    folder = tmp_path_factory.mktemp("canary")
    (folder / "marks").mkdir()
    (folder / "secret.json").write_text('{"heads": [[0, 0]], "secret": "s3cr3t"}')
    return guard_of_process(folder / "marks", folder / "secret.json")


@pytest.fixture(scope="session")
def good(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A spec of one measure and its model; everything that a run imports is imported. Not to be changed."""
    folder = tmp_path_factory.mktemp("good")
    save(tiny("llama", 2, 4, 2, vocab_size=233), folder / "model")
    shutil.copy(BUILTIN / "boxes-base" / "tokenizer.json", folder / "model")
    (folder / "study.et").write_text(SPEC)
    torch.set_num_threads(1)
    warm = entrack("run", folder / "study.et", "--store", folder / "store", "--json")
    assert warm.exit_code == 0, warm.output
    shutil.rmtree(folder / "store")
    return Study(folder, warm.stdout)


@pytest.fixture
def study(good: Study, tmp_path: Path) -> Study:
    """A copy that may be spoilt."""
    shutil.copytree(good.folder, tmp_path / "study")
    return Study(tmp_path / "study", good.printed)
