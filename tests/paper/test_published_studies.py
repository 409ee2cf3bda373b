"""Studies of the field, as published, at the shapes of GPT-2: they check and plan here without a weight, and their
runs on SmolLM2 are planned where `make studies` has put the model."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from studies import SPECS, STAND_INS, alone, check_at_hand, check_page, check_plan, check_text, check_words, script

from entrack import api
from entrack.diagnostics import errors
from entrack.source import Source

STEPS = {
    "agreement/gpt2.et": ("gpt2", 872),
    "agreement/smollm2.et": ("smollm2-135m", 917),
    "causal_tracing/gpt2_xl.et": ("gpt2-xl", 3080),
    "causal_tracing/smollm2.et": ("smollm2-135m", 1928),
    "ioi_gpt2/gpt2.et": ("gpt2", 878),
    "ioi_gpt2/smollm2.et": ("smollm2-135m", 43),
    "knockout/gpt2_xl.et": ("gpt2-xl", 580),
    "knockout/smollm2.et": ("smollm2-135m", 364),
}
"""The stand-in of each study, and how many steps its plan has."""
STUDIES = sorted({name.split("/")[0] for name in STEPS})
FILES = sorted(path for study in STUDIES for path in (SPECS / study).glob("*.et"))
AT_HAND = sorted(path for path in FILES if path.name == "smollm2.et")


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_each_file_is_formatted_and_short(path: Path) -> None:
    check_text(path)
    assert path.name in ("agreement.et", "facts.et", "indirect_object.et") or f"{path.parent.name}/{path.name}" in STEPS


@pytest.mark.parametrize("name", STEPS)
def test_a_study_is_planned_at_the_shape_of_its_model(name: str, tmp_path: Path) -> None:
    check_plan(name, tmp_path, *STEPS[name])


@pytest.mark.parametrize("path", AT_HAND, ids=lambda path: path.parent.name)
def test_a_study_of_the_model_at_hand_is_planned(path: Path) -> None:
    check_at_hand(path, n=4)


@pytest.mark.parametrize("shape", ["gpt2", "gpt2-xl", "smollm2-135m"])
def test_a_stand_in_knows_every_word_of_the_studies(shape: str) -> None:
    check_words(shape)


def test_a_loop_over_layers_that_are_not_known_says_how_to_know_them(tmp_path: Path) -> None:
    (problem,) = errors(api.check(api.read(alone("knockout/gpt2_xl.et", tmp_path)), {})[0])
    assert problem.code == "E613"
    assert "`--stand-in FOLDER`" in (problem.help or "")


def test_a_head_that_gpt2_has_not_is_told() -> None:
    text = 'entrack 1\ninclude "gpt2.et"\ngroup none in gpt2 at last = 12.0\n'
    problems, _ = api.check(Source(str(SPECS / "ioi_gpt2" / "none.et"), text), {}, STAND_INS / "gpt2")
    assert [problem.code for problem in errors(problems)] == ["E511"]


def test_the_published_circuit_has_26_heads() -> None:
    spec = api.checked(api.read(SPECS / "ioi_gpt2" / "gpt2.et"), {}, STAND_INS / "gpt2")
    groups = spec.resolved.overlaps[0].second.groups
    assert sum(len(group.heads) for group in groups if isinstance(group.heads, tuple)) == 26


def test_both_studies_of_facts_have_the_same_facts() -> None:
    """A spec reads nothing outside its folder, so the facts stand in both; they must not drift apart."""
    assert (SPECS / "knockout" / "facts.csv").read_bytes() == (SPECS / "causal_tracing" / "facts.csv").read_bytes()


def test_the_names_are_those_of_the_other_study() -> None:
    assert (SPECS / "ioi_gpt2" / "names.csv").read_bytes() == (SPECS / "ioi" / "names.csv").read_bytes()


def test_pairs_differ_in_the_number_of_the_subject() -> None:
    made = script(SPECS / "agreement" / "make_pairs.py")
    with (SPECS / "agreement" / "pairs.csv").open(encoding="utf-8", newline="") as file:
        written, *rows = csv.reader(file)
    assert [tuple(row) for row in rows] == made.pairs()
    assert written == list(made.COLUMNS)
    assert len(set(rows[0])) == len(written)
    assert len({clean for clean, *_ in rows}) == 200
    for clean, corrupted, matched, answer, wrong in rows:
        assert {answer, wrong} == {"is", "are"}
        assert (answer == "are") == ("s]] " in clean) != ("s]] " in corrupted)
        assert clean.split("[[attractor")[0] == matched.split("[[attractor")[0]


@pytest.mark.parametrize("study", STUDIES)
def test_each_study_has_a_page_that_is_listed(study: str) -> None:
    check_page(study)
