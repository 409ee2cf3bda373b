"""A spec that uses every kind of step, and a run of it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from entrack import api
from entrack.events import Event
from entrack.results import Results
from entrack.source import Source

EVERYTHING = """entrack 1

model base  = local("model")
model other = local("other")

task boxes {
  object  = 3 distinct from ["apple", "ball", "bell", "book"]
  label   = 3 distinct from A..Z
  asked   = one index of object
  context = join("the {object} is in Box {label}", ", ")
  prompt  = capitalise("{context}. Box {label[asked]} contains the")
  answer  = object[asked]
  at last     = end of prompt
  at query    = prompt.label
  at previous = context.label[asked]
}

alternate scrambled of boxes { fresh label; redraw object }

desideratum position on boxes {
  alternate { fresh label; asked != original.asked }
  target    original.object[alternate.asked]
}

group movers in base at last = 1.0 1.2
group deeper in base at query = 0.1 0.3
circuit written in base {
  group movers at last     = 1.0 1.2
  group early  at previous = 0.0 0.2
}

discover found in base on 6 boxes against scrambled {
  score logit of answer
  group fetchers at last     -> logits         keep 4
  group carriers at query    -> fetchers.value keep 4
  group readers  at previous -> fetchers.key   keep 4
}

mask role over written in base for [position] {
  train 8;  validate 4
  batch 4;  epochs 2
}

intervention only(c) = keep c, mean elsewhere over 6 scrambled

measure outputs = probability of answer (base with [nothing, zero movers, patch movers from scrambled, mean movers over 6 scrambled, patch movers from other]) on 9 boxes
measure whole   = probability of answer (base with only(written)) on 9 boxes
measure inputs  = probability of answer (base with [patch deeper.query from other, patch deeper.value from other]) on 9 boxes
measure blocked = probability of answer (base with block attention last -> previous in layers 0..) on 9 boxes
"""


def everything(folder: Path, small: Path, mask: bool = True) -> Path:
    """The spec and its models in a folder."""
    folder.mkdir(parents=True)
    shutil.copytree(small, folder / "model")
    shutil.copytree(small.parent / "other", folder / "other")
    lines = (
        EVERYTHING
        if mask
        else EVERYTHING[: EVERYTHING.index("mask role")] + EVERYTHING[EVERYTHING.index("measure outputs") :]
    )
    (folder / "every.et").write_text(lines)
    return folder / "every.et"


def run(spec: Path, store: Path, **options: Any) -> tuple[Results, list[Event]]:
    events: list[Event] = []
    return api.loads(Source(str(spec), spec.read_text())).run(store, watcher=events.append, **options), events


def numbers(results: Results) -> dict[str, tuple[float, ...]]:
    """Every number of a result by where it stands, heads included."""
    found = {f"{measure.name} {cell.labels}": cell.outcomes for measure in results.measures for cell in measure.cells}
    for discovery in results.discoveries:
        for group in discovery.groups:
            found[f"{discovery.name}.{group.name}"] = tuple(
                score for row in group.matrix for score in row if score is not None
            )
    for mask in results.masks:
        found[f"{mask.name} {mask.group}"] = (*mask.values, mask.validation)
    return found


def heads(results: Results) -> dict[str, Any]:
    return {f"{found.name}.{group.name}": group.heads for found in results.discoveries for group in found.groups}
