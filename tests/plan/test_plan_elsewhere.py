"""`elsewhere` is where no other act of an intervention says anything, in either order."""

from __future__ import annotations

import pytest

from entrack.api import loads
from entrack.plan.steps import At, Elsewhere, Evaluate, Set
from entrack.sites import Site

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
    heads = (Site.of_head(1, 2), Site.of_head(2, 3))
    targets = [edit.target for edit in edits if isinstance(edit, Set)]
    zeroed = next(target for target in targets if isinstance(target, At))
    assert zeroed.sites == heads
    assert Elsewhere((At(heads, zeroed.at),)) in targets
