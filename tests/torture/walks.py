"""A whole run without a model: a real plan, walked through a real store, whose steps are made up in about a millisecond.

The value of a step follows from its address and from the values that it builds on, so a wrong value anywhere shows in all that follow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray
from plan_worlds import CONFIG, make_model, plan_of

from entrack.address import address
from entrack.events import unwatched
from entrack.executors.here import Walk
from entrack.executors.shelf import Shelf
from entrack.plan.bind import step_address
from entrack.plan.plan import Plan
from entrack.plan.steps import Capture, CaptureInputs, Evaluate, PathPatch, Step, SumOutputs
from entrack.store import DiskStore, MemoryStore, Store

Arrays = dict[str, NDArray[Any]]
LAYERS, HEADS, D_HEAD = int(CONFIG["num_hidden_layers"]), int(CONFIG["num_attention_heads"]), 4


@frozen
class Study:
    """A plan, and what a run of it that nothing disturbs puts where: object by address."""

    plan: Plan
    expected: Mapping[str, str]

    @classmethod
    def made(cls, folder: Path) -> Study:
        make_model(folder / "model")
        plan, store = plan_of(folder), MemoryStore()
        run(plan, store)
        return cls(plan, {address: store.find(address).object for address in store.addresses()})  # type: ignore[union-attr]

    def run(self, store: Store) -> int:
        """Run it, and say how many steps were computed."""
        return run(self.plan, store)

    def is_in(self, store: Store) -> bool:
        """Whether the store has everything, and nothing else, with the values that it must have."""
        found = {name: store.find(name) for name in self.expected}
        whole = {name: action.object for name, action in found.items() if action and store.load(action) is not None}
        return whole == self.expected and set(store.addresses()) <= set(self.expected)


class Telling(DiskStore):
    """A store that says each address when it is kept, and not before."""

    tell: Callable[[str], object]

    def put(self, address: str, tensors_: Mapping[str, NDArray[Any]], how: Mapping[str, Any]) -> Any:
        action = super().put(address, tensors_, how)
        self.tell(address)
        return action


def telling(folder: Path, tell: Callable[[str], object]) -> Telling:
    store = Telling(folder)
    store.tell = tell
    return store


def run(plan: Plan, store: Store) -> int:
    """Walk the plan and read every value, as the results of a run do. -> how many steps were computed"""
    walk = Walk(plan, Shelf(store), compute, unwatched, clock=lambda: 0.0)  # stores are compared byte by byte
    walk.run()
    for id in filter(walk.made, plan.steps):
        walk.value(id)
    return walk.computed


def compute(step: Step, inputs: Mapping[str, Any]) -> tuple[Arrays, Mapping[str, Any]]:
    """What an engine would be asked for. -> made-up tensors of the right shapes, and how they were made"""
    seen = {name: [array.tobytes() for _, array in sorted(value.items())] for name, value in inputs.items()}
    chance = np.random.default_rng(int(address([step_address(step), seen])[:16], 16))
    return {name: np.asarray(array) for name, array in _made(step, chance).items()}, {"device": "none"}


def _made(step: Step, chance: np.random.Generator) -> Arrays:
    prompts = step.batch.prompts  # type: ignore[union-attr]  # no mask is trained here
    match step:
        case Capture():
            return {"z": chance.normal(size=(LAYERS, prompts, HEADS, D_HEAD)).astype("float32")}
        case CaptureInputs():
            return {step.component.value: chance.normal(size=(LAYERS, prompts, HEADS, D_HEAD)).astype("float32")}
        case SumOutputs():
            return {"sum": chance.normal(size=(LAYERS, step.batch.length, HEADS, D_HEAD)), "count": np.int64(prompts)}  # type: ignore[dict-item]
        case Evaluate():
            return _outcome(chance, (prompts,), len(step.asked[0]))
        case PathPatch():
            senders = HEADS if step.senders is None else len(step.senders)  # type: ignore[arg-type]  # bound
            return _outcome(chance, (senders, prompts), len(step.asked[0]))
    raise AssertionError(f"no such step in this study: {type(step).__name__}")


def _outcome(chance: np.random.Generator, shape: tuple[int, ...], asked: int) -> Arrays:
    logit = chance.normal(size=(*shape, asked)).astype("float32")
    return {"top": chance.integers(0, 300, size=shape), "logit": logit, "log_probability": logit - 5}
