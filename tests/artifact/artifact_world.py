"""A small study in a folder of its own, with all kinds of files that a lock and a pack are of."""

from __future__ import annotations

import shutil
from pathlib import Path

from typer.testing import CliRunner, Result

from entrack.cli.app import app
from entrack.models.locate import BUILTIN

TASKS = """entrack 1

task boxes {
  object   = 3 distinct from column("data/objects.csv", "object")
  label    = 3 distinct from A..Z
  asked    = one index of object
  context  = join("the {object} is in Box {label}", ", ")
  question = "Box {label[asked]} contains the"
  prompt   = capitalise("{context}. {question}")
  answer   = object[asked]
  wrong    = object[(asked + 1) * 0]
  at last     = end of prompt
  at query    = question.label
}

alternate scrambled of boxes {
  fresh label
  redraw object
  question.label = one of A..Z except [label, original.label]
}
"""
SPEC = """entrack 1

include "tasks.et"

about {
  title "A small study"
  authors "Ada Quux and Ben Corge"
}

param n = 6

seed 3

model base = local("base")

discover cir in base on n boxes against scrambled {
  score logit of answer
  group fetcher at last  -> logits        keep 4
  group carrier at query -> fetcher.value keep 4
}

intervention only(c) = keep c, mean elsewhere over 6 scrambled

measure acc  = accuracy(base with [nothing, only(cir), zero cir]) on n boxes
measure prob = probability of answer (base with [nothing, patch cir from scrambled]) on n boxes

claim "it says something" acc[nothing] >= 0 published 0.5
claim "a claim that fails" acc[nothing] >= 2
claim "probabilities" prob[nothing] within 1 of 0.5

figure "Circuit" = diagram(cir)
figure "Bars" = bars(acc)
table "Accuracy" = acc
"""
OBJECTS = "object\napple\nball\nbell\nbook\n"


def entrack(*arguments: object) -> Result:
    """The command line in this process."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def make_study(folder: Path) -> Path:
    """The spec's file; beside it an include, a data file and a model."""
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "objects.csv").write_text(OBJECTS)
    (folder / "tasks.et").write_text(TASKS)
    (folder / "study.et").write_text(SPEC)
    copy_model(folder / "base")
    return folder / "study.et"


def copy_model(folder: Path) -> None:
    folder.mkdir(parents=True)
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        shutil.copy(BUILTIN / "boxes-base" / name, folder / name)


def done(*arguments: object) -> Result:
    """A command that must succeed."""
    result = entrack(*arguments)
    assert result.exit_code == 0, result.stderr
    return result
