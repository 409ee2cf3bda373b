"""The quickstart on workers of Dask: the same bytes as alone, whatever becomes of the workers on the way."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster_world import PRELOADS, DaskCluster, World, comes_to, dask_cluster
from slurm_on_loopback import happens

pytestmark = [pytest.mark.usefixtures("dask"), pytest.mark.timeout(1200)]
SLOW = ("--preload", str(PRELOADS / "preload_slow.py"))
POISON = ("--preload", str(PRELOADS / "preload_poison.py"))
OTHER = ("--preload", str(PRELOADS / "preload_another_version.py"))


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[DaskCluster]:
    with dask_cluster(tmp_path / "dask") as cluster:
        yield cluster


def test_the_same_bytes_and_nothing_twice(world: World, empty: DaskCluster) -> None:
    empty.add()
    empty.add()
    ran = world.run("on-dask", "--on", empty.on)
    assert ran.status == 0, ran.err
    assert ran.objects == world.alone.objects
    assert ran.computed == world.alone.computed == len(ran.objects)


def test_large_requests_are_put_on_their_worker_first(world: World, empty: DaskCluster) -> None:
    empty.add()
    ran = world.run("large", "--on", empty.on, before="from entrack.workers import dask; dask.LARGE = 1000; ")
    assert ran.status == 0, ran.err
    assert ran.objects == world.alone.objects


def test_a_full_store_asks_no_scheduler(world: World) -> None:
    ran = world.run("alone", "--on", "dask://127.0.0.1:1")
    assert (ran.status, ran.computed) == (0, 0), ran.err


def test_a_scheduler_that_does_not_answer_is_named(world: World) -> None:
    ran = world.run("nowhere", "--on", "dask://127.0.0.1:1")
    assert ran.status == 3 and "no workers: no Dask scheduler answers at tcp://127.0.0.1:1" in ran.err


def test_workers_that_are_killed_and_workers_that_come_later(world: World, empty: DaskCluster) -> None:
    draw = random.Random(5)
    for _ in range(2):
        empty.add(*SLOW, environment={"SLOWER": "0.3"})
    running = world.started("killed", "--on", empty.on)
    for many in (3, 8, 13, 18, 23):
        assert comes_to(world.folder / "killed", many)
        empty.kill(draw.choice(empty.alive))
        empty.add(*SLOW, environment={"SLOWER": "0.3"})
    ran = world.finished(running, "killed")
    assert ran.status == 0, ran.err
    assert ran.objects == world.alone.objects and ran.computed == world.alone.computed


def test_a_run_waits_for_its_first_worker(world: World, empty: DaskCluster) -> None:
    running = world.started("late", "--on", empty.on)
    time.sleep(5)
    assert running.poll() is None
    empty.add()
    ran = world.finished(running, "late")
    assert ran.status == 0 and ran.objects == world.alone.objects, ran.err


def test_a_worker_of_another_version_is_not_used(world: World, empty: DaskCluster) -> None:
    empty.add(*OTHER)
    ran = world.run("refused", "--on", empty.on)
    assert ran.status == 3 and "worker refused: " in ran.err and "entrack 0.0.9 there, 0.1.0 here" in ran.err
    empty.add()
    ran = world.run("refused", "--on", empty.on)
    assert ran.status == 0 and ran.objects == world.alone.objects, ran.err
    assert "warning: a worker is not used: " in ran.err


def test_workers_that_are_asked_to_terminate_do_not_count_against_their_step(world: World, empty: DaskCluster) -> None:
    running = world.started("terminated", "--on", empty.on)
    for many in range(4):
        empty.add(*SLOW, nanny=True, environment={"SLOWER": "60"})
        assert happens(lambda: len([*empty.folder.glob("begun-*")]) > many, 60)  # noqa: B023  # it is waited for here
        empty.workers[-1].terminate()
        empty.workers[-1].wait(60)
    empty.add()
    ran = world.finished(running, "terminated")
    assert ran.status == 0, ran.err
    assert ran.objects == world.alone.objects


def test_a_step_that_kills_workers_is_named_and_the_rest_is_kept(world: World, empty: DaskCluster) -> None:
    empty.add(*POISON, nanny=True)
    ran = world.run("poisoned", "--on", empty.on)
    assert ran.status == 3 and "poisoned step: 3 workers were lost over one step, cir" in ran.err, ran.err
    assert 0 < len(ran.objects) < len(world.alone.objects)
    assert ran.objects.items() <= world.alone.objects.items()


def test_an_interrupt_lets_go_of_what_was_sent_and_keeps_what_was_computed(world: World, empty: DaskCluster) -> None:
    empty.add(*SLOW)
    empty.add(*SLOW)
    running = world.started("interrupted", "--on", empty.on)
    assert comes_to(world.folder / "interrupted", 6)
    began = time.monotonic()
    running.send_signal(signal.SIGINT)
    ran = world.finished(running, "interrupted")
    assert ran.status == 130 and time.monotonic() - began < 10, ran.err
    assert 6 <= len(ran.objects) < len(world.alone.objects)
    again = world.run("interrupted", "--on", empty.on)
    assert again.objects == world.alone.objects
    assert again.computed == len(again.objects) - len(ran.objects)
