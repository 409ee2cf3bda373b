"""`elsewhere` is where no other act of an intervention says anything, in either order."""

from __future__ import annotations

import pytest

from entrack.api import loads
from entrack.plan.steps import Evaluate, Kept, SetElsewhere, SetHeads
from entrack.sites import Head

SPEC = """entrack 1
model base = builtin("boxes-base")
task t {
  x = one of A..Z
  prompt = "Box {x} contains the"
  answer = "car"
  at last = end of prompt
}
alternate other of t { fresh x }
group g in base at last = 1.2 2.3
intervention i = ACTS
measure m = accuracy(base with i) on 3 t
"""


@pytest.mark.parametrize("acts", ["zero g, mean elsewhere over other", "mean elsewhere over other, zero g"])
def test_what_another_act_sets_is_not_elsewhere(acts: str) -> None:
    plan = loads(SPEC.replace("ACTS", acts)).plan(hashed=False).plan
    edits = next(node.edits for node in plan.nodes.values() if isinstance(node, Evaluate))
    heads = (Head(1, 2), Head(2, 3))
    elsewhere = next(edit for edit in edits if isinstance(edit, SetElsewhere))
    zeroed = next(edit for edit in edits if isinstance(edit, SetHeads))
    assert elsewhere.kept == (Kept(heads, zeroed.at),)
    assert zeroed.heads == heads
