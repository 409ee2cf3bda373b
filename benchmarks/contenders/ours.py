"""entrack's own executors, driven by their steps: the batched one, and the plain one that everything is held against."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.tasks import Done, PathPatch, Task, Tokens, rolled
from entrack.engine.engine import Engine
from entrack.facts import read_facts
from entrack.models.model import ModelKey, ModelSource
from entrack.plan.steps import Batch, Capture, Evaluate, Receivers, Ref
from entrack.plan.steps import PathPatch as PathPatchStep
from entrack.sites import Component, Head

EXECUTOR = "batched"


class Contender:
    executor = EXECUTOR

    def __init__(self, folder: Path, device: str) -> None:
        facts = read_facts(config := json.loads((folder / "config.json").read_text(encoding="utf-8")))
        self.key = ModelKey("weights", "config", "tokenizer", facts, dtype=config["dtype"])
        self.source = ModelSource("benchmark", folder)
        self.device = device
        self.engine: Engine
        self.runs: Callable[[int], Done] | None = None

    def forget(self) -> None:
        """From here on an engine that has seen nothing, but whose model is loaded."""
        self.runs = None
        self.engine = Engine({self.key: self.source}, executor=self.executor, device=self.device)  # type: ignore[arg-type]
        self.compute(Evaluate(self.key, Batch(((0,),)), (), ((0,),)))

    def prepare(self, task: Task) -> None:
        """Make what the task's steps need of other steps."""
        self.runs = MAKERS[type(task)](self, task)

    def run(self, turn: int) -> Done:
        assert self.runs is not None
        return self.runs(turn)

    def compute(self, step: Any, inputs: Any = None) -> Any:
        return self.engine.compute(step, inputs or {})


class Hop:
    """A hop as one step a layer. Alternates are captured beforehand, as they are in a run, whose hops share them."""

    def __init__(self, contender: Contender, task: PathPatch) -> None:
        self.contender, self.task = contender, task
        self.batch = batch(task.originals)
        self.alternate = contender.compute(Capture(contender.key, batch(task.alternates), tuple(task.alternate_at))).tensors["z"]

    def __call__(self, turn: int) -> Done:
        order = rolled(list(range(len(self.task.originals))), turn)
        inputs = {ref(turn).id: {"z": np.ascontiguousarray(self.alternate[:, order])}}
        found = {layer: self.contender.compute(self.step(layer, turn), inputs) for layer in self.task.layers}
        values = {
            f"{layer}.{head}": rows[:, 0].tolist()
            for layer, computed in found.items()
            for head, rows in enumerate(computed.tensors["log_probability"])
        }
        return done(self.contender, self.batch, values, sum(float(computed.how["forwards"]) for computed in found.values()))

    def step(self, layer: int, turn: int) -> PathPatchStep:
        task = self.task
        groups = tuple(Receivers(Component(component), (Head(at, head),)) for component, at, head in task.receivers)
        asked = tuple((token,) for token in task.asked)
        return PathPatchStep(self.contender.key, self.batch, asked, tuple(task.at), layer, ref(turn), groups)


def ref(turn: int) -> Ref:
    return Ref(f"alternate {turn}")


def batch(tokens: Tokens) -> Batch:
    return Batch(tuple(map(tuple, tokens)))


def done(contender: Contender, batch: Batch, values: dict[str, list[float]], forwards: float) -> Done:
    return Done(values, forwards, forwards * batch.prompts * batch.length * contender.key.facts.layers)


MAKERS = {PathPatch: Hop}
