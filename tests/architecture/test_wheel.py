"""The wheel is whole: what pip builds from a checkout works without the checkout around it."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from lock import ROOT

BESIDE_CODE = {
    "grammars": "entrack/grammars",
    "docs/errors": "entrack/pages/errors",
    "entrack/builtin": "entrack/builtin",
    "entrack/syntax": "entrack/syntax",
    "entrack/templates": "entrack/templates",
}
"""Folders with files that are not Python, and where the wheel has them."""
COMMAND = "import sys; from entrack.cli.main import main; sys.argv = ['entrack', *sys.argv[1:]]; main()"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The one file that `pip wheel` makes of the checkout; no network is asked."""
    folder = tmp_path_factory.mktemp("wheel")
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder))
    command = [sys.executable, "-m", "pip", "wheel", str(ROOT), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def entrack(site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A command of the installed package, outside of the checkout."""
    world = {**os.environ, "PYTHONPATH": str(site), "ENTRACK_STORE": str(site / "cache"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-P", "-c", COMMAND, *words]
    return subprocess.run(command, cwd=site, env=world, capture_output=True, text=True, timeout=300)


def test_the_wheel_has_all_files_of_the_package(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    code = {path.relative_to(ROOT).as_posix() for path in (ROOT / "entrack").rglob("*.py")}
    data = {
        f"{home}/{path.relative_to(ROOT / folder).as_posix()}"
        for folder, home in BESIDE_CODE.items()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert len(data) > 100
    assert code | data | {"entrack/pages/language.md", "entrack/pages/glossary.md"} <= names
    assert [name for name in names if name.startswith(("tests/", "benchmarks/", "cache/", "specs/"))] == []


def test_the_installed_package_reads_its_own_files(installed: Path) -> None:
    spec = """entrack 1
model base = builtin("boxes-base")
task t { prompt = "Box A contains the apple. Box A contains the" answer = "apple" at last = end of prompt }
measure m = accuracy(base) on 1 t
"""
    (installed / "spec.et").write_text(spec, encoding="utf-8")
    checked = entrack(installed, "check", "spec.et")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "# E201" in entrack(installed, "explain", "E201").stdout
    where = subprocess.run(
        [sys.executable, "-P", "-c", "import entrack; print(entrack.__file__)"],
        env={**os.environ, "PYTHONPATH": str(installed)},
        cwd=installed,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert where.stdout.strip() == str(installed / "entrack" / "__init__.py")
