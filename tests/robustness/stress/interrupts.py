"""Ctrl-C in this process, at random times and at chosen places: it arrives though it be swallowed, no lock is left
held, and what comes next gives the bytes that an undisturbed call gives.

The exception is kept until all is looked at, as a notebook keeps the last one: what its frames hold on to is held on
to.
"""

from __future__ import annotations

import fcntl
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from attrs import define, frozen
from engine_models import ALTERNATES, ASKED, EXECUTORS, MODELS, ORIGINALS, SPREAD, Saved, capture, save
from test_engine import PAIR, path_patch

from entrack import interrupts
from entrack.engine import tracing
from entrack.engine.engine import Engine
from entrack.plan.steps import Evaluate, Step, TrainMask
from entrack.sites import Site
from entrack.store import DiskStore, locks
from stress.ctrl_c import LOSING, at_an_event, at_an_instant, events_of
from stress.tried import Tally, Tried
from stress.walks import Study


@contextmanager
def losing(lose: Callable[[], None], at: int) -> Iterator[list[int]]:
    """The interrupt comes, and is lost, in the `at`th attention of what is run. -> how many passes had begun by
    then, and in the end"""
    from transformers.models.llama import modeling_llama

    rotary, trace, run, begun = modeling_llama.apply_rotary_pos_emb, tracing._trace, 0, [0, 0]

    def attending(*given: Any, **named: Any) -> Any:
        nonlocal run
        run += 1
        if run == at:
            begun[0] = begun[1]
            lose()
        return rotary(*given, **named)

    def counted(*given: Any, **named: Any) -> Any:
        begun[1] += 1
        return trace(*given, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(modeling_llama, "apply_rotary_pos_emb", attending)
        patch.setattr(tracing, "_trace", counted)
        yield begun


# --- the engine --------------------------------------------------------------------------------------------------


@frozen
class Bench:
    """An engine, a step, and the bytes that it gives."""

    name: str
    engine: Engine
    step: Step
    inputs: Any
    expected: dict[str, bytes]
    seconds: float
    events: tuple[int, int]
    """Of a call with the model in memory, and of one that loads it first."""

    @classmethod
    def made(cls, saved: Saved, executor: str, step: Step, inputs: Any) -> Bench:
        engine = saved.engine(executor)
        loading = events_of(lambda: engine.compute(step, inputs))
        start = time.perf_counter()
        expected = engine.compute(step, inputs).tensors
        seconds = time.perf_counter() - start
        events = events_of(lambda: engine.compute(step, inputs))
        return cls(
            f"{type(step).__name__}, {executor}", engine, step, inputs, _bytes(expected), seconds, (events, loading)
        )

    def work(self) -> object:
        return self.engine.compute(self.step, self.inputs)

    def check(self) -> None:
        """All is as it was, and the next call gives the bytes that it must."""
        assert not torch.are_deterministic_algorithms_enabled() and torch.is_grad_enabled(), "torch was left changed"
        assert torch.get_default_dtype() == torch.float32 and torch.empty(1).device.type == "cpu"
        assert sys.gettrace() is None or "coverage" in sys.modules, "a trace function was left behind"
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler, "the handler was left behind"
        assert not interrupts._State.depth
        found = self.engine.compute(self.step, self.inputs).tensors
        assert _bytes(found) == self.expected, "other bytes than those of a call that nothing disturbed"


def _bytes(tensors: dict[str, np.ndarray]) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in tensors.items()}


def benches(folder: Path) -> list[Bench]:
    saved = save(MODELS["llama"](), folder)
    inputs, heads = capture(saved, ALTERNATES, SPREAD), (Site.of_head(0, 0), Site.of_head(1, 1))
    patching, training = path_patch(saved), TrainMask(saved.key, heads, (PAIR,), (PAIR,), 0.01, 5, 0.1)
    asking = Evaluate(saved.key, ORIGINALS, (), ASKED)
    return [
        Bench.made(saved, executor, step, inputs) for step in (patching, training, asking) for executor in EXECUTORS
    ]


def of_the_engine(count: int, seed: int, folder: Path) -> Tried:
    """`count` interrupted calls of an engine on a small random model, in every way in turn."""
    tally, chance, used = Tally(), random.Random(seed), Counted()
    with _usual_handler(), torch.random.fork_rng():
        for number in range(count):
            if number % 2000 == 0:
                places = benches(folder / str(number))
            bench = places[number % len(places)]
            with tally.case(f"{bench.name}, {number} of seed {seed}"):
                caught = _interrupted(bench, number // len(places), chance, used)
                bench.check()
                del caught
    tally.notes.append(str(used))
    return tally.tried


@define
class Counted:
    instants: int = 0
    events: int = 0
    lost: int = 0
    quicker: int = 0

    def __str__(self) -> str:
        return (
            f"{self.instants} at instants, {self.events} at events, {self.lost} lost on the way; "
            f"{self.quicker} calls were quicker"
        )


def _interrupted(bench: Bench, number: int, chance: random.Random, used: Counted) -> BaseException | None:
    """Interrupt a call. Raises AssertionError where that does not arrive."""
    match number % 4:
        case 0:
            used.instants += 1
            caught = at_an_instant(bench.work, chance, 1.5 * bench.seconds)
        case 1 | 2 as loads:
            used.events += 1
            if loads == 2:
                bench.engine.forget()
            caught = at_an_event(bench.work, chance, bench.events[loads - 1])
            if caught is None:  # the calls differ a little: this one was shorter
                used.quicker += 1
                return None
        case _:
            used.lost += 1
            caught = lost(bench, LOSING[number // 4 % len(LOSING)], chance)
    assert caught is not None, "the interrupt got lost"
    return caught


def lost(bench: Bench, lose: Callable[[], None], chance: random.Random) -> BaseException | None:
    """An interrupt that is swallowed in a pass: it is seen before the next pass begins."""
    bench.engine._activations.clear()  # so that there are passes
    with losing(lose, chance.randint(1, 3)) as begun:
        try:
            bench.work()
        except KeyboardInterrupt as caught:
            assert begun[0] == begun[1], f"{lose.__name__}: {begun[1] - begun[0]} passes were begun after it"
            return caught
    raise AssertionError(f"{lose.__name__}: the interrupt got lost")


@contextmanager
def _usual_handler() -> Iterator[None]:
    """A shell starts what it runs in the background with Ctrl-C ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


# --- the store ---------------------------------------------------------------------------------------------------


def of_runs(count: int, seed: int, folder: Path) -> Tried:
    """`count` interruptions of runs with made-up steps, through one store after the other: nothing is left locked,
    half-written or lost."""
    tally, chance, study = Tally(), random.Random(seed), Study.made(folder)
    events = events_of(lambda: _run(study, folder / "counted"))
    place, quicker = 0, 0
    with _usual_handler():
        for number in range(count):
            with tally.case(f"run {number} of seed {seed}"):
                caught = at_an_event(lambda: _run(study, folder / str(place)), chance, events)  # noqa: B023
                check_unlocked(folder / str(place))
                if caught is None:  # it came to its end: the next store
                    quicker += 1
                    assert study.is_in(DiskStore(folder / str(place)))
                    assert not list((folder / str(place)).rglob(".tmp-*")), "a temporary file was left"
                    place += 1
                del caught
    tally.notes.append(f"{place + 1} stores")
    return tally.tried


@interrupts.watched()
def _run(study: Study, folder: Path) -> None:
    with DiskStore(folder) as store:
        study.run(store)


def check_unlocked(folder: Path) -> None:
    """Nobody in this process holds a lock of the store, and no temporary file is left but an index in the making,
    which the next one removes."""
    assert not getattr(locks._here, "held", False), "this thread is said to hold a step"
    for path in (folder / "locks").glob("*"):
        fd = os.open(path, os.O_RDWR)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AssertionError(f"the lock {path.name} is held") from None
        finally:
            os.close(fd)
    left = [
        path.name
        for path in folder.rglob(".tmp-*")
        if not (path.name.startswith(".tmp-index-") and path.parent == folder)
    ]
    assert not left, f"temporary files were left: {left}"
