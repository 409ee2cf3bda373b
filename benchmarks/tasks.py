"""Tasks: what every contender is given to do, as plain values that go through JSON. Standard library only: peers run elsewhere.

A task names tokens, positions, heads and layers; how it is done is the contender's. What comes back is a `Done`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

Tokens = list[list[int]]


@dataclass(frozen=True)
class Size:
    """A model's shape and the prompts it is given. `sampled` is how many layers of senders are run of each hop; 0 is all of them."""

    name: str
    layers: int
    width: int
    heads: int
    shared: int
    mlp: int
    vocabulary: int
    tokens: int
    prompts: int
    sampled: int = 0
    dtype: str = "float32"

    @property
    def d_head(self) -> int:
        return self.width // self.heads

    def words(self) -> str:
        return (
            f"{self.layers} layers x {self.width} wide x {self.heads} heads ({self.shared} key/value heads, MLP {self.mlp}, "
            f"vocabulary {self.vocabulary}), {self.prompts} prompts of {self.tokens} tokens, {self.dtype}"
        )


@dataclass(frozen=True)
class PathPatch:
    """A hop, on the layers named: every head of each is a sender. Receivers are [component, layer, head]; none are the logits.

    Round k patches prompt i from alternate i + k, so that no round can be answered from an earlier one. `few_layers` and
    `few_heads` are the senders of contenders that are too slow for all. A value is named "layer.head".
    """

    row: str
    originals: Tokens
    alternates: Tokens
    at: list[int]
    alternate_at: list[int]
    asked: list[int]
    receivers: list[tuple[str, int, int]]
    layers: list[int]
    few_layers: list[int]
    few_heads: list[int]
    zeros: int
    """How many layers of the model cannot reach a receiver; they are not among `layers`."""

    def senders(self, heads: int, few: bool) -> list[tuple[int, int]]:
        if few:
            return [(layer, head) for layer in self.few_layers for head in self.few_heads]
        return [(layer, head) for layer in self.layers for head in range(heads)]


Task = PathPatch
KINDS: Mapping[str, type] = {"PathPatch": PathPatch}


@dataclass(frozen=True)
class Done:
    """What a contender did: per named value the log probability of the asked token, prompt by prompt; and what it ran for that."""

    values: dict[str, list[float]]
    forwards: float
    token_layers: float


def write(task: Task, path: Path) -> None:
    path.write_text(json.dumps({"kind": type(task).__name__, **asdict(task)}), encoding="utf-8")


def read(path: Path) -> Task:
    fields = json.loads(path.read_text(encoding="utf-8"))
    return KINDS[fields.pop("kind")](**fields)


def rolled(values: list, turn: int) -> list:
    """Round `turn`'s order of the alternates: prompt i gets number i + turn."""
    turn %= len(values)
    return values[turn:] + values[:turn]
