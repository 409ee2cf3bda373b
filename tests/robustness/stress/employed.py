"""Workers that are killed at random times: the run ends as one that nothing disturbs, and no step is computed again but
those that went with a worker."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from attrs import field, frozen
from plan_worlds import SPEC
from store_tools import ROOT

from entrack import separate_process
from entrack.execution.coordinator import Coordinator
from entrack.execution.repository import Repository
from entrack.store import DiskStore, verify
from entrack.workers import message
from entrack.workers.executor import WorkersExecutor
from entrack.workers.processes import Processes
from entrack.workers.room import Room
from entrack.workers.worker import Settings
from stress.tried import Tally, Tried
from stress.walks import Study, Telling

PROGRAM = Path(__file__).with_name("made_up_worker.py")
PATHS = ("", "tests", "tests/plan", "tests/store", "tests/robustness")
KILLS, SLOWEST = 2, 1.0
"""Of one run, so that no step can lose three workers by chance; and seconds between two."""


@frozen
class Seen:
    """The processes that were started, and how many requests were written."""

    started: list[subprocess.Popen[bytes]] = field(factory=list)
    requests: list[int] = field(factory=list)

    @property
    def alive(self) -> Sequence[subprocess.Popen[bytes]]:
        return [process for process in self.started if process.poll() is None]


@contextmanager
def seen(program: Path | None = PROGRAM) -> Iterator[Seen]:
    """Workers run this program (None: their own), and what is started and asked is seen."""
    found, start, request = Seen(), separate_process.worker, message.request

    def started(own: Path, environment: dict[str, str], trouble: Any) -> subprocess.Popen[bytes]:
        paths = os.pathsep.join(str(ROOT / path) for path in PATHS)
        found.started.append(start(program or own, {**environment, "PYTHONPATH": paths}, trouble))
        return found.started[-1]

    def asked(*given: Any) -> bytes:
        found.requests.append(1)
        return request(*given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(separate_process, "worker", started)
        patch.setattr(message, "request", asked)
        yield found
    assert not found.alive, "a worker has outlived its run"


def employed(study: Study, folder: Path, many: int) -> tuple[Coordinator, list[str]]:
    """A run with so many workers. -> what it has computed, and the addresses that were put into the store, as they
    came"""
    put: list[str] = []
    with Telling(folder) as store:
        store.tell = put.append
        repository = Repository(store)
        workers = Processes(Room(many, {}), Settings())
        executor = WorkersExecutor(repository, workers, clock=lambda: 0.0)
        try:
            run = Coordinator(study.plan, repository, executor)
            run.run()
        finally:
            executor.close()
    return run, put


def killed(count: int, seed: int, folder: Path) -> Tried:
    """`count` kills of workers, two in a run at most."""
    tally, chance, study = Tally(), random.Random(seed), Study.made(folder, SPEC.replace("n = 6", "n = 120"))
    done = hits = runs = 0
    while done < count and runs < count:
        runs += 1
        place = folder / f"store {runs}"
        with tally.case(f"run {runs} of seed {seed}", cases=KILLS):
            with seen() as found, _killing(found, chance) as kills:
                run, put = employed(study, place, 2)
            done += len(kills)
            assert sorted(put) == sorted(study.expected), "a step was stored twice, or not at all"
            assert run.computed == len(study.expected)
            assert len(found.requests) - len(put) <= len(kills), "a step was computed again that was not lost"
            hits += len(found.requests) - len(put)
            with DiskStore(place) as store:
                assert study.is_in(store) and verify(store).whole
    tally.notes.append(f"{runs} runs, {done} kills, {hits} steps went with a worker")
    return tally.tried


@contextmanager
def _killing(found: Seen, chance: random.Random) -> Iterator[list[int]]:
    """Meanwhile workers are killed at random times. -> those that were"""
    kills, over = list[int](), threading.Event()

    def kill() -> None:
        while len(kills) < KILLS and not over.wait(chance.uniform(0, SLOWEST)):
            if found.alive:
                process = chance.choice(found.alive)
                with suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL)
                    kills.append(process.pid)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        yield kills
    finally:
        over.set()
        killer.join(10)
