"""What git tracks belongs here: no folder that a run left, no store of results, no large file that nobody asked for."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable

import pytest
from lock import ROOT

TOP = {
    *(".ci", ".github", "benchmarks", "cache", "docs", "editors", "entrack", "grammars", "specs", "tests"),
    *(".gitignore", "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md"),
    *("SECURITY.md", "constraints.txt", "pyproject.toml", "requirements.lock", "requirements-cluster.lock"),
    *("requirements-dev.lock", "requirements-reader.lock"),
}
LARGEST = 300_000
"""Bytes of a file: an image of a study, a lock."""
LARGER = {
    **{
        f"entrack/builtin/{name}/model.safetensors": 2_100_000
        for name in (
            *("boxes-base", "boxes-tuned", "boxes-planted"),
            *("boxes-pointer", "boxes-pointer-tuned", "boxes-pointer-indexed"),
        )
    },
    "specs/boxes_smollm2/adapter/adapter_model.safetensors": 1_900_000,
}
"""Files that may be larger, and how large: weights that come with the package and with a study."""
LEFT_BY_RUNS = {"actions", "objects", "index", "locks", "quarantine", "out", "scratch", "__pycache__", "node_modules"}
"""Folders that a store, a run or a build makes."""
LEFT = {"CACHEDIR.TAG", "format.json", "cache.db", "results.jsonl", "report.html"}
"""Files that a store or a run makes."""


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    """The files that git tracks, by their paths in the checkout."""
    git = shutil.which("git")
    if git is None:
        pytest.skip("there is no git on this machine")
    listed = subprocess.run([git, "-C", str(ROOT), "ls-files", "-z"], capture_output=True, timeout=60)
    top = subprocess.run([git, "-C", str(ROOT), "rev-parse", "--show-prefix"], capture_output=True, timeout=60)
    if listed.returncode or top.stdout.strip() or not listed.stdout:
        pytest.skip("this is no git checkout")
    return [name for name in listed.stdout.decode().split("\0") if name]


def strangers(names: Iterable[str]) -> list[str]:
    """Those that stand where nothing is known to stand."""
    return [name for name in names if name.partition("/")[0] not in TOP]


def left_by_runs(names: Iterable[str]) -> list[str]:
    """Those that a store, a run or a build made."""
    parts = ((name, name.split("/")) for name in names)
    return [name for name, (*folders, file) in parts if file in LEFT or LEFT_BY_RUNS.intersection(folders)]


def too_large(sizes: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    """Those that are larger than they may be."""
    return [(name, size) for name, size in sizes if size > LARGER.get(name, LARGEST)]


def test_every_file_has_a_known_place(tracked: list[str]) -> None:
    assert strangers(tracked) == [], "not committed, or named in TOP"


def test_nothing_that_runs_leave_is_tracked(tracked: list[str]) -> None:
    assert left_by_runs(tracked) == []


def test_no_file_is_large(tracked: list[str]) -> None:
    there = [(name, (ROOT / name).lstat().st_size) for name in tracked if (ROOT / name).is_file()]
    assert too_large(there) == [], "left out, made smaller, or named in LARGER"
    assert set(LARGER) <= {name for name, _ in there}


def test_stray_files_are_seen() -> None:
    kept = ["cache/README.md", "docs/index.md", "entrack/store/objects.py", "tests/e2e/test_e2e_page.py"]
    store = ["scratch/one/format.json", "cache/actions/ab/cd.json", "tests/x/index/cache.db", "docs/out/report.html"]
    assert left_by_runs([*kept, *store]) == store
    assert strangers([*kept, *store, "notes.txt"]) == ["scratch/one/format.json", "notes.txt"]
    weights = "entrack/builtin/boxes-base/model.safetensors"
    assert too_large([("a", LARGEST), (weights, LARGEST + 1), ("b", LARGEST + 1)]) == [("b", LARGEST + 1)]
