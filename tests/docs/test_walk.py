"""The walk in docs/architecture.md is the order in which a run enters the files, each once."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from test_docs import DOCS, ROOT, build

ROW = re.compile(r"^\| `(entrack/[^`]+)` \|", re.MULTILINE)


def test_the_walk_is_that_of_a_run(tmp_path: Path) -> None:
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    walk = ROW.findall(text[text.index("## A walk") : text.index("## The layers")])
    assert len(walk) == len(set(walk)) > 30
    assert all((ROOT / name).is_file() for name in walk)
    page = (DOCS / "one-word.md").read_text(encoding="utf-8")
    build.put(next(block for block in build.blocks(page) if block.named("file") == "two.et"), tmp_path)
    script = Path(__file__).with_name("walked.py")
    world = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, env=world, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert walk == [name for name in done.stdout.split() if name in walk]
