"""What a reader does works where torch, transformers and nnsight are not installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from artifact_world import done

ROOT = Path(__file__).parents[2]
WITHOUT = """
import importlib.metadata
import sys

MISSING = ("torch", "transformers", "nnsight", "accelerate", "peft")
found = importlib.metadata.Distribution.from_name


class Refuses:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in MISSING:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def known(name):
    if name in MISSING:
        raise importlib.metadata.PackageNotFoundError(name)
    return found(name)


sys.meta_path.insert(0, Refuses())
importlib.metadata.Distribution.from_name = known
from entrack.cli.main import main

sys.argv = ["entrack", *sys.argv[1:]]
main()
"""


def reader(folder: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """A command where no model can be run."""
    world = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(folder), "ENTRACK_STORE": str(folder / "none")}
    command = [sys.executable, "-c", WITHOUT, *map(str, words)]
    return subprocess.run(command, env=world, cwd=folder, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def folder(ran: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pack, and the results of its run."""
    folder = tmp_path_factory.mktemp("reader")
    store = ran.parent / "store"
    done("pack", ran, "--store", store, "--out", folder / "study.etz")
    (folder / "results.json").write_text(done("run", ran, "--store", store, "--json").stdout)
    (folder / "main.tex").write_text(r"\etAccNothing")
    return folder


COMMANDS = {
    "help": "--help",
    "check": "check {spec}",
    "fmt": "fmt {spec}",
    "highlight": "highlight {spec} --to html",
    "plan": "plan {spec} --store {store}",
    "lock": "lock {spec} --diff --store {store}",
    "prompts": "prompts {spec} boxes",
    "explain": "explain E201",
    "verify a pack": "verify study.etz --paper main.tex",
    "run a pack": "run study.etz",
    "run from a pack": "run {spec} --from study.etz --out out",
    "run from a store": "run {spec} --store {store} --accept any",
    "unpack": "unpack study.etz unpacked",
    "export": "export cir --from results.json --to csv",
}


@pytest.mark.parametrize("what", COMMANDS)
def test_it_works_without_torch(what: str, folder: Path, study: Path) -> None:
    if what == "lock":
        done("lock", study, "--store", study.parent / "store")
    words = COMMANDS[what].format(spec=study, store=study.parent / "store").split()
    found = reader(folder, *words)
    assert found.returncode == (1 if what == "lock" else 0), found.stderr
    assert "Traceback" not in found.stderr


def test_running_a_model_says_what_is_missing(folder: Path, study: Path) -> None:
    found = reader(folder, "run", study, "--json")
    assert found.returncode == 3
    told = json.loads(found.stdout)
    assert told["error"] == "package"
    assert "torch" in told["message"]


def test_values_of_another_stack_are_said_and_can_be_taken(folder: Path, study: Path) -> None:
    """A run would not help: here is no torch."""
    store = study.parent / "store"
    for command in ("lock", "pack"):
        found = reader(folder, command, study, "--store", store)
        assert "values are there, made with another stack; --accept any takes them as they are" in found.stderr
        assert "lock again" not in found.stderr and "it first" not in found.stderr
        taken = reader(folder, command, study, "--store", store, "--accept", "any")
        assert taken.returncode == 0, taken.stderr
    assert "root all = " in study.with_suffix(".lock").read_text()
