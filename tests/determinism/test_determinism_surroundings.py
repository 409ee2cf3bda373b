"""The same bytes and addresses wherever, whenever and in whatever words a spec is run.

Each run is a process of its own with an empty store; what is compared is its whole document and every value that it
stored.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from determinism_specs import HEAD, VARIED

from entrack.api import loads
from entrack.source import Source

MODEL = "llama-grouped-tied"
CHILD = """
import locale, sys
try:
    locale.setlocale(locale.LC_ALL, "")
except locale.Error:
    pass
from entrack.cli.main import main
main()
"""
LONG = "/".join("n" * 60 for _ in range(4))


def run(folder: Path, environment: Mapping[str, str] | None = None, cwd: Path | None = None) -> dict[str, object]:
    """The document of a run without where the spec lay, and every stored value's digest by its address."""
    command = [
        sys.executable,
        "-c",
        CHILD,
        "run",
        str(folder / "spec.et"),
        "--store",
        str(folder / "store"),
        "--json",
        "--threads",
        "1",
    ]
    ended = subprocess.run(
        command, capture_output=True, env=os.environ | (environment or {}), cwd=cwd, timeout=200, check=False
    )
    assert ended.returncode == 0, ended.stderr.decode(errors="replace")[-2000:]
    document = json.loads(ended.stdout)
    document["provenance"].pop("spec")
    actions = {
        path.stem: json.loads(path.read_text())["object"] for path in (folder / "store" / "actions").rglob("*.json")
    }
    assert len(actions) == document["provenance"]["computed"] > 5
    assert all(re.fullmatch("[0-9a-f]{64}", address) for address in actions)
    return {"document": document, "actions": actions}


def study(folder: Path, models: Path) -> Path:
    folder.mkdir(parents=True)
    shutil.copytree(models / MODEL, folder / "model")
    (folder / "spec.et").write_text(VARIED.format(model='local("model")'))
    return folder


@pytest.fixture(scope="module")
def usual(models: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    return run(study(tmp_path_factory.mktemp("usual") / "study", models))


@pytest.fixture(scope="session")
def turkish(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A locale in which the small I has no dot; made here, where the system's sources of locales are."""
    folder = tmp_path_factory.mktemp("locales")
    made = shutil.which("localedef") and subprocess.run(
        ["localedef", "-i", "tr_TR", "-f", "UTF-8", str(folder / "tr_TR.UTF-8")],
        capture_output=True,
        check=False,
        timeout=60,
    )
    return {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"} | ({"LOCPATH": str(folder)} if made else {})


SURROUNDINGS: Mapping[str, Mapping[str, str]] = {
    "once more": {},
    "another seed of hashes": {"PYTHONHASHSEED": "1"},
    "yet another": {"PYTHONHASHSEED": "4242"},
    "the far east": {"TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "7"},
    "no locale, no UTF-8": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"},
}


@pytest.mark.parametrize("name", SURROUNDINGS)
def test_surroundings(name: str, usual: dict[str, object], models: Path, tmp_path: Path) -> None:
    assert run(study(tmp_path / "study", models), SURROUNDINGS[name]) == usual


def test_a_turkish_locale(usual: dict[str, object], models: Path, tmp_path: Path, turkish: dict[str, str]) -> None:
    assert run(study(tmp_path / "study", models), turkish) == usual


@pytest.mark.parametrize(
    "name",
    ["with spaces", "ünï-çødé 漢字", "it's $HOME & %s", LONG],
    ids=["spaces", "not ASCII", "signs", "250 characters"],
)
def test_folders(name: str, usual: dict[str, object], models: Path, tmp_path: Path) -> None:
    folder = study(tmp_path / name, models)
    assert run(folder, cwd=folder) == usual


@pytest.mark.parametrize("year", [1980, 2099])
def test_times_of_files(year: int, usual: dict[str, object], models: Path, tmp_path: Path) -> None:
    folder = study(tmp_path / "study", models)
    for path in folder.rglob("*"):
        os.utime(path, (0, (year - 1970) * 365.25 * 86400))
    assert run(folder) == usual


@pytest.mark.parametrize(
    "command",
    [
        ("run",),
        ("check",),
        ("plan",),
        ("prompts", "boxes"),
        ("prompts", "boxes", "--json"),
        ("fmt", "--stdout"),
        ("cache", "ls"),
    ],
    ids=" ".join,
)
def test_a_terminal_that_knows_only_ascii(command: tuple[str, ...], models: Path, tmp_path: Path) -> None:
    folder = study(tmp_path / "study", models)
    text = (folder / "spec.et").read_text().replace(
        '"apple"', '"äpfel"'
    ) + '# naïve 漢字\nabout { title "Übersicht 漢字" }\n'
    (folder / "spec.et").write_text(text, encoding="utf-8")
    first, *rest = command
    arguments = [*command] if first == "cache" else [first, str(folder / "spec.et"), *rest]
    store = ["--store", str(folder / "store")] if first in ("run", "plan", "cache") else []
    ended = subprocess.run(
        [sys.executable, "-c", CHILD, *arguments, *store],
        capture_output=True,
        env=os.environ | SURROUNDINGS["no locale, no UTF-8"],
        timeout=200,
        check=False,
    )
    assert ended.returncode in (0, 2), ended.stderr.decode()
    assert b"Traceback" not in ended.stderr and ((ended.stdout + ended.stderr).isascii() or first == "fmt")


# --- words -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return study(tmp_path_factory.mktemp("words") / "study", models)


def addresses(folder: Path, text: str) -> frozenset[str]:
    """What a plan's steps say, by their addresses; no name and no order is in them."""
    return frozenset(loads(Source(str(folder / "spec.et"), text)).plan().plan.nodes)


def items(text: str) -> Iterator[str]:
    """The items of a spec: a line, or a block to its last bracket."""
    block: list[str] = []
    for line in text.splitlines():
        block.append(line)
        whole = "\n".join(block)
        if whole.count("{") == whole.count("}") and line.strip():
            yield whole
            block = []


@pytest.mark.parametrize("seed", range(20))
def test_declarations_in_another_order(folder: Path, seed: int) -> None:
    first, *rest = items(VARIED.format(model='local("model")'))
    random.Random(seed).shuffle(rest)
    assert first == "entrack 1"
    assert addresses(folder, "\n".join([first, *rest])) == addresses(folder, VARIED.format(model='local("model")'))


@pytest.mark.parametrize("seed", range(20))
def test_comments_and_layout(folder: Path, seed: int) -> None:
    text, chance = VARIED.format(model='local("model")'), random.Random(seed)
    spaced = re.sub(
        r'("[^"]*")|[ \n]+',
        lambda found: found.group(1) or chance.choice((" ", "\n", "  \t ", ' # a comment, with { and "\n', "\n\n")),
        text,
    )
    assert spaced != text
    assert addresses(folder, spaced) == addresses(folder, text)


def test_names(folder: Path) -> None:
    text = VARIED.format(model='local("model")')
    renamed = text
    for name in ("base", "boxes", "movers", "readers", "fetchers", "found", "written", "scrambled", "prob"):
        renamed = re.sub(rf"\b{name}\b", f"{name}_2", renamed)
    assert renamed.count("_2") > 30
    assert addresses(folder, renamed) == addresses(folder, text)


def test_what_is_said_otherwise_is_another(folder: Path) -> None:
    text = HEAD.format(model='local("model")') + "measure m = accuracy(base with zero movers) on 5 boxes\n"
    assert not addresses(folder, text) & addresses(folder, text.replace("zero movers", "zero deeper"))
    assert not addresses(folder, text) & addresses(folder, text.replace("on 5 boxes", "on 6 boxes"))
