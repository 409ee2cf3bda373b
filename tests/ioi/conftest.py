"""A tiny GGUF file, unpacked once; and the tiny models of `tests/engine`, made importable."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("gguf", reason="GGUF files are written and read with the package gguf")
pytest.importorskip("accelerate", reason="transformers reads GGUF files only where accelerate is installed")

sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))

from ioi_gguf import write

from entrack.engine.gguf import unpack


@pytest.fixture(scope="session")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GGUF file alone in its folder. Not to be changed."""
    path = tmp_path_factory.mktemp("packed") / "tiny.gguf"
    write(path)
    return path


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GGUF file with its config.json and tokenizer.json. Not to be changed."""
    path = tmp_path_factory.mktemp("unpacked") / "tiny.gguf"
    write(path)
    unpack(path)
    return path
