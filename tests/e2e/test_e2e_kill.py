"""Runs that are killed or interrupted: what was finished is kept, and the next run goes on to the same bytes.

`ENTRACK_TORTURE_COUNT` says how often to kill.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import frozen
from e2e_world import World, entrack
from test_e2e_laws import counted

from entrack.events import Event, RunFinished, StepDone
from entrack.report.document import document
from entrack.store import DiskStore, MemoryStore, verify

TIMES = int(os.environ.get("ENTRACK_TORTURE_COUNT", "4"))


@frozen
class Clean:
    """What an undisturbed run gives: its document, how many steps it computes, and the seconds it takes."""

    text: str
    steps: int
    seconds: float


@pytest.fixture(scope="module")
def clean(world: World) -> Clean:
    start = time.perf_counter()
    results = world.load().run(MemoryStore())
    return Clean(document(results), results.provenance.computed, time.perf_counter() - start)


def in_a_child(work: Callable[[], object]) -> int:
    """Run `work` in a fork of this process, and wait for it. -> its exit status, or minus the signal that ended it"""
    child = os.fork()
    if child == 0:
        status = 70
        try:
            work()
            status = 0
        except SystemExit as leaving:
            status = int(leaving.code or 0)
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killed_run(world: World, store: Path, told: Path, die: Callable[[int], object]) -> None:
    """A run that marks each step as it is done, then asks `die` with how many there are."""
    done = 0

    def watch(event: Event) -> None:
        nonlocal done
        if isinstance(event, StepDone) and not event.found:
            done += 1
            with told.open("a") as stream:
                stream.write(".")
            die(done)

    die(0)
    world.load().run(store, watcher=watch)


def check_the_next_run(world: World, store: Path, told: Path, clean: Clean) -> None:
    finished = len(list(DiskStore(store).addresses())) if store.exists() else 0
    assert finished >= (told.stat().st_size if told.exists() else 0), "what was told to be done is there"
    events: list[Event] = []
    results = world.load().run(store, watcher=events.append)
    assert results.provenance.computed == clean.steps - finished, "nothing that was finished is repeated"
    assert isinstance(events[-1], RunFinished)
    assert counted(document(results)) == counted(clean.text)
    assert verify(DiskStore(store)).whole


@pytest.mark.parametrize("seed", range(TIMES))
def test_killed_at_any_time(world: World, clean: Clean, tmp_path: Path, seed: int) -> None:
    delay = random.Random(seed).uniform(0.1, 1.1) * clean.seconds

    def die(done: int) -> None:
        if not done:
            timer = threading.Timer(delay, os.kill, (os.getpid(), signal.SIGKILL))
            timer.daemon = True
            timer.start()

    status = in_a_child(lambda: killed_run(world, tmp_path / "store", tmp_path / "told", die))
    assert status in (0, -signal.SIGKILL)
    check_the_next_run(world, tmp_path / "store", tmp_path / "told", clean)


@pytest.mark.parametrize("steps", [1, 9])
def test_killed_after_a_step(world: World, clean: Clean, tmp_path: Path, steps: int) -> None:
    status = in_a_child(lambda: killed_run(world, tmp_path / "store", tmp_path / "told", lambda done: done == steps and os.kill(os.getpid(), signal.SIGKILL)))
    assert status == -signal.SIGKILL
    assert len(list(DiskStore(tmp_path / "store").addresses())) == steps
    check_the_next_run(world, tmp_path / "store", tmp_path / "told", clean)


# --- Ctrl-C ------------------------------------------------------------------------------------------------------

DRIVER = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts what it runs in the background with Ctrl-C ignored
WHEN, COUNT = sys.argv.pop(1), 0

class Import:
    def find_spec(self, name, path=None, target=None):
        if name == WHEN:
            signal.raise_signal(signal.SIGINT)

def interrupting(forward):
    def inner(*given, **named):
        global COUNT
        COUNT += 1
        if COUNT == 20:
            signal.raise_signal(signal.SIGINT)
        return forward(*given, **named)
    return inner

if WHEN == "forward":
    from transformers.models.llama.modeling_llama import LlamaMLP
    LlamaMLP.forward = interrupting(LlamaMLP.forward)
else:
    sys.meta_path.insert(0, Import())
from entrack.cli.app import main
main()
"""


@pytest.mark.parametrize("when", ["forward", "torch.functional", "entrack.check.check", "entrack.findings.assemble"])
def test_interrupted(world: World, clean: Clean, tmp_path: Path, when: str) -> None:
    """Ctrl-C in the middle of a forward pass, and while modules are loaded."""
    command = [sys.executable, "-c", DRIVER, when, "run", str(world.study), "--store", str(tmp_path / "store"), "--threads", "1"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 130, ended.stderr
    assert ended.stdout == ""
    assert ended.stderr.strip().splitlines() == ["interrupted: what was finished is kept; the same command goes on from there"]
    if when == "forward":
        finished = len(list(DiskStore(tmp_path / "store").addresses()))
        assert 0 < finished < clean.steps
        assert entrack("run", world.study, "--store", tmp_path / "store").exit_code == 0
        check_the_next_run(world, tmp_path / "store", tmp_path / "told", clean)
