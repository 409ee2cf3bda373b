"""The executor that has workers behind it: each step in hand has a thread of this process, which takes the step's lock,
reads its inputs, waits until a worker has computed it, checks the value and has it stored. The store is written by one
thread of this process alone; no worker sees it.
"""

from __future__ import annotations

import resource
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock
from time import time
from typing import Any

from entrack import interrupts
from entrack.diagnostics.escape import clip
from entrack.events import Event, Waiting, Watcher, unwatched
from entrack.execution.executor import Outcome, Task
from entrack.execution.local import LocalExecutor
from entrack.execution.repository import Repository
from entrack.execution.value_check import Tensors
from entrack.models.key import ModelSource
from entrack.models.locate import need_files
from entrack.plan.steps import Step
from entrack.store.base import Action, lock_of
from entrack.workers.base import Workers
from entrack.workers.errors import PoisonedStep, WorkerCalledOff, WorkerLost

ATTEMPTS = 3
"""How many workers may be lost over a step. One that was called off is not."""
CALLED_OFF = 20
"""How many may be called off over a step: one that takes longer than any worker is given would be begun for ever, and
so would one that takes all memory, where the machine ends such processes by SIGTERM."""
MOST = 4096
"""Steps in hand, at most."""
FILES, OTHERS = 4, 128
"""Files that are open for a step in hand - its lock, the gate, two pipes - and all others."""

interrupts.put_off_in(ThreadPoolExecutor.submit)  # its lock would stay held, and `close` wait for it


class WorkersExecutor:
    """An `Executor` of what `workers` compute. A little more is in hand than they compute at once, so that none waits
    while another value is stored. Is closed, also where something failed: then no thread and no worker is left."""

    def __init__(
        self,
        repository: Repository,
        workers: Workers,
        watcher: Watcher = unwatched,
        clock: Callable[[], float] = time,
    ) -> None:
        self._repository, self._workers, self._watch, self._clock = repository, workers, watcher, clock
        self._threads = ThreadPoolExecutor(MOST, "entrack-step")
        self._writer = ThreadPoolExecutor(1, "entrack-store")
        self._closed = False
        self._counting, self._locks = Lock(), Counter[str]()
        """The locks that steps in hand have or wait for, and how many of them."""

    @property
    def at_once(self) -> int:
        computed = max(1, self._workers.at_once)
        return min(MOST, _files_allow(computed + max(1, computed // 4)))

    def submit(self, task: Task) -> Future[Outcome]:
        return self._threads.submit(self._outcome, task)

    def close(self) -> None:
        """End the workers, drop what they have in hand, and let what is being stored be stored."""
        self._closed = True
        try:
            self._workers.close()
        finally:
            self._threads.shutdown(cancel_futures=True)
            self._writer.shutdown()

    def _outcome(self, task: Task) -> Outcome:
        lock = lock_of(self._repository.address(task.step))
        executor = LocalExecutor(
            self._repository,
            lambda step, inputs: self._computed(task, inputs),
            lambda event: self._tell(event, lock),
            self._clock,
            self._kept,
        )
        with self._counted(lock):
            return executor.outcome(task)

    @contextmanager
    def _counted(self, lock: str) -> Iterator[None]:
        with self._counting:
            self._locks[lock] += 1
        try:
            yield
        finally:
            with self._counting:
                self._locks[lock] -= 1

    def _computed(self, task: Task, inputs: Mapping[str, Tensors]) -> tuple[Tensors, Mapping[str, Any]]:
        """Raises PoisonedStep, and ModelMissing before a worker is started for a model that none can have."""
        try:
            return computed(self._workers, task.step, inputs, task.source, task.what, lambda: self._closed)
        except PoisonedStep as poisoned:
            raise PoisonedStep(f"{poisoned}. What else was in hand has been stored") from None

    def _kept(self, step: Step, tensors: Tensors, record: Mapping[str, Any]) -> Action:
        return self._writer.submit(self._repository.put, step, tensors, record).result()

    def _tell(self, event: Event, lock: str) -> None:
        """Something happens in a thread; who waits for a lock is told that it is over. That one waits for another step
        of this run is not told."""
        if self._closed:
            raise WorkerLost("the run has ended")
        if isinstance(event, Waiting) and self._locks[lock] > 1:
            return
        self._watch(event)


def computed(
    workers: Workers,
    step: Step,
    inputs: Mapping[str, Tensors],
    source: ModelSource | None,
    what: str,
    over: Callable[[], bool] = lambda: False,
) -> tuple[Tensors, Mapping[str, Any]]:
    """What a worker makes of a step; another one where the first is lost, until it is `over`. `what` the step is for
    is said of one that is PoisonedStep. Raises that, and ModelMissing before a worker is started for a model that none
    can have."""
    if source is not None:
        need_files(source)
    losses = called_off = 0
    lost: WorkerLost
    while True:
        try:
            return workers.compute(step, inputs, source)
        except WorkerCalledOff as ended:
            lost, called_off = ended, called_off + 1
        except WorkerLost as ended:
            lost, losses = ended, losses + 1
        if over():
            raise lost
        if losses == ATTEMPTS:
            raise PoisonedStep(f"{ATTEMPTS} workers were lost over one step, {clip(what, 200)}: {lost}")
        if called_off == CALLED_OFF:
            raise PoisonedStep(f"{CALLED_OFF} workers were called off over one step, {clip(what, 200)}: {lost}")


def _files_allow(wanted: int) -> int:
    """As many steps in hand as this process may have files open for. Asks the system for more files where it is
    not enough."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = FILES * wanted + OTHERS
    if soft == resource.RLIM_INFINITY or needed <= soft:
        return wanted
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if allowed > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return max(1, (max(allowed, soft) - OTHERS) // FILES)
