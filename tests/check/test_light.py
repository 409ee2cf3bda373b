"""`check` and `fmt` are light: they import nothing of what runs a model, nothing that draws, and nothing that is
only needed to show a problem. `plan` and `run` in their plain forms read their own arguments, and agree with typer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from inspect import signature
from pathlib import Path

import pytest

from entrack.cli import fast_path, garbage, runs
from entrack.cli.app import app
from entrack.spec import Spec

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
FOR_SOME = (
    "lark",
    "email",
    "logging",
    "socket",
    "subprocess",
    "tempfile",
    "random",
    "difflib",
    "decimal",
    "zipfile",
)
"""What only some specs need: those with a mistake, with a table, with a model that is not here."""
GARBAGE = """
import gc, sys
from contextlib import nullcontext
usual = gc.get_threshold()
from entrack.cli import main
class Runnable:
    def run(self, bar, options):
        print("as ever" if gc.get_threshold() == usual and gc.isenabled() else gc.get_threshold())
        sys.exit(0)
from entrack.cli import runs
runs.runner = lambda *arguments, **options: nullcontext(Runnable())
main.main()
"""
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
    nothing_kept = {**os.environ, "ENTRACK_CHECKS": ""}
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, env=nothing_kept)
    status, loaded = json.loads(ended.stdout.splitlines()[-1])
    assert (status or 0) == 0, ended.stderr
    assert "attrs" in loaded and not set(loaded) & {*HEAVY, *FOR_SOME}


def test_a_plain_plan_loads_no_engine_and_no_typer(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LOADED, "plan", str(ROOT / "specs" / "quickstart.et"), "--store", str(tmp_path)]
    ended = subprocess.run([*command, "--json"], capture_output=True, text=True, timeout=60)
    status, loaded = json.loads(ended.stdout.splitlines()[-1])
    assert (status or 0) == 0, ended.stderr
    assert not set(loaded) & {*HEAVY} - {"numpy", "rich", "safetensors"}


@pytest.mark.parametrize("command", ["check", "fmt --check", "plan"])
def test_garbage_is_looked_for_once_a_command_is_loaded(command: str, tmp_path: Path) -> None:
    """Also where nothing goes wrong, and as seldom as before a plan."""
    ends = LOADED.replace(
        'sorted({name.partition(".")[0] for name in sys.modules})', "[gc.isenabled(), gc.get_threshold()]"
    )
    words = [
        *command.split(),
        str(ROOT / "specs" / "quickstart.et"),
        *(["--store", str(tmp_path)] * (command == "plan")),
    ]
    ran = [sys.executable, "-c", f"import gc{ends}", *words]
    environment = {**os.environ, "ENTRACK_CHECKS": ""}
    ended = subprocess.run(ran, capture_output=True, text=True, timeout=60, env=environment)
    assert json.loads(ended.stdout.splitlines()[-1])[1] == [True, [*garbage.SELDOM]], ended.stderr


PLAIN = (
    "run a.et",
    "run a.et --store kept --out b --json --pdf --strict",
    "run --json a.et --out b",
    "plan a.et",
    "plan --explain --store kept a.et --json",
)
OTHERS = (
    "run",
    "run a.et b.et",
    "run a.et --store",
    "run a.et --store --json",
    "run a.et --store=kept",
    "run a.et --json --json",
    "run a.et --store a --store b",
    "run a.et -p n=1",
    "run a.et --help",
    "run -- a.et",
    "run a.et --threads 2",
    "plan a.et --pdf",
    "plan a.et --out b",
    "cache ls",
    "",
)


def said(arguments: tuple[object, ...]) -> list[object]:
    """What is called, without options that say no more than leaving them out."""
    usual = {name: one.default for name, one in signature(Spec.run).parameters.items()}
    return [
        {name: value for name, value in each.items() if value != usual.get(name)} if isinstance(each, dict) else each
        for each in arguments
    ]


@pytest.mark.parametrize("line", PLAIN)
def test_a_plain_form_says_what_typer_reads(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same call of what does the work, by the fast path and by typer."""
    calls: list[tuple[tuple[object, ...], dict[str, object]]] = []
    usual = {name: one.default for of in (runs.run, fast_path.plan) for name, one in signature(of).parameters.items()}

    def work(*arguments: object, **options: object) -> None:
        calls.append((arguments, {name: each for name, each in options.items() if each != usual[name]}))

    monkeypatch.setattr(runs, "run", work)
    monkeypatch.setattr(fast_path, "plan", work)
    act = fast_path.plainly(line.split())
    assert act is not None
    act()
    assert app(line.split(), standalone_mode=False) is None
    (fast, told), (slow, also) = calls
    assert said(fast) == said(slow[: len(fast)]) and slow[len(fast) :] in ((), (None,))
    assert said((told,)) == said((also,))


@pytest.mark.parametrize("line", OTHERS)
def test_any_other_form_goes_the_long_way(line: str) -> None:
    assert fast_path.plainly(line.split()) is None


@pytest.mark.parametrize("line", ["run a.et", "run a.et -p n=2"])
def test_garbage_is_looked_for_as_ever_where_an_engine_runs(line: str) -> None:
    """By the fast path and by typer."""
    done = subprocess.run(
        [sys.executable, "-c", GARBAGE, *line.split()], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "as ever\n"
