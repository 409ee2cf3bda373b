"""Studies of the field: each file is checked without its model and planned at the shape of the model of its paper;
what runs on SmolLM2 is planned where `make studies` has put the model."""

from __future__ import annotations

from pathlib import Path

import pytest
from studies import GGUF, SPECS, check_at_hand, check_page, check_plan, check_text, check_words

PUBLISHED = {
    "direction/pythia.et": ("pythia-2.8b", 176),
    "edges/gpt2.et": ("gpt2", 180),
    "function_vectors/gptj.et": ("gptj", 60),
    "gender_bias/gpt2.et": ("gpt2", 1480),
    "greater_than/gpt2.et": ("gpt2", 356),
    "induction/gpt2.et": ("gpt2", 219),
    "logit_lens/gpt2.et": ("gpt2", 60),
}
"""The stand-in of each study of a paper's model, and how many steps its plan has."""
STUDIES = sorted({name.split("/")[0] for name in PUBLISHED})
FILES = sorted(path for study in STUDIES for path in (SPECS / study).glob("*.et"))
AT_HAND = [path for path in FILES if GGUF in path.read_text(encoding="utf-8")]
COPIES = {
    "edges/boxes.et": "boxes/boxes.et",
    "edges/objects.csv": "boxes/objects.csv",
    "edges/indirect_object.et": "ioi/indirect_object.et",
    "edges/names.csv": "ioi/names.csv",
    "logit_lens/indirect_object.et": "ioi/indirect_object.et",
    "logit_lens/names.csv": "ioi/names.csv",
}


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_each_file_is_formatted_and_short(path: Path) -> None:
    check_text(path)


@pytest.mark.parametrize("name", COPIES)
def test_a_task_of_another_study_is_the_same_there(name: str) -> None:
    """A spec reads nothing outside its folder, so the task stands in both; it must not drift apart."""
    assert (SPECS / name).read_bytes() == (SPECS / COPIES[name]).read_bytes()


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_study_is_planned_at_the_shape_of_its_model(name: str, tmp_path: Path) -> None:
    check_plan(name, tmp_path, *PUBLISHED[name])


@pytest.mark.parametrize("path", AT_HAND, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_study_of_the_model_at_hand_is_planned(path: Path) -> None:
    check_at_hand(path)


@pytest.mark.parametrize("study", STUDIES)
def test_each_study_has_a_page_that_is_listed(study: str) -> None:
    check_page(study)


@pytest.mark.parametrize("shape", sorted({shape for shape, _ in PUBLISHED.values()}))
def test_a_stand_in_knows_every_word_of_the_studies(shape: str) -> None:
    check_words(shape)
