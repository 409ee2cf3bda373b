"""Names on the hub: what a spec may name is what the hub's library takes, which fails at any other."""

from __future__ import annotations

import pytest
from huggingface_hub.utils._validators import validate_repo_id
from hypothesis import given
from hypothesis import strategies as st

from entrack import api
from entrack.check.models import HUB_NAME
from entrack.source import Source

WRONG = ("a--b/c", "a..b/c", "a/b.git", "a-/b", "a/b.", "a/" + "b" * 97)


@pytest.mark.parametrize("name", WRONG)
def test_a_name_that_the_hub_refuses_is_an_error(name: str) -> None:
    problems, _ = api.check(Source("spec.et", f'entrack 1\nmodel m = hub("{name}")\n'), {})
    assert [problem.code for problem in problems] == ["E502"]


@given(st.from_regex(HUB_NAME, fullmatch=True))
def test_every_name_of_a_spec_is_one_of_the_hub(name: str) -> None:
    validate_repo_id(name)


@pytest.mark.parametrize(
    "name", ["openai-community/gpt2", "EleutherAI/pythia-70m", "a/b", "HuggingFaceTB/SmolLM2-1.7B"]
)
def test_a_name_of_the_hub_is_one_of_a_spec(name: str) -> None:
    assert HUB_NAME.fullmatch(name)
