"""A spec is finished in a Neovim, and run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from editor_world import TASK
from speaking import COMMAND

SCRIPT = Path(__file__).with_name("neovim.lua")
HEADS = f"{TASK}\ngroup movers in base at last = 2.1 3.0\n"
HALF_WRITTEN = """entrack 1
include "heads.et"

measure kept = accuracy(base with [nothing, zero mover])   on 4 boxes
measure sure = probability(base) on 4 bo
"""
FINISHED = """entrack 1
include "heads.et"

measure kept = accuracy(base with [nothing, zero senders]) on 4 boxes
measure sure = probability(base) on 4 boxes"""

pytestmark = [
    pytest.mark.skipif("ENTRACK_EDITOR" not in os.environ, reason="starts an editor: `make lsp-test`"),
    pytest.mark.skipif(shutil.which("nvim") is None, reason="nvim is not on this machine"),
]


def run(line: list[str], folder: Path) -> str:
    world = {**os.environ, "HOME": str(folder), "COMMAND": json.dumps(COMMAND), "TERM": "dumb"}
    done = subprocess.run(line, cwd=folder, env=world, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_half_written_spec_is_finished_in_neovim_and_run(tmp_path: Path) -> None:
    (tmp_path / "heads.et").write_text(HEADS, encoding="utf-8")
    (tmp_path / "spec.et").write_text(HALF_WRITTEN, encoding="utf-8")
    said = run(["nvim", "--clean", "--headless", "-c", f"luafile {SCRIPT}", "-c", "qall!"], tmp_path)
    assert (tmp_path / "seen.json").is_file(), said
    seen = json.loads((tmp_path / "seen.json").read_text(encoding="utf-8"))
    assert [(code, line) for code, line, _ in seen["problems"]] == [("E201", 4), ("E201", 5)]
    assert "did you mean `movers`?" in seen["problems"][0][2]
    assert "movers" in seen["offered"][0]
    assert "boxes" in seen["names"]
    assert "base" not in seen["names"]
    assert "group senders in base" in seen["included"]
    assert seen["saved"] == FINISHED
    assert (tmp_path / "spec.et").read_text(encoding="utf-8").rstrip() == FINISHED
    assert (tmp_path / "heads.et").read_text(encoding="utf-8") == HEADS.replace("group movers", "group senders")
    found = run([str(Path(sys.executable).parent / "entrack"), "run", "spec.et", "--out", "out"], tmp_path)
    assert "zero senders" in found
