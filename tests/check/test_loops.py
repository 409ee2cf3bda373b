"""What the loops of a measure go through, as axes of results are told: where a variable stands says what its numbers
are."""

from __future__ import annotations

import pytest

from entrack.check.check import check
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
    ],
)
def test_a_loop_goes_through_what_its_variable_is(act: str, loops: str, wanted: dict[str, str]) -> None:
    checked = check(Source("spec.et", f"{HEAD}measure m = accuracy(base with {act}) on 5 boxes {loops}\n"), {})
    assert not checked.problems
    (measure,) = checked.resolved.measures
    assert dict(measure.loops) == wanted
