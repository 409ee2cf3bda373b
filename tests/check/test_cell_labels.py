"""Two cells of a measure never carry the same labels: a claim, a table and a figure choose a cell by them."""

from __future__ import annotations

from random import Random

from entrack.check.check import check
from entrack.source import Source

HEAD = """entrack 1
model base = builtin("boxes-base")
model tuned = builtin("boxes-tuned")
task boxes(n = 3) {
  object  = n distinct from ["car", "cup", "key", "ball", "book", "bell"]
  label   = n distinct from A..Z
  asked   = one index of object
  context = join("the {object} is in Box {label}", ", ")
  prompt  = "{context}. Box {label[asked]} contains the"
  answer  = object[asked]
  at last  = end of prompt
  at query = prompt.label
}
alternate other of boxes { fresh object, label }
circuit cir in base {
  group first at last = 0.1 0.2
  group second at last = 1.1
}
group few in base at last = 0.1 2.3
intervention only(c)    = keep c, mean elsewhere over other
intervention without(c) = mean c over other
intervention silent     = zero cir
"""
PROMPTS = (
    "boxes",
    "other",
    "boxes(n = 3)",
    "boxes(n = [2, 3])",
    "boxes(n = [2..4])",
    "other(n = [2, 3])",
    "boxes(seed = 1)",
    "boxes(seed = [1, 2])",
    "boxes(n = [2, 3], seed = [1, 2])",
    "boxes(seed = 1, n = 2)",
    "boxes(n = 2, seed = [1, 2])",
)
ACTS = (
    "nothing",
    "only(cir)",
    "only(cir.first)",
    "without([cir.first, cir.second])",
    "without(cir.second)",
    "silent",
    "zero cir",
    "zero few",
    "zero [cir, few]",
    "mean cir over other",
    "mean cir over 10 other",
    "mean cir over 20 other",
    "patch cir from other",
    "patch cir from tuned",
    "block attention last -> query in layers 1..2",
    "only(random like cir)",
    "zero random like few",
    "block attention last -> query in layers k..",
    "block attention last -> query in layers 1..k",
)


def drawn(draw: Random) -> str:
    prompts, acts = ("[" + ", ".join(draw.choices(pool, k=draw.randint(1, 4))) + "]" for pool in (PROMPTS, ACTS))
    if draw.random() < 0.3:
        prompts = draw.choice(PROMPTS)
    loop = " for k in [1, 2]" if "layers k" in acts or "..k" in acts else ""
    return f"{HEAD}measure m = accuracy({draw.choice(('base', '[base, tuned]'))} with {acts}) on 10 {prompts}{loop}\n"


def test_cells_that_differ_have_labels_that_differ() -> None:
    sound = 0
    for seed in range(400):
        text = drawn(Random(f"cells {seed}"))
        checked = check(Source("spec.et", text), {})
        for measure in checked.resolved.measures:
            labels = [cell.labels for cell in measure.cells]
            assert len(set(labels)) == len(labels), text
            sound += 1
    assert sound > 50
