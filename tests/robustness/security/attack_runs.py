"""Running a spec that somebody has spoilt, and what must come of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from attack_guard import Guard
from attrs import frozen
from typer.testing import CliRunner, Result

from entrack.cli.app import app

SPEC = """entrack 1

model base = local("model")

task boxes {
  object = 2 distinct from ["apple", "ball", "bell", "book"]
  label  = 2 distinct from A..Z
  prompt = "The {object[0]} is in Box {label[0]}. Box {label[0]} contains the"
  answer = object[0]
  at last = end of prompt
}

group g in base at last = 0.1 1.3

measure told = probability of answer (base with [nothing, zero g]) on 4 boxes
"""


@frozen
class Study:
    """A folder with study.et and model/, and what `run --json` prints of it unspoilt."""

    folder: Path
    printed: str

    @property
    def spec(self) -> Path:
        return self.folder / "study.et"

    @property
    def model(self) -> Path:
        return self.folder / "model"


def entrack(*arguments: object) -> Result:
    """The command line in this process."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def refused(study: Study, guard: Guard, named: str, *words: str) -> None:
    """A run ends with a named error or a diagnostic, and nothing is done, printed or kept."""
    with guard.watching():
        result = entrack("run", study.spec, "--store", study.folder / "store")
    well_said(result, named, *words)
    assert not (study.folder / "store" / "objects").exists(), "something was stored"


def well_said(result: Result, named: str, *words: str) -> None:
    """Exit status 2 with a diagnostic of the code `named`, or 3 with an error of that name; nothing else happened."""
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    assert result.exit_code == (2 if named[1:].isdigit() else 3), result.output
    assert result.stdout == ""
    assert f"[{named}]" in result.stderr or f"error: {named}: " in result.stderr, result.stderr
    assert "Traceback" not in result.stderr
    assert "s3cr3t" not in result.stderr
    assert len(result.stderr) < 5000, "a message is read by a person"
    for word in words:
        assert word in result.stderr, result.stderr


def unmoved(study: Study, guard: Guard) -> None:
    """A run gives the numbers that it gives without what was planted."""
    with guard.watching():
        result = entrack("run", study.spec, "--store", study.folder / "store", "--json")
    assert result.exit_code == 0, result.stderr
    for cell, expected in zip(cells(result.stdout), cells(study.printed), strict=True):
        assert cell["labels"] == expected["labels"]
        assert cell["outcomes"] == pytest.approx(expected["outcomes"], rel=1e-6), (
            "weights that lie at other bytes may be added up otherwise"
        )


def cells(printed: str) -> list[dict[str, Any]]:
    """The cells of a run that was printed as JSON."""
    return [cell for measure in json.loads(printed)["measures"] for cell in measure["cells"]]
