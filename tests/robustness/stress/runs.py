"""Whole runs with a model, killed or interrupted at random times: what was finished is kept, and the next run goes
on to the same bytes."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from attrs import frozen
from e2e_world import World, counted, make_world, told
from store_tools import environment

from entrack.cli.interrupted import SAID, STATUS
from entrack.events import Event, RunFinished, StepDone
from entrack.report.document import document
from entrack.store import DiskStore, MemoryStore, verify
from stress.children import Tell, in_a_child
from stress.tried import Tally, Tried

LEAVE = 3.0
"""Seconds in which an interrupted run has ended."""


@frozen
class Clean:
    """What an undisturbed run gives: its document, how many steps it computes, and the seconds it takes."""

    text: str
    steps: int
    seconds: float

    @classmethod
    def of(cls, world: World) -> Clean:
        start = time.perf_counter()
        results = world.load().run(MemoryStore())
        return cls(document(results), results.provenance.computed, time.perf_counter() - start)


def marking_run(world: World, store: Path, tell: Tell, meanwhile: Callable[[int], object] = int) -> None:
    """A run that tells of each step that it has done, then calls `meanwhile` with how many there are."""
    done = 0

    def watch(event: Event) -> None:
        nonlocal done
        if isinstance(event, StepDone) and not event.found:
            done += 1
            tell(str(done))
            meanwhile(done)

    world.load().run(store, watcher=watch)


def check_the_next_run(world: World, store: Path, told: int, clean: Clean) -> None:
    """`told` steps were said to be done: they are there, are not done again, and the document is that of a clean
    run."""
    finished = len(list(DiskStore(store).addresses())) if store.exists() else 0
    assert finished >= told, "what was told to be done is gone"
    events: list[Event] = []
    results = world.load().run(store, watcher=events.append)
    assert results.provenance.computed == clean.steps - finished, "something that was finished was repeated"
    assert isinstance(events[-1], RunFinished)
    assert counted(document(results)) == counted(clean.text)
    assert verify(DiskStore(store)).whole


def killed(count: int, seed: int, folder: Path) -> Tried:
    """`count` runs of a study on a small random model, killed at a random time, and run again."""
    tally, chance, world = Tally(), random.Random(seed), _world(folder)
    clean = Clean.of(world)
    for number in range(count):
        store = folder / f"store {number}"
        with tally.case(f"kill {number} of seed {seed}"):
            ended = in_a_child(partial(marking_run, world, store), chance.uniform(0, clean.seconds))
            assert not ended.trouble, ended.trouble
            check_the_next_run(world, store, len(ended.told), clean)
    return tally.tried


def interrupted(count: int, seed: int, folder: Path) -> Tried:
    """`count` times Ctrl-C for `entrack run`, at a random time: it says so, ends at once, and the next run goes on."""
    tally, chance, world = Tally(), random.Random(seed), _world(folder)
    clean, slowest = Clean.of(world), 0.0
    seconds = _seconds_of_a_run(world, folder / "clean")
    for number in range(count):
        store = folder / f"store {number}"
        with tally.case(f"Ctrl-C {number} of seed {seed}"):
            slowest = max(slowest, _interrupt(world, store, chance.uniform(0, seconds)))
            check_the_next_run(world, store, 0, clean)
    tally.figure(f"the slowest left in {slowest:.2f} s", slowest, LEAVE)
    return tally.tried


def _world(folder: Path) -> World:
    (folder / "world").mkdir()
    return make_world(folder / "world")


COMMAND = """
import signal
# a shell starts what it runs in the background with Ctrl-C ignored
signal.signal(signal.SIGINT, signal.default_int_handler)
from entrack.cli.main import main
print("started", flush=True)
main()
"""


def _start(world: World, store: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", COMMAND, "run", str(world.study), "--store", str(store), "--threads", "1"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())


def _seconds_of_a_run(world: World, store: Path) -> float:
    start = time.perf_counter()
    _start(world, store).communicate(timeout=300)
    return time.perf_counter() - start


def _interrupt(world: World, store: Path, after: float) -> float:
    """-> how long it took to leave"""
    process = _start(world, store)
    assert process.stdout is not None and process.stdout.readline() == "started\n"
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
    since = time.perf_counter()
    said, trouble = process.communicate(timeout=300)
    taken = time.perf_counter() - since
    assert "Traceback" not in trouble, trouble
    if process.returncode != STATUS:  # it was quicker
        assert process.returncode == 0 and "a claim that fails" in said and not told(trouble), (
            process.returncode,
            said,
            trouble,
        )
        return 0.0
    assert trouble.splitlines()[-1:] == [SAID], trouble  # a run of more than some seconds says how far it is
    return taken
