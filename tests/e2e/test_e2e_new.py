"""`entrack new`: every template is formatted, has no errors, and runs on a built-in model; nothing is written over."""

from __future__ import annotations

from pathlib import Path

import pytest
from e2e_world import entrack

from entrack import api
from entrack.cli.new import FIRST, ROWS, about, kinds
from entrack.results import Results

FAILS = {"the model prefers the indirect object"}
"""Claims of what the built-in model has not learned, as the template says."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


def made(kind: str, folder: Path) -> Path:
    more = ["--data"] if kind == "own-data" else []
    result = entrack("new", kind, folder / "my.et", *more)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == ""
    assert f"next: entrack run {folder / 'my.et'}" in result.stderr
    return folder / "my.et"


@pytest.mark.parametrize("kind", kinds())
def test_a_template_runs(kind: str, tmp_path: Path, store: Path) -> None:
    path = made(kind, tmp_path)
    source = api.read(path)
    assert api.formatted(source) == (source.text, ())
    assert api.check(source, {})[0] == ()
    spec = api.load(path)
    found = spec.run(store)
    assert isinstance(found, Results) and found.claims
    assert {claim.text for claim in found.claims if not claim.passed} <= FAILS
    assert found.measures and found.figures
    assert [line for line in source.text.splitlines() if line.startswith("#")], "a template teaches"


def test_those_that_are_asked_for_are_there() -> None:
    assert {"ioi", "pairs", "tracing", "own-data"} == set(kinds())
    shown = entrack("new", "--list").stdout
    assert [line.split()[0] for line in shown.splitlines()] == list(kinds())
    assert all(about(kind) in shown and len(about(kind)) > 20 for kind in kinds())


def test_a_kind_need_not_be_named(tmp_path: Path) -> None:
    assert entrack("new", tmp_path / "a.et").exit_code == 0
    assert about(FIRST) in (tmp_path / "a.et").read_text()


@pytest.mark.parametrize("there", ["my.et", ROWS])
def test_nothing_is_written_over(tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_text("mine")
    result = entrack("new", "own-data", tmp_path / "my.et", "--data")
    assert result.exit_code == 2
    assert "is there already" in result.stderr
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(there, "mine")]


def test_rows_that_are_not_there_are_said(tmp_path: Path) -> None:
    assert f"it reads {tmp_path / ROWS}, which is not there yet" in entrack("new", "own-data", tmp_path / "a.et").stderr
    (tmp_path / ROWS).write_text("clean\n")
    assert "not there yet" not in entrack("new", "own-data", tmp_path / "b.et").stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "takes a file to write"),
        (["ioi", "a.et", "b.et"], "takes a file to write"),
        (["tracng", "a.et"], "there is no template tracng; did you mean `tracing`?"),
        (["ioi"], "ends in .et, such as ioi.et"),
        (["ioi", "a.et", "--data"], "--data is for own-data"),
        (["no/folder/a.et"], "No such file or directory"),
    ],
)
def test_what_cannot_be_is_refused(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = entrack("new", *words)
    assert result.exit_code in (2, 3)
    assert said in result.stderr
    assert list(tmp_path.iterdir()) == []
