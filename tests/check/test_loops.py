"""What the loops of a measure go through, as axes of results are told: where a variable stands says what its numbers
are."""

from __future__ import annotations

import pytest

from entrack.check.check import check
from entrack.check.resolved import ScaleAct
from entrack.source import Source

HEAD = """entrack 1
model base = builtin("boxes-base")
task boxes {
  object  = 2 distinct from ["car", "cup", "key", "ball", "book", "bell"]
  asked   = one index of object
  prompt  = "The {object[0]} is in Box A, the {object[1]} in Box B. The {object[asked]} is in Box"
  answer  = "A"
  at last  = end of prompt
  at first = prompt.object[0]
}
alternate other of boxes { fresh object }
intervention restored(layer, place) = zero mlp[layer] at place
intervention cut(place, last_layer) = block attention last -> place in layers 0..last_layer
"""


@pytest.mark.parametrize(
    ("act", "loops", "wanted"),
    [
        ("zero mlp[k] at p", "for k in layers for p in positions", {"k": "layers", "p": "positions"}),
        ("zero mlp[k - 1..k + 1] at p", "for k in [0, 2] for p in [last, first]", {"k": "layers", "p": "positions"}),
        ("zero heads[k, h] at last", "for k in [0, 2] for h in [0..3]", {"k": "layers", "h": "heads"}),
        ("zero heads[2, h] at t", "for h in heads for t in [0, 1]", {"h": "heads", "t": "tokens"}),
        ("zero neurons[k, n] at last", "for k in layers for n in [7, 9]", {"k": "layers", "n": "neurons"}),
        ("block attention last -> p in layers k..", "for k in [0, 1] for p in [0, 1]", {"k": "layers", "p": "tokens"}),
        ("[nothing, patch residual[k] at t from other]", "for t in [3] for k in [1]", {"t": "tokens", "k": "layers"}),
        ("restored(k, p)", "for k in [0, 2] for p in [last]", {"k": "layers", "p": "positions"}),
        ("cut(p, k + 1)", "for k in [0, 2] for p in [first]", {"k": "layers", "p": "positions"}),
        ("add noise sd x to embedding at last", "for x in [1, 2]", {}),
        ("scale mlp[k] at last by x", "for k in [1] for x in [-1, 0.5]", {"k": "layers"}),
    ],
)
def test_a_loop_goes_through_what_its_variable_is(act: str, loops: str, wanted: dict[str, str]) -> None:
    checked = check(Source("spec.et", f"{HEAD}measure m = accuracy(base with {act}) on 5 boxes {loops}\n"), {})
    assert not checked.problems
    (measure,) = checked.resolved.measures
    assert dict(measure.loops) == wanted


def test_a_loop_goes_through_factors() -> None:
    loop = 'for x in [-1.50, -1, 0..1, 1 / 4] claim "c" m[x = -1.5] >= 0'
    text = f"{HEAD}measure m = accuracy(base with scale mlp.1 at last by x) on 5 boxes {loop}"
    checked = check(Source("spec.et", text), {})
    assert not checked.problems
    (measure,) = checked.resolved.measures
    assert dict(measure.axes)["x"] == ("-1.5", "-1", "0", "1", "0.25")
    edits = [cell.intervention.acts[0] for cell in measure.cells]
    assert [edit.factor for edit in edits if isinstance(edit, ScaleAct)] == [-1.5, -1, 0, 1, 0.25]


@pytest.mark.parametrize(
    ("act", "values", "code"),
    [
        ("zero mlp[x] at last", "-1", "E612"),
        ("zero mlp[x] at last", "0.5", "E304"),
        ("zero heads[1, x] at last", "-1", "E304"),
        ("zero mlp[1] at x", "-1", "E618"),
        ("zero mlp[1] at x", "0.5", "E618"),
        ("scale mlp.1 at last by x", "1, 2 / 2", "E616"),
        ("scale mlp.1 at last by x", "1 / 0", "E303"),
    ],
)
def test_what_is_counted_is_whole(act: str, values: str, code: str) -> None:
    text = f"{HEAD}measure m = accuracy(base with {act}) on 5 boxes for x in [{values}]\n"
    assert [problem.code for problem in check(Source("spec.et", text), {}).problems] == [code]
