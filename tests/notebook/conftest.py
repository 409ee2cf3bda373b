"""An IPython shell in this process, in a folder with a small spec."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell
from notebook_cells import Cells
from traitlets.config import Config


@pytest.fixture
def cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cells]:
    """A shell with the extension, without a history, whose notebook lies in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ENTRACK_STORE", str(tmp_path / "cache"))
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    config = Config()
    config.HistoryManager.enabled = False
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(config=config, ipython_dir=str(tmp_path / "ipython"))
    shell.starting_dir = os.getcwd()
    made = Cells(shell)
    made.run("%load_ext entrack\nimport entrack")
    yield made
    InteractiveShell.clear_instance()
