"""Reading a boxes prompt from its text alone, and drawing prompts of the shipped boxes tasks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from attrs import frozen

from entrack.api import Spec, loads
from entrack.cli.prompts import prompts_json
from entrack.source import Source

ROOT = Path(__file__).parents[2]
HEAD = 'entrack 1\ninclude "boxes/boxes.et"\nmodel base = builtin("boxes-base")\n'


@frozen
class Boxes:
    """What a person reads: label and object of each box, in order, and the label asked about."""

    labels: list[str]
    objects: list[str]
    asked: str

    @property
    def answer(self) -> str:
        return self.objects[self.labels.index(self.asked)]


def read(entry: dict[str, Any]) -> Boxes:
    boxes = re.findall(r"[Tt]he (\w+) is in Box (\w+)", entry["text"])
    asked = re.search(r"\. Box (\w+) contains the$", entry["text"])
    assert asked, entry["text"]
    return Boxes([label for _, label in boxes], [thing for thing, _ in boxes], asked[1])


def spec(more: str = "", head: str = HEAD) -> Spec:
    """A spec beside the shipped ones."""
    return loads(Source(str(ROOT / "specs" / "drawn.et"), head + more))


def drawn(name: str, count: int, more: str = "", purpose: str = "measure") -> list[dict[str, Any]]:
    """What `entrack prompts --json` shows."""
    return prompts_json(spec(more).prompts(name, count, purpose=purpose)[0])
