"""A whole run without a model: a real plan, walked through a real store, whose steps are made up in about a
millisecond.

The value of a step follows from its address and from the values that it builds on, so a wrong value anywhere shows in
all that follow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray
from plan_worlds import SPEC, make_model, plan_of

from entrack.address import address
from entrack.execution.coordinator import Coordinator
from entrack.execution.local import LocalExecutor
from entrack.execution.repository import Repository
from entrack.plan.bind import step_address
from entrack.plan.plan import Plan
from entrack.plan.steps import Step, kind_of
from entrack.plan.value_forms import Array
from entrack.store import DiskStore, MemoryStore, Store

Arrays = dict[str, NDArray[Any]]


@frozen
class Study:
    """A plan, and what a run of it that nothing disturbs puts where: object by address."""

    plan: Plan
    expected: Mapping[str, str]

    @classmethod
    def made(cls, folder: Path, text: str = SPEC) -> Study:
        make_model(folder / "model")
        make_model(folder / "tuned", rms_norm_eps=1e-5)
        plan, store = plan_of(folder, text), MemoryStore()
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
    repository = Repository(store)
    executor = LocalExecutor(repository, compute, clock=lambda: 0.0)  # stores are compared byte by byte
    walk = Coordinator(plan, repository, executor)
    walk.run()
    for id in filter(walk.made, plan.steps):
        walk.value(id)
    return walk.computed


def compute(step: Step, inputs: Mapping[str, Any]) -> tuple[Arrays, Mapping[str, Any]]:
    """What an engine would be asked for. -> made-up tensors of the right shapes, and how they were made"""
    seen = {name: [array.tobytes() for _, array in sorted(value.items())] for name, value in inputs.items()}
    chance = np.random.default_rng(int(address([step_address(step), seen])[:16], 16))
    return {name: _made(form, chance) for name, form in kind_of(step).form(step).items()}, {"device": "none"}


def _made(form: Array, chance: np.random.Generator) -> NDArray[Any]:
    """Numbers of a form, no two values alike."""
    if form.dtype == "int64":
        return np.asarray(chance.integers(int(form.least), int(form.most) + 1, size=form.shape))
    if np.isfinite([form.least, form.most]).all():
        return chance.uniform(form.least, form.most, size=form.shape).astype(form.dtype)
    some = chance.normal(size=form.shape)
    return (some if np.isinf(form.most) else form.most - 1 - np.abs(some)).astype(form.dtype)
