"""`await spec.run_async()`: what `run` gives, several at once, and broken off where it is cancelled."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import torch
from e2e_world import World

from entrack import ArgumentError, Results, Spec, interrupts
from entrack.awaiting import in_thread
from entrack.events import Event, StepDone, StepStarted
from entrack.store import MemoryStore


async def until(said: Callable[[], object]) -> None:
    for _ in range(6000):
        if said():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError


def test_two_at_once_give_what_each_gives_alone(world: World) -> None:
    """In threads that take turns: torch is set as the engine wants it in every step of either."""
    threads: set[int] = set()

    def watch(event: Event) -> None:
        threads.add(threading.get_ident())

    async def both() -> list[Results]:
        runs = [world.load(n=n).run_async(MemoryStore(), watcher=each) for n, each in ((11, watch), (12, watch))]
        return list(await asyncio.gather(*runs))

    one, two = asyncio.run(both())
    assert len(threads) == 2 and threading.get_ident() not in threads
    assert one == world.load(n=11).run(MemoryStore()) and two == world.load(n=12).run(MemoryStore())
    assert not torch.are_deterministic_algorithms_enabled()


def test_the_event_loop_goes_on(world: World) -> None:
    async def beside() -> int:
        run, beats = asyncio.create_task(world.load().run_async(MemoryStore())), 0
        while not run.done():
            await asyncio.sleep(0.01)
            beats += 1
        await run
        return beats

    assert asyncio.run(beside()) > 3


def test_what_was_finished_is_kept_where_it_is_cancelled(world: World) -> None:
    store, done = MemoryStore(), [0]

    def count(event: Event) -> None:
        done[0] += isinstance(event, StepDone)

    async def broken_off(spec: Spec) -> bool:
        task = asyncio.create_task(spec.run_async(store, watcher=count))
        await until(lambda: done[0] >= 3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError, match="what was finished is kept") as caught:
            await task
        shown: Any = caught.value
        assert shown._render_traceback_() == [str(shown)]
        return task.cancelled()

    spec = world.load()
    assert asyncio.run(broken_off(spec))
    finished, before = done[0], len(list(store.addresses()))
    time.sleep(0.2)
    assert len(list(store.addresses())) == before, "nothing goes on behind"
    results = spec.run(store)
    assert results.provenance.found >= finished and results.provenance.computed
    assert results.measures == spec.run(MemoryStore()).measures


def test_it_ends_before_a_step_is_done(world: World) -> None:
    """A step may be long, so it is looked before each pass."""
    begun = threading.Event()
    asked: list[bool] = []

    def watch(event: Event) -> None:
        if isinstance(event, StepStarted) and not begun.is_set():
            begun.set()
            while not asked:
                threading.Event().wait(0.005)

    async def broken_off() -> None:
        store = MemoryStore()
        task = asyncio.create_task(world.load().run_async(store, watcher=watch))
        await until(begun.is_set)
        task.cancel()
        await asyncio.sleep(0.05)
        asked.append(True)
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not list(store.addresses())

    asyncio.run(broken_off())


def test_a_time_limit_is_a_timeout() -> None:
    async def limited() -> None:
        async with asyncio.timeout(0.02):
            await in_thread(lambda: interrupted_within(60))

    with pytest.raises(TimeoutError):
        asyncio.run(limited())


def interrupted_within(seconds: float) -> None:
    """Work that looks whether it should stop."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        interrupts.check()
        time.sleep(0.001)
    raise AssertionError("nobody stopped it")


def test_who_cancels_again_does_not_wait() -> None:
    go, ended = threading.Event(), threading.Event()

    def stubborn() -> None:
        go.wait(60)
        ended.set()

    async def twice() -> None:
        task = asyncio.create_task(in_thread(stubborn))
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.sleep(0.05)
        assert not task.done(), "it waits for the thread"
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not ended.is_set()
        go.set()

    asyncio.run(twice())
    assert ended.wait(60)


@pytest.mark.parametrize(
    ("options", "kind"), [({"threads": -3}, ArgumentError), ({"nonsense": 1}, TypeError), ({"store": 7}, ArgumentError)]
)
def test_it_raises_what_run_raises(world: World, options: dict[str, Any], kind: type[Exception]) -> None:
    with pytest.raises(kind):
        asyncio.run(world.load().run_async(**options))
