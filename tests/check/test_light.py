"""`check` and `fmt` are light: they import nothing of what runs a model, nothing that draws, and nothing that is
only needed to show a problem."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = (
    "torch",
    "transformers",
    "nnsight",
    "matplotlib",
    "numpy",
    "pandas",
    "huggingface_hub",
    "safetensors",
    "rich",
    "typer",
    "pydantic",
)
LOADED = """
import json, sys
sys.argv = ["entrack", *sys.argv[1:]]
from entrack.cli.main import main
status = 0
try:
    main()
except SystemExit as end:
    status = end.code
print(json.dumps([status, sorted({name.partition(".")[0] for name in sys.modules})]))
"""


@pytest.mark.parametrize("arguments", [("check",), ("fmt", "--check")], ids=["check", "fmt"])
def test_imports_nothing_heavy(arguments: tuple[str, ...]) -> None:
    command = [sys.executable, "-c", LOADED, *arguments, str(ROOT / "specs" / "quickstart.et")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    status, loaded = json.loads(ended.stdout.splitlines()[-1])
    assert (status or 0) == 0, ended.stderr
    assert not set(loaded) & set(HEAVY)
