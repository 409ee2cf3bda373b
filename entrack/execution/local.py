"""The executor of this process: a step is computed when it is submitted, and its future is done then."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from time import time
from typing import Any

from attrs import field

from entrack.events import Waiting, Watcher, unwatched
from entrack.execution.executor import Computed, Found, InputsLost, Look, Outcome, Task
from entrack.execution.repository import Repository, StoredValue
from entrack.execution.run_record import run_record
from entrack.execution.value_check import Tensors, checked
from entrack.frozen import frozen
from entrack.plan.steps import Step
from entrack.store.base import Action

Compute = Callable[[Step, Mapping[str, Tensors]], tuple[Tensors, Mapping[str, Any]]]
"""An engine: a bound step and its inputs by digest -> its value, and how it was made."""

Keep = Callable[[Step, Tensors, Mapping[str, Any]], Action]
"""Puts the value of a bound step into the store, with a note of how it was made."""


class LocalExecutor:
    """`clock` says when a value was made, in seconds since 1970; `keep` puts a value into the store (default: the
    repository, at once)."""

    at_once = 1

    def __init__(
        self,
        repository: Repository,
        compute: Compute,
        watcher: Watcher = unwatched,
        clock: Callable[[], float] = time,
        keep: Keep | None = None,
    ) -> None:
        self._repository, self._compute, self._watch, self._clock = repository, compute, watcher, clock
        self._keep = keep or repository.put

    def submit(self, task: Task) -> Future[Outcome]:
        future: Future[Outcome] = Future()
        try:
            future.set_result(self.outcome(task))
        except Exception as error:  # an interrupt is not the step's: it comes out of this call
            future.set_exception(error)
        return future

    def outcome(self, task: Task) -> Outcome:
        """What comes of a task, once it has. Raises StoreError and EngineError."""
        if task.look is Look.NOT:
            return self._computed(task)
        own = self._repository.address(task.step)
        with self._repository.store.computing(own, lambda seconds: self._watch(Waiting(task.what))):
            action = self._repository.find(task.step)
            return self._computed(task) if action is None else Found(action)

    def _computed(self, task: Task) -> Outcome:
        inputs = _Inputs(task.inputs, self._repository)
        for digest in task.inputs:  # now, and not inside a kernel
            inputs.read(digest)
        if inputs.lost:
            return InputsLost(tuple(inputs.lost))
        try:
            tensors, how = self._compute(task.step, inputs)
        except Exception:
            if inputs.lost:  # whatever a kernel made of that
                return InputsLost(tuple(inputs.lost))
            raise
        checked(task.step, tensors)
        record = run_record(task.step, how, task.what, task.source, self._repository, self._clock())
        return Computed(self._keep(task.step, tensors, record), float(how.get("forwards", 0)))


class _Lost(Exception):
    """An input was sound, and is there no more."""


@frozen
class _Inputs(Mapping[str, Tensors]):
    """The values that a step needs, by digest, each read when it is asked for: a mean over many prompts need not be
    in memory at once. `lost` names those that could not be read."""

    stored: Mapping[str, StoredValue]
    repository: Repository
    lost: list[str] = field(factory=list, init=False)

    def read(self, digest: str) -> Tensors | None:
        found = self.repository.load(self.stored[digest])
        if found is None and digest not in self.lost:
            self.lost.append(digest)
        return found

    def __getitem__(self, digest: str) -> Tensors:
        found = self.read(digest)
        if found is None:
            raise _Lost
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self.stored)

    def __len__(self) -> int:
        return len(self.stored)
