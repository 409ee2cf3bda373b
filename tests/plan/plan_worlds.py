"""A spec whose model is bytes that nobody loads, and the addresses of its steps, as if they had been computed."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path

from attrs import frozen

from entrack.address import address
from entrack.api import loads
from entrack.models.locate import BUILTIN
from entrack.plan.bind import bind, known_zero, screened_out, step_address
from entrack.plan.executor_kind import ExecutorKind
from entrack.plan.plan import Plan, needs
from entrack.plan.steps import Choice, Screen
from entrack.prompts.rng import Stream
from entrack.sites import Site
from entrack.source import Source

CONFIG = {
    "model_type": "llama",
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "hidden_size": 16,
    "vocab_size": 300,
    "intermediate_size": 8,
    "rms_norm_eps": 1e-6,
}
SPEC = """entrack 1

about { title "A title" }
seed 1
param n = 6

model base = local("model")

task boxes {
  object   = 3 distinct from ["apple", "ball", "bell", "book"]
  label    = 3 distinct from A..Z
  asked    = one index of object
  context  = join("the {object} is in Box {label}", ", ")
  question = "Box {label[asked]} contains the"
  prompt   = capitalise("{context}. {question}")
  answer   = object[asked]
  at last  = end of prompt
  at query = question.label
}

alternate scrambled of boxes {
  fresh label
  redraw object
}

discover cir in base on n boxes against scrambled {
  score relative probability of answer
  group first  at last  -> logits      keep 3
  group second at query -> first.value keep 2
}

group written in base at query = 0.1 1.2

intervention only(c) = keep c, mean elsewhere over 5 scrambled

measure plain    = accuracy(base) on n boxes
measure acc      = accuracy(base with [only(cir), zero written]) on n boxes
measure patched  = probability of answer (base with patch written from scrambled) on n boxes
measure after    = accuracy(base with zero cir.second) on n boxes
"""


@frozen
class Made:
    """The addresses of a plan's steps, by what they are for."""

    by_what: dict[str, list[str]]

    @property
    def all(self) -> frozenset[str]:
        return frozenset(found for many in self.by_what.values() for found in many)

    def of(self, *words: str) -> frozenset[str]:
        """Those of the steps whose purpose has one of these words."""
        return frozenset(
            found for what, many in self.by_what.items() for found in many if any(word in what for word in words)
        )


def weights(text: str) -> bytes:
    """A safetensors file of no tensors, told apart by a text in its header."""
    header = json.dumps({"__metadata__": {"text": text}}).encode()
    return struct.pack("<Q", len(header)) + header


def make_model(folder: Path, **config: object) -> None:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(CONFIG | config))
    (folder / "model.safetensors").write_bytes(weights("weights"))
    (folder / "tokenizer.json").write_bytes((BUILTIN / "boxes-base" / "tokenizer.json").read_bytes())


def plan_of(folder: Path, text: str = SPEC, **params: float) -> Plan:
    return loads(Source(str(folder / "spec.et"), text), **params).plan().plan


def made(folder: Path, text: str = SPEC, executor: ExecutorKind = ExecutorKind.OPTIMISED, **params: float) -> Made:
    """Walk a plan as a run would, with made-up values: a value's hash follows from its step's address, a selection
    from what it sees."""
    plan = plan_of(folder, text, **params)
    objects: dict[str, str] = {}
    chosen: dict[str, tuple[Site, ...]] = {}
    by_what: dict[str, list[str]] = {}
    for id, node in plan.nodes.items():
        if isinstance(node, Choice):
            seen = [objects[need] for need in needs(node) if need in objects]
            heads = [Site.of_head(layer, head) for layer in range(node.layers) for head in range(node.heads)]
            many = node.through + node.check if isinstance(node, Screen) else node.keep
            chosen[id] = tuple(Stream(address([seen, node.score, many])).distinct(heads, many))
            continue
        step = bind(node, objects, chosen)
        if not known_zero(step) and not screened_out(step):
            by_what.setdefault(re.sub(r"\s+", " ", plan.what[id]), []).append(step_address(step, executor))
        objects[id] = address(step_address(step, executor))
    return Made(by_what)
