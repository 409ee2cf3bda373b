"""Executors on a real plan whose values are made up: what crosses to one, and what is done when an input is lost on the
way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from enum import Enum
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from drawn_plans import ASKED, BATCHES, MODELS
from stress.walks import Arrays, Study, compute

from entrack.execution import environment, reuse_report
from entrack.execution.coordinator import Coordinator
from entrack.execution.environment import Environment
from entrack.execution.executor import Executor, Outcome, Task
from entrack.execution.local import LocalExecutor
from entrack.execution.repository import Repository, StoredValue
from entrack.execution.reuse_policy import ReusePolicy
from entrack.execution.value_check import Tensors
from entrack.plan.steps import Evaluate, PathPatch, Step
from entrack.store import DiskStore, MemoryStore, StoreError

PLAIN = str | int | float | Path | Enum | None


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return Study.made(tmp_path_factory.mktemp("study"))


class Recording:
    """What was submitted, and what came back."""

    at_once = 1

    def __init__(self, executor: Executor) -> None:
        self.executor = executor
        self.crossed: list[Task | Outcome] = []

    def submit(self, task: Task) -> Future[Outcome]:
        done = self.executor.submit(task)
        self.crossed += [task, done.result(60)]
        return done


def parts(value: object) -> Iterator[object]:
    """All that a value is made of."""
    if attrs.has(type(value)):
        kind: Any = type(value)
        for field in attrs.fields(kind):
            yield from parts(getattr(value, field.name))
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield name
            yield from parts(part)
    elif isinstance(value, tuple | list):
        for part in value:
            yield from parts(part)
    else:
        yield value


def test_content_alone_crosses_to_an_executor(study: Study) -> None:
    repository = Repository(MemoryStore())
    recording = Recording(LocalExecutor(repository, compute))
    Coordinator(study.plan, repository, recording).run()
    assert len(recording.crossed) == 2 * len(study.expected)
    assert any(task.inputs for task in recording.crossed if isinstance(task, Task))
    assert {type(part) for value in recording.crossed for part in parts(value) if not isinstance(part, PLAIN)} == set()
    assert list(parts({"f": compute})) == ["f", compute], "what is no content would be seen"


class Elsewhere:
    """A worker with a store of its own over the same files, in a thread of its own."""

    at_once = 1

    def __init__(self, store: DiskStore, pool: ThreadPoolExecutor) -> None:
        self.pool, self.executor = pool, LocalExecutor(Repository(store), compute)

    def submit(self, task: Task) -> Future[Outcome]:
        return self.pool.submit(lambda: self.executor.submit(task).result(60))


def test_a_worker_needs_nothing_but_the_task_and_the_files(study: Study, tmp_path: Path) -> None:
    with DiskStore(tmp_path) as store, DiskStore(tmp_path) as own, ThreadPoolExecutor(1) as pool:
        run = Coordinator(study.plan, Repository(store), Elsewhere(own, pool))
        run.run()
        assert run.computed == len(study.expected) and study.is_in(store)


class Losing(Repository):
    """A store that has an input of the first path patch no more when its kernel asks for it, `times` over."""

    def __init__(self, times: int) -> None:
        super().__init__(MemoryStore())
        self.times = times
        self.in_a_kernel = False

    def load(self, value: StoredValue) -> Tensors | None:
        if self.in_a_kernel and self.times:
            self.times -= 1
            return None
        return super().load(value)

    def compute(self, step: Step, inputs: Mapping[str, Tensors]) -> tuple[Arrays, Mapping[str, Any]]:
        self.in_a_kernel = isinstance(step, PathPatch)
        try:
            return compute(step, inputs)
        except Exception as error:
            raise RuntimeError("what a kernel makes of it") from error
        finally:
            self.in_a_kernel = False


def test_an_input_that_is_lost_inside_a_kernel_is_computed_again(study: Study) -> None:
    repository = Losing(times=1)
    recording = Recording(LocalExecutor(repository, repository.compute, clock=lambda: 0.0))
    run = Coordinator(study.plan, repository, recording)
    run.run()
    tasks = [value.step for value in recording.crossed if isinstance(value, Task)]
    assert study.is_in(repository.store) and repository.times == 0
    assert len(tasks) == len(study.expected) + 2, "the input and the step, once more each"


def test_an_input_that_is_lost_whenever_it_is_made_is_said(study: Study) -> None:
    repository = Losing(times=10**6)
    run = Coordinator(study.plan, repository, LocalExecutor(repository, repository.compute))
    with pytest.raises(StoreError, match="as soon as it is put there"):
        run.run()


def test_an_error_of_a_kernel_is_not_taken_for_a_lost_input(study: Study) -> None:
    def broken(step: Step, inputs: Mapping[str, Tensors]) -> tuple[Arrays, Mapping[str, Any]]:
        raise ZeroDivisionError("in a kernel")

    repository = Repository(MemoryStore())
    with pytest.raises(ZeroDivisionError, match="in a kernel"):
        Coordinator(study.plan, repository, LocalExecutor(repository, broken)).run()


def test_an_interrupt_comes_out_of_the_call(study: Study) -> None:
    def interrupted(step: Step, inputs: Mapping[str, Tensors]) -> tuple[Arrays, Mapping[str, Any]]:
        raise KeyboardInterrupt

    repository = Repository(MemoryStore())
    first = next(iter(study.plan.nodes.values()))
    assert isinstance(first, Step)
    with pytest.raises(KeyboardInterrupt):
        LocalExecutor(repository, interrupted).submit(Task(first, {}, "", None))


@pytest.mark.parametrize(("there", "taken"), [("NVIDIA H200", True), ("cpu", False)])
def test_values_of_workers_gpus_are_found_where_there_is_no_gpu(
    there: str, taken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "device_here", lambda asked: "cuda")
    monkeypatch.setattr(reuse_report, "device_here", lambda asked: "cuda")
    repository = Repository(MemoryStore(), accept=ReusePolicy.SAME_STACK, environment=Environment("cuda"))
    step = Evaluate(MODELS[0], BATCHES[0], (), ASKED)
    how = {**environment.versions(), "device": there, "machine": environment.machine()}
    action = repository.store.put(repository.address(step), {"logit": np.zeros(1, np.float32)}, how)
    assert (repository.find(step) is not None) == taken
    assert bool(reuse_report.reuse_report([action], repository.environment)) != taken
