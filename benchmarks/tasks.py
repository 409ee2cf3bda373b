"""Tasks: what every contender is given to do, as plain values that go through JSON. Standard library only: peers run
elsewhere.

A task names tokens, positions, heads and layers; how it is done is the contender's. What comes back is a `Done`. Each
round is another `turn` of a task, so that no round can be answered from an earlier one: prompt i is patched from
alternate i + turn, or other heads are kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

Tokens = list[list[int]]
Placed = list[tuple[str, int, int]]
"""Heads, each with the name of the position at which it is meant: (position, layer, head)."""


@dataclass(frozen=True)
class Size:
    """A model's shape and the prompts it is given. Of each hop senders in `sampled` layers are run, and by the plain
    executor `few` heads of these; of a grid cells of `sampled` layers at `positions` tokens, and by those that make a
    full pass for each `few` of a layer's; 0 is all."""

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
    few: int = 0
    positions: int = 15
    dtype: str = "float32"
    family: str = "llama"

    @property
    def d_head(self) -> int:
        return self.width // self.heads

    def words(self) -> str:
        return (
            f"{self.layers} layers x {self.width} wide x {self.heads} heads ({self.shared} key/value heads, "
            f"MLP {self.mlp}, "
            f"vocabulary {self.vocabulary}), {self.prompts} prompts of {self.tokens} tokens, {self.dtype}"
            f"{'' if self.family == 'llama' else f', {self.family}'}"
        )


@dataclass(frozen=True)
class PathPatch:
    """A hop. Receivers are (component, layer, head); none are the logits. A value is a sender's, named "layer.head", or
    "layer.mlp" with `mlps`.

    Senders are all heads of `layers`, or their MLPs; of heads, those of contenders that make a full pass for each are
    `heads` of these; and of contenders that are slower still, the first of `heads` in the middle one of `layers`.
    `zeros` layers cannot reach a receiver, and are not among `layers`.
    """

    row: str
    originals: Tokens
    alternates: Tokens
    at: list[int]
    alternate_at: list[int]
    asked: list[int]
    receivers: Placed
    layers: list[int]
    heads: list[int]
    zeros: int
    mlps: bool = False

    def senders(self, layer: int, many: int) -> list[str]:
        """The names of the first senders of a layer."""
        return [f"{layer}.mlp"] if self.mlps else [f"{layer}.{head}" for head in range(many)]

    def slow_senders(self) -> list[tuple[int, int]]:
        return [(self.layers[len(self.layers) // 2], self.heads[0])]


@dataclass(frozen=True)
class Mask:
    """Training a mask over heads at one position. A step costs what more steps take: `steps`, or `many` where they
    are short, so that the rest of a training weighs little. Values are the losses of the first `steps`."""

    row: str
    originals: Tokens
    alternates: Tokens
    at: list[int]
    alternate_at: list[int]
    target: list[int]
    heads: list[tuple[int, int]]
    steps: int
    many: int
    sparsity: float
    rate: float


@dataclass(frozen=True)
class Circuits:
    """Heads kept with the mean over `others` elsewhere, or set to the mean in the whole model: by turn, variants by
    name.

    A name says "keep" or "remove" first. Contenders that are slow do the first `slow` of a turn.
    """

    row: str
    originals: Tokens
    others: Tokens
    positions: dict[str, list[int]]
    turns: list[dict[str, Placed]]
    asked: list[int]
    slow: int = 2


@dataclass(frozen=True)
class Interchange:
    """Head outputs taken from the alternates, each variant's heads together. Contenders that are slow do the first
    `slow` variants."""

    row: str
    originals: Tokens
    alternates: Tokens
    positions: dict[str, list[int]]
    alternate_positions: dict[str, list[int]]
    variants: dict[str, Placed]
    asked: list[int]
    slow: int = 2

    def slow_variants(self) -> dict[str, Placed]:
        return dict(list(self.variants.items())[: self.slow])


@dataclass(frozen=True)
class Grid:
    """Activation patching, cell by cell: the residual stream before a layer, at one token of each prompt, taken from
    the alternate at the same token. A value is a cell's, named "layer.token".

    Cells are all of `layers` at all of `tokens`; those of contenders that make a full pass for each are `few` of these.
    """

    row: str
    originals: Tokens
    alternates: Tokens
    layers: list[int]
    tokens: list[int]
    asked: list[int]
    few: list[tuple[int, int]]

    def cells(self) -> list[tuple[int, int]]:
        return [(layer, token) for layer in self.layers for token in self.tokens]


Task = PathPatch | Mask | Circuits | Interchange | Grid
BY_PROMPT = ("originals", "alternates", "at", "alternate_at", "asked", "target")
KINDS: Mapping[str, type] = {kind.__name__: kind for kind in (PathPatch, Mask, Circuits, Interchange, Grid)}


@dataclass(frozen=True)
class Done:
    """What a contender did: per named value the log probability of the asked token prompt by prompt (or losses), and
    what it ran for that.

    `seconds` and `units` stand where the time is not that of the whole, or the units are not the values.
    """

    values: dict[str, list[float]]
    forwards: float
    token_layers: float
    seconds: float | None = None
    units: int | None = None


def write(task: Task, path: Path) -> None:
    path.write_text(json.dumps({"kind": type(task).__name__, **asdict(task)}), encoding="utf-8")


def read(path: Path) -> Any:
    fields = json.loads(path.read_text(encoding="utf-8"))
    return KINDS[fields.pop("kind")](**fields)


def split(task: Task, most: int) -> list[Any]:
    """The task on at most so many prompts at a time. Alternates are rolled within a part."""
    prompts = len(task.originals)
    return [_part(task, slice(start, start + most)) for start in range(0, prompts, most)] if prompts > most else [task]


def _part(task: Any, part: slice) -> Any:
    cut = {name: getattr(task, name)[part] for name in BY_PROMPT if hasattr(task, name)}
    for name in ("positions", "alternate_positions"):
        if hasattr(task, name):
            cut[name] = {position: tokens[part] for position, tokens in getattr(task, name).items()}
    return replace(task, **cut)


def rolled(values: list[Any], turn: int) -> list[Any]:
    """A turn's order of the alternates: prompt i gets number i + turn."""
    turn %= len(values)
    return values[turn:] + values[:turn]
