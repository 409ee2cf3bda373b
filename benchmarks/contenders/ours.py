"""entrack's own executors, driven by their steps: the optimised one, and the reference one that everything is held
against."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.contenders import base
from benchmarks.tasks import Circuits, Done, Grid, Interchange, Mask, PathPatch, Placed, Tokens, rolled
from entrack.engine.engine import Engine
from entrack.model_config import read_facts
from entrack.models.key import ModelKey, ModelSource
from entrack.plan import steps
from entrack.plan.executor_kind import ExecutorKind
from entrack.plan.schedule import DEFAULT, Memory
from entrack.plan.steps import (
    At,
    Batch,
    Capture,
    Elsewhere,
    Evaluate,
    FromCapture,
    FromMean,
    MaskBatch,
    Receivers,
    Ref,
    Set,
    Spans,
    SumOutputs,
)
from entrack.sites import Part, Site


class Contender(base.Contender):
    executor: ExecutorKind = ExecutorKind.OPTIMISED

    def __init__(self, folder: Path, device: str) -> None:
        super().__init__()
        facts = read_facts(config := json.loads((folder / "config.json").read_text(encoding="utf-8")))
        self.key = ModelKey("weights", "config", "tokenizer", facts, dtype=config["dtype"])
        self.source = ModelSource("benchmark", folder)
        self.device = device
        self.engine: Engine
        self.memory: int | None = None
        """A budget in bytes for everything beside the model, or what the engine takes by itself."""

    def forget(self) -> None:
        """From here on an engine that has seen nothing, but whose model is loaded."""
        super().forget()
        self.engine = Engine(
            {self.key: self.source},
            executor=self.executor,
            device=self.device,
            memory=DEFAULT if self.memory is None else Memory.of(self.memory),
        )
        self.compute(Evaluate(self.key, Batch(((0,),)), (), ((0,),)))

    def compute(self, step: Any, inputs: Any = None) -> Any:
        return self.engine.compute(step, inputs or {})

    def captured(self, tokens: Tokens, at: list[int], part: Part = Part.OUTPUT) -> np.ndarray:
        """z, or what MLPs give, at one token a prompt. -> (layer, prompt, head, d_head) or (layer, prompt, d_model)"""
        found: np.ndarray = self.compute(Capture(self.key, batch(tokens), tuple(at), part=part)).tensors[part.value]
        return found

    def done(self, values: dict[str, list[float]], tokens: Tokens, forwards: float, **more: Any) -> Done:
        return Done(values, forwards, forwards * len(tokens) * len(tokens[0]) * self.key.facts.layers, **more)


class Hop:
    """A hop as one step a layer. Alternates are captured beforehand, as they are in a run, whose hops share them."""

    def __init__(self, contender: Contender, task: PathPatch) -> None:
        self.contender, self.task = contender, task
        self.part = Part.MLP if task.mlps else Part.OUTPUT
        self.alternate = contender.captured(task.alternates, task.alternate_at, self.part)

    def __call__(self, turn: int) -> Done:
        values: dict[str, list[float]] = {}
        forwards, order = 0.0, rolled(list(range(len(self.task.originals))), turn)
        inputs = {ref(turn).id: {self.part.value: np.ascontiguousarray(self.alternate[:, order])}}
        for layer in self.task.layers:
            computed = self.contender.compute(self.step(layer, turn), inputs)
            forwards += float(computed.how["forwards"])
            for name, rows in zip(self.names(layer), computed.tensors["log_probability"], strict=True):
                values[name] = rows[:, 0].tolist()
        return self.contender.done(values, self.task.originals, forwards)

    def names(self, layer: int) -> list[str]:
        return self.task.senders(layer, 1) if self.task.mlps else [f"{layer}.{head}" for head in self.heads()]

    def heads(self) -> Iterable[int]:
        return (
            self.task.heads
            if self.contender.executor is ExecutorKind.REFERENCE
            else range(self.contender.key.facts.heads)
        )

    def step(self, layer: int, turn: int) -> steps.PathPatch:
        task = self.task
        groups = tuple(Receivers(Part(component), (Site.of_head(at, head),)) for component, at, head in task.receivers)
        senders = None if task.mlps else tuple(Site.of_head(layer, head) for head in self.heads())
        batch_, asked_ = batch(task.originals), asked(task.asked)
        return steps.PathPatch(
            self.contender.key, batch_, asked_, tuple(task.at), layer, ref(turn), groups, senders, self.part
        )


class Masked:
    """What more steps cost: a training of some steps less one of a single step, both with one check."""

    def __init__(self, contender: Contender, task: Mask) -> None:
        self.contender, self.task = contender, task

    def __call__(self, turn: int) -> Done:
        more = self.task.steps if self.contender.executor is ExecutorKind.REFERENCE else self.task.many
        short, long = (self.contender.compute(self.step(turn, steps)) for steps in (1, 1 + more))
        seconds, forwards = (float(long.how[name]) - float(short.how[name]) for name in ("seconds", "forwards"))
        losses = {"loss": long.tensors["loss"][: self.task.steps].tolist()}
        return self.contender.done(losses, self.task.originals, forwards, seconds=seconds, units=more)

    def step(self, turn: int, steps_: int) -> steps.TrainMask:
        task = self.task
        heads = tuple(Site.of_head(layer, head) for layer, head in task.heads)
        alternates, at = rolled(task.alternates, turn), tuple(rolled(task.alternate_at, turn))
        pair = MaskBatch(batch(task.originals), batch(alternates), tuple(task.at), at, tuple(task.target))
        return steps.TrainMask(self.contender.key, heads, (pair,), (pair,), task.sparsity, steps_, task.rate, 1000)


class Edited:
    """Variants, each an evaluation with edits."""

    def __init__(self, contender: Contender, task: Any) -> None:
        self.contender, self.task = contender, task

    def evaluated(self, variants: Mapping[str, tuple[Any, ...]], inputs: Any) -> Done:
        values, forwards, task = {}, 0.0, self.task
        for name, edits in variants.items():
            computed = self.contender.compute(
                Evaluate(self.contender.key, batch(task.originals), edits, asked(task.asked)), inputs
            )
            values[name] = computed.tensors["log_probability"][:, 0].tolist()
            forwards += float(computed.how["forwards"])
        return self.contender.done(values, task.originals, forwards)

    def by_position(self, heads: Placed) -> dict[str, tuple[Site, ...]]:
        names = sorted({position for position, _, _ in heads})
        return {
            name: tuple(Site.of_head(layer, head) for position, layer, head in heads if position == name)
            for name in names
        }


class Circuited(Edited):
    def __init__(self, contender: Contender, task: Circuits) -> None:
        super().__init__(contender, task)
        self.inputs = {"sums": contender.compute(SumOutputs(contender.key, batch(task.others))).tensors}

    def __call__(self, turn: int) -> Done:
        assert isinstance(self.task, Circuits)
        variants = self.task.turns[turn % len(self.task.turns)]
        return self.evaluated({name: self.edits(name, heads) for name, heads in variants.items()}, self.inputs)

    def edits(self, name: str, heads: Placed) -> tuple[Any, ...]:
        source, groups = FromMean((Ref("sums"),)), self.by_position(heads).items()
        if name.startswith("keep"):
            return (Set(Elsewhere(tuple(At(heads, tuple(self.task.positions[at])) for at, heads in groups)), source),)
        return tuple(Set(At(heads, tuple(self.task.positions[at])), source) for at, heads in groups)


class Interchanged(Edited):
    def __init__(self, contender: Contender, task: Interchange) -> None:
        super().__init__(contender, task)
        self.alternates = {
            name: contender.captured(task.alternates, at) for name, at in task.alternate_positions.items()
        }

    def __call__(self, turn: int) -> Done:
        assert isinstance(self.task, Interchange)
        order = rolled(list(range(len(self.task.originals))), turn)
        inputs = {
            f"{name} {turn}": {"output": np.ascontiguousarray(z[:, order])} for name, z in self.alternates.items()
        }
        return self.evaluated({name: self.edits(heads, turn) for name, heads in self.task.variants.items()}, inputs)

    def edits(self, heads: Placed, turn: int) -> tuple[Any, ...]:
        groups = self.by_position(heads).items()
        return tuple(
            Set(At(heads, tuple(self.task.positions[at])), FromCapture(Ref(f"{at} {turn}"))) for at, heads in groups
        )


class Gridded(Edited):
    """A cell is an evaluation with one edit; the alternates are captured at all tokens of the grid at once."""

    def __init__(self, contender: Contender, task: Grid) -> None:
        super().__init__(contender, task)
        step = Capture(contender.key, batch(task.alternates), self.spans(), part=Part.RESIDUAL)
        self.alternate: np.ndarray = contender.compute(step).tensors["residual"]
        """(layer, prompt, token, d_model)"""

    def spans(self) -> Spans:
        return Spans((tuple(self.task.tokens),) * len(self.task.originals))

    def __call__(self, turn: int) -> Done:
        order = rolled(list(range(len(self.task.originals))), turn)
        cells = self.task.few if self.contender.executor is ExecutorKind.REFERENCE else self.task.cells()
        inputs = {self.ref(layer, token, turn).id: self.value(layer, token, order) for layer, token in cells}
        return self.evaluated({f"{layer}.{token}": self.edits(layer, token, turn) for layer, token in cells}, inputs)

    def ref(self, layer: int, token: int, turn: int) -> Ref:
        return Ref(f"{layer}.{token} {turn}")

    def value(self, layer: int, token: int, order: list[int]) -> dict[str, np.ndarray]:
        """What a capture of the site at the token alone would have. -> (1, prompt, d_model)"""
        return {"residual": self.alternate[layer, order, self.task.tokens.index(token)][None]}

    def edits(self, layer: int, token: int, turn: int) -> tuple[Set, ...]:
        site, at = Site(layer, Part.RESIDUAL), (token,) * len(self.task.originals)
        return (Set(At((site,), at), FromCapture(self.ref(layer, token, turn))),)


def ref(turn: int) -> Ref:
    return Ref(f"alternate {turn}")


def batch(tokens: Tokens) -> Batch:
    return Batch(tuple(map(tuple, tokens)))


def asked(tokens: list[int]) -> tuple[tuple[int, ...], ...]:
    return tuple((token,) for token in tokens)


Contender.makers = {PathPatch: Hop, Mask: Masked, Circuits: Circuited, Interchange: Interchanged, Grid: Gridded}
