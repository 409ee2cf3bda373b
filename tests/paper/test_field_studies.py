"""Studies of the field: each file is checked without its model and planned at the shape of the model of its paper;
what runs on SmolLM2 is planned where `make studies` has put the model."""

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
PUBLISHED = {
    "direction/pythia.et": ("pythia-2.8b", 176),
    "edges/gpt2.et": ("gpt2", 180),
    "function_vectors/gptj.et": ("gptj", 60),
    "gender_bias/gpt2.et": ("gpt2", 1480),
}
"""The stand-in of each study of a paper's model, and how many steps its plan has."""
STUDIES = sorted({name.split("/")[0] for name in PUBLISHED})
FILES = sorted(path for study in STUDIES for path in (SPECS / study).glob("*.et"))
GGUF = "smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
AT_HAND = [path for path in FILES if GGUF in path.read_text(encoding="utf-8")]
COPIES = {
    "edges/boxes.et": "boxes/boxes.et",
    "edges/objects.csv": "boxes/objects.csv",
    "edges/indirect_object.et": "ioi/indirect_object.et",
    "edges/names.csv": "ioi/names.csv",
}


def alone(name: str, folder: Path) -> Path:
    """A study without the model, also where it is at hand."""
    study = folder / "study"
    shutil.copytree((SPECS / name).parent, study, ignore=shutil.ignore_patterns("smollm2"))
    return study / Path(name).name


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_each_file_is_formatted_and_short(path: Path) -> None:
    source = api.read(path)
    assert api.formatted(source)[0] == source.text
    assert source.text.count("\n") < 60


@pytest.mark.parametrize("name", COPIES)
def test_a_task_of_another_study_is_the_same_there(name: str) -> None:
    """A spec reads nothing outside its folder, so the task stands in both; it must not drift apart."""
    assert (SPECS / name).read_bytes() == (SPECS / COPIES[name]).read_bytes()


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_study_is_planned_at_the_shape_of_its_model(name: str, tmp_path: Path) -> None:
    shape, steps = PUBLISHED[name]
    planned = api.checked(api.read(alone(name, tmp_path)), {}, STAND_INS / shape).plan(hashed=False)
    assert not errors(planned.problems)
    assert len(planned.plan.steps) == steps


@pytest.mark.parametrize("path", AT_HAND, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_study_of_the_model_at_hand_is_planned(path: Path) -> None:
    if not (path.parent / GGUF).is_file():
        pytest.skip("`make studies` puts the model (98 MB) beside the spec")
    assert not errors(api.load(path).plan(hashed=False).problems)


@pytest.mark.parametrize("shape", sorted({shape for shape, _ in PUBLISHED.values()}))
def test_a_stand_in_knows_every_word_of_the_studies(shape: str) -> None:
    written = (STAND_INS / shape / "tokenizer.json").read_text(encoding="utf-8")
    assert written == script(STAND_INS / "make.py").text(), "run `python specs/stand_ins/make.py`"


def script(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
