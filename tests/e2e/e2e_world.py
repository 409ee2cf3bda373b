"""The texts of the tests' study, and a folder to run it in."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import torch
from attrs import frozen
from engine_models import save, tiny
from typer.testing import CliRunner, Result

from entrack.api import Spec, load, loads
from entrack.cli.app import app
from entrack.models.locate import BUILTIN
from entrack.source import Source

WORDS = ("apple", "ball", "bell", "book")
SEED = 3
"""With it every hop of the study finds heads, and one finds some that an earlier group has."""

TASKS = """entrack 1

task boxes {
  object   = 3 distinct from ["apple", "ball", "bell", "book"]
  label    = 3 distinct from A..Z
  asked    = one index of object
  context  = join("the {object} is in Box {label}", ", ")
  question = "Box {label[asked]} contains the"
  prompt   = capitalise("{context}. {question}")
  answer   = object[asked]
  wrong    = object[(asked + 1) * 0]
  at last     = end of prompt
  at query    = question.label
  at previous = context.label[asked]
}

# Prompts of several lengths, with the query at another token in each.
task uneven {
  label  = 2 distinct from A..Z
  size   = one from ["big", "old red", "small new green"]
  object = one from ["apple", "ball", "bell", "book"]
  prompt = "The {size} {object} is in Box {label[0]}. Box {label[0]} contains the"
  answer = object
  at last  = end of prompt
  at query = prompt.label.last
}

alternate scrambled of boxes {
  fresh label
  redraw object
  question.label = one of A..Z except [label, original.label]
  at previous = any of context.label
}

alternate same of boxes {
}

alternate other of uneven {
  fresh label, object
}

desideratum position on boxes {
  alternate { fresh label; asked != original.asked }
  target    original.object[alternate.asked]
}

# Longer or shorter than their originals, and than one another.
alternate resized of uneven {
  redraw size
}

alternate anew of uneven {
  fresh label
  redraw size, object
}

desideratum stretched on uneven {
  alternate { redraw size; fresh object }
  target    alternate.object
}
"""

STUDY = """entrack 1

include "tasks.et"

about {
  title "A study"
}

param n = 12

model base = local("base")

discover cir in base on n boxes against scrambled {
  score relative probability of answer
  group fetcher     at last     -> logits            keep 5
  group transmitter at last     -> fetcher.query     keep 5
  group detector    at query    -> transmitter.value keep 5
  group reader      at previous -> detector.value    keep 5
}

group written in base at last = 0.1 2.3

intervention only(c) = keep c, mean elsewhere over 10 scrambled

measure acc  = accuracy(base with [nothing, only(cir), mean cir.fetcher over 10 scrambled, zero cir.detector, zero elsewhere]) on 60 boxes
measure prob = probability of answer (base with [nothing, only(cir), zero cir, patch cir from scrambled]) on n boxes
measure far  = logit of answer (base with [nothing, zero written, patch written from other]) on 20 uneven
measure told = accuracy(base with patch written from alternate) on 20 position

claim "it says something"  acc[nothing] >= 0
claim "a claim that fails" acc[nothing] >= 2

figure "Circuit" = diagram(cir)
table "Accuracy" = acc
"""


@frozen
class World:
    """A folder of specs and models."""

    folder: Path

    @property
    def study(self) -> Path:
        return self.folder / "study.et"

    def spec(self, text: str) -> Spec:
        """A spec beside the study, from its text."""
        return loads(
            Source(str(self.folder / "other.et"), f'entrack 1\ninclude "tasks.et"\nmodel base = local("base")\n{text}')
        )

    def load(self, **params: float) -> Spec:
        return load(self.study, **params)

    def prompts(self, name: str, count: int, purpose: str = "measure") -> list[dict[str, Any]]:
        """What other people's code is given: the JSON of `entrack prompts`."""
        found = entrack("prompts", self.study, name, "-n", count, "--for", purpose, "--json")
        assert found.exit_code == 0, found.stderr
        entries: list[dict[str, Any]] = json.loads(found.stdout)
        return entries


def entrack(*arguments: object) -> Result:
    """The command line in this process."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


SIGNS_OF_LIFE = re.compile(r"^( *\d+ % )?after \d+ s.*\n", re.MULTILINE)


def told(stderr: str) -> str:
    """What a process said on stderr, less its signs of life, whose number depends on how quick the machine is."""
    return SIGNS_OF_LIFE.sub("", stderr)


def counted(text: str) -> list[str]:
    """The lines of a document but for those that count the work of a run."""
    return [line for line in text.splitlines() if not line.strip().startswith(('"computed"', '"found"', '"steps"'))]


def make_world(folder: Path, family: str = "llama") -> World:
    more = {"n_positions": 64} if family == "gpt2" else {}
    make_model(folder / "base", heads=4, shared=4, family=family, **more)
    make_model(folder / "grouped", heads=4, shared=2)
    (folder / "tasks.et").write_text(TASKS)
    (folder / "study.et").write_text(STUDY)
    return World(folder)


def make_model(
    folder: Path, heads: int, shared: int, layers: int = 4, seed: int = SEED, family: str = "llama", **more: Any
) -> None:
    """A random model that likes to say one of a few words, so that it is sometimes right."""
    tokenizer = BUILTIN / "boxes-base" / "tokenizer.json"
    known = json.loads(tokenizer.read_text())["model"]["vocab"]
    module = tiny(family, layers, heads, shared, vocab_size=max(known.values()) + 1, **more)
    others = [token for word, token in known.items() if word not in WORDS]
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(float(parameter.dim() == 1), 0.3)
        module.lm_head.weight[others] *= 0.05
    save(module, folder)
    shutil.copy(tokenizer, folder / "tokenizer.json")
