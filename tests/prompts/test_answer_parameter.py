"""A task whose answer is a number among its parameters."""

from __future__ import annotations

from entrack import api

SPEC = """entrack 1
model base = builtin("boxes-base")
task t(answer = 3) {
  prompt = "The car is in Box A. Box A contains the"
  at last = end of prompt
}
measure m = accuracy(base) on 3 t
"""


def test_its_prompts_are_drawn() -> None:
    drawn, _ = api.loads(SPEC).prompts("t", 2)
    assert [record["answer"] for record in drawn.records()] == ["3", "3"]
