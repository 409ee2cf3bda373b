"""Workers without processes: they make values up, take as long as chance says, get lost, and give values that come out
another the next time. With them a repository that loses what it is told to."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from threading import Lock
from typing import Any

from stress.walks import compute

from entrack.address import address
from entrack.events import Event
from entrack.execution.coordinator import Coordinator
from entrack.execution.repository import Repository, StoredValue
from entrack.execution.value_check import Tensors
from entrack.models.key import ModelSource
from entrack.plan.bind import step_address
from entrack.plan.plan import Plan
from entrack.plan.steps import Step
from entrack.store.base import Action, Store
from entrack.workers.base import Workers
from entrack.workers.errors import WorkerLost
from entrack.workers.executor import WorkersExecutor

Meanwhile = Callable[[Step], object]


class MadeUp(Workers):
    """`many` workers whose steps take up to `seconds`. `lost` is the share of steps that a worker is lost over;
    `bent` are addresses of steps whose value comes out another the first time. `asked` counts what came, by address."""

    def __init__(
        self,
        many: int,
        chance: random.Random,
        seconds: float = 0.0,
        lost: float = 0.0,
        bent: Collection[str] = (),
        meanwhile: Meanwhile = id,
    ) -> None:
        self.many, self.chance, self.seconds, self.lost, self.meanwhile = many, chance, seconds, lost, meanwhile
        self.left = set(bent)
        self.asked: Counter[str] = Counter()
        self.losses = self.together = self.most = 0
        self.closed = False
        self.changing = Lock()

    @property
    def at_once(self) -> int:
        return self.many

    def compute(
        self, step: Step, inputs: Mapping[str, Tensors], source: ModelSource | None
    ) -> tuple[Tensors, Mapping[str, Any]]:
        own = step_address(step)
        with self.changing:
            self.asked[own] += 1
            self.together += 1
            self.most = max(self.most, self.together)
            seconds, lost = self.chance.uniform(0, self.seconds), self.chance.random() < self.lost
            bent = own in self.left
            self.left.discard(own)
        try:
            time.sleep(seconds)
            self.meanwhile(step)
            if lost or self.closed:
                self.losses += 1
                raise WorkerLost("made up")
            return compute(step, {**dict(inputs), **({"bent": {}} if bent else {})})
        finally:
            with self.changing:
                self.together -= 1

    def close(self) -> None:
        self.closed = True


class Losing(Repository):
    """Loses the values with these addresses when they are read for the first time, and has them no more until they are
    made again."""

    def __init__(self, store: Store, addresses: Collection[str] = ()) -> None:
        super().__init__(store)
        self.left, self.gone, self.changing = set(addresses), set[str](), Lock()

    def find(self, step: Step) -> Action | None:
        action = super().find(step)
        return None if action is not None and action.object in self.gone else action

    def load(self, value: StoredValue) -> Tensors | None:
        with self.changing:
            if value.action.address in self.left:
                self.left.discard(value.action.address)
                self.gone.add(value.action.object)
            lost = value.action.object in self.gone
        return None if lost else super().load(value)

    def put(self, step: Step, tensors: Tensors, record: Mapping[str, Any]) -> Action:
        action = super().put(step, tensors, record)
        with self.changing:
            self.gone.discard(action.object)
        return action


def walked(
    plan: Plan, repository: Repository, workers: Workers, watcher: Callable[[Event], object] = id
) -> Coordinator:
    """A run of a plan with these workers, to its end and through its values; they are closed whatever happens."""
    executor = WorkersExecutor(repository, workers, watcher, clock=lambda: 0.0)  # type: ignore[arg-type]  # what it gives nobody takes
    try:
        run = Coordinator(plan, repository, executor, watcher)  # type: ignore[arg-type]
        run.run()
        for id in filter(run.made, plan.steps):
            run.value(id)
        return run
    finally:
        executor.close()


def some(addresses: Collection[str], share: float, chance: random.Random) -> set[str]:
    """So large a share of addresses, by chance."""
    return {one for one in sorted(addresses) if chance.random() < share}


def salt(seed: int, what: str) -> random.Random:
    """Chance for one purpose."""
    return random.Random(address([seed, what]))
