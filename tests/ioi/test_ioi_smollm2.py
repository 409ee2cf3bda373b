"""The study of SmolLM2, where `make smollm2` has put the model. No weight is read here."""

from __future__ import annotations

from pathlib import Path

import pytest

from entrack import api
from entrack.diagnostics import errors

SPEC = Path(__file__).parents[2] / "specs" / "ioi" / "smollm2.et"
GGUF = SPEC.parent / "smollm2" / "SmolLM2-135M-Instruct.Q4_1.gguf"

fetched = pytest.mark.skipif(not GGUF.is_file(), reason="`make smollm2` puts the model (98 MB) into specs/ioi/smollm2/")


@pytest.mark.parametrize("path", sorted(SPEC.parent.glob("*.et")), ids=lambda path: path.name)
def test_the_specs_have_no_errors_and_are_formatted(path: Path) -> None:
    source = api.read(path)
    problems, _ = api.check(source, {})
    assert not errors(problems)
    assert api.formatted(source)[0] == source.text


@fetched
@pytest.mark.parametrize("name", ["indirect_object", "unrelated", "who_gives", "whose_name"])
def test_prompts_are_equally_long_and_names_are_one_token(name: str) -> None:
    realised, _ = api.load(SPEC).prompts(name, 200)
    for pair in realised.pairs:
        for prompt in (pair.original, pair.alternate or pair.original):
            assert len(prompt.token_ids) == 14
            assert len(prompt.ids["answer"]) == len(prompt.ids["wrong"]) == 1
            assert prompt.token_ids[prompt.positions["indirect_object"]] == prompt.ids["answer"][0]
    assert len({pair.original.positions["indirect_object"] for pair in realised.pairs}) == 2  # both orders


@fetched
def test_an_unrelated_prompt_says_no_name_twice() -> None:
    realised, _ = api.load(SPEC).prompts("unrelated", 200)
    for pair in realised.pairs:
        assert pair.alternate is not None
        names = [pair.alternate.token_ids[place] for place in (1, 3, 9)]
        assert len({*names, *(pair.original.token_ids[place] for place in (1, 3))}) == 5


@fetched
def test_the_plan_is_made_without_a_weight() -> None:
    assert not errors(api.load(SPEC, n=2, m=4).plan(hashed=False).problems)


@fetched
def test_the_file_is_the_one_that_the_study_is_about() -> None:
    text = (SPEC.parent / "fetch_smollm2.py").read_text()
    from entrack.address import file_digest

    assert file_digest(GGUF) in text
