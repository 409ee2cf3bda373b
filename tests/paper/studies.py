"""What the tests of studies have in common."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from typing import Any

import pytest

from entrack import api
from entrack.diagnostics import errors

ROOT = Path(__file__).parents[2]
SPECS = ROOT / "specs"
STAND_INS = SPECS / "stand_ins"
GGUF = "smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"


def script(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def alone(name: str, folder: Path) -> Path:
    """A study without the model, also where it is at hand."""
    study = folder / "study"
    shutil.copytree((SPECS / name).parent, study, ignore=shutil.ignore_patterns("smollm2"))
    return study / Path(name).name


def check_text(path: Path) -> None:
    """That a file is formatted, and short."""
    source = api.read(path)
    assert api.formatted(source)[0] == source.text
    assert source.text.count("\n") < 60


def check_plan(name: str, folder: Path, shape: str, steps: int) -> None:
    """That a study is planned without its model, at the shape of a stand-in."""
    planned = api.checked(api.read(alone(name, folder)), {}, STAND_INS / shape).plan(hashed=False)
    assert not errors(planned.problems)
    assert len(planned.plan.steps) == steps


def check_page(study: str) -> None:
    """That a study has a page, which is listed and names its folder."""
    page = ROOT / "docs" / "studies" / f"{study}.md"
    assert f"(studies/{study}.md)" in (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    assert f"specs/{study}/" in page.read_text(encoding="utf-8")


def check_at_hand(path: Path, **params: float) -> None:
    """That a study of the model at hand is planned, where that is."""
    if not (path.parent / GGUF).is_file():
        pytest.skip("`make studies` puts the model (98 MB) beside the spec")
    assert not errors(api.load(path, **params).plan(hashed=False).problems)


def check_words(shape: str) -> None:
    """That a stand-in knows every word of the studies."""
    written = (STAND_INS / shape / "tokenizer.json").read_text(encoding="utf-8")
    assert written == script(STAND_INS / "make.py").text(), "run `python specs/stand_ins/make.py`"
