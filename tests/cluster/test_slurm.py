"""The quickstart on jobs of a real Slurm: the same bytes as alone, whatever becomes of the jobs on the way."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import pytest
from cluster_world import PRELOADS, World, comes_to
from slurm_on_loopback import Slurm, happens

JOBS = ("--on", "slurm", "--workers", "2", "--time", "10m")
pytestmark = pytest.mark.timeout(1200)
SLOW = {"DASK_JOBQUEUE__SLURM__WORKER_EXTRA_ARGS": repr(["--preload", str(PRELOADS / "preload_slow.py")])}


@pytest.fixture(autouse=True)
def left_empty(slurm: Slurm) -> Iterator[None]:
    """Each test begins and ends without jobs."""
    yield
    assert happens(lambda: not slurm.jobs(), 90), slurm.call("squeue")


def test_the_same_bytes_and_nothing_twice(world: World, slurm: Slurm) -> None:
    ran = world.run("on-slurm", *JOBS, environment=slurm.environment)
    assert ran.status == 0, ran.err
    assert ran.objects == world.alone.objects
    assert ran.computed == world.alone.computed


def test_a_dry_run_prints_the_script_and_submits_nothing(world: World, slurm: Slurm) -> None:
    options = ("--gpus", "1", "--slurm", "-p all", "--slurm=--mem=4G --cpus-per-task=2", "--dry-run")
    ran = world.run("dry", *JOBS, *options, environment=slurm.environment)
    assert ran.status == 0, ran.err
    lines = ran.out.splitlines()
    for wanted in ("--cpus-per-task=2", "-t 00:10:00", "--gpus=1", "-p all", "--mem=4G"):
        assert f"#SBATCH {wanted}" in lines
    assert "--lifetime 540s" in ran.out and "tls://" in ran.out
    assert not slurm.jobs() and not (world.folder / "dry").exists()


@pytest.mark.parametrize("what", ["requeue", "cancel"])
def test_jobs_that_are_taken_away(world: World, slurm: Slurm, what: str) -> None:
    running = world.started(what, *JOBS, environment={**slurm.environment, **SLOW})
    assert comes_to(world.folder / what, 4)
    job = sorted(slurm.jobs())[0]
    slurm.call(*(("scontrol", "requeue", job) if what == "requeue" else ("scancel", job)))
    ran = world.finished(running, what)
    assert ran.status == 0, ran.err
    assert ran.objects == world.alone.objects and ran.computed == world.alone.computed


def test_jobs_that_are_cancelled_do_not_count_against_the_step_that_they_had(world: World, slurm: Slurm) -> None:
    for old in (*world.folder.glob("begun-*"), *world.folder.glob("quick")):
        old.unlink()
    slow = {**slurm.environment, **SLOW, "SLOWER": "120"}
    running = world.started("called-off", "--on", "slurm", "--workers", "1", "--time", "10m", environment=slow)
    for many in range(4):
        assert happens(lambda: len([*world.folder.glob("begun-*")]) > many, 90)  # noqa: B023  # it is waited for here
        slurm.call("scancel", *slurm.jobs())
    (world.folder / "quick").touch()
    ran = world.finished(running, "called-off")
    (world.folder / "quick").unlink()
    assert ran.status == 0, ran.err
    assert ran.objects == world.alone.objects and ran.computed == world.alone.computed


def test_when_the_time_of_the_jobs_is_up_others_go_on(world: World, slurm: Slurm) -> None:
    slow = {**slurm.environment, **SLOW, "SLOWER": "3"}
    running = world.started("walltime", "--on", "slurm", "--workers", "2", "--time", "1m", environment=slow)
    assert happens(lambda: bool(slurm.jobs()), 30)
    first = set(slurm.jobs())
    ran = world.finished(running, "walltime")
    assert ran.status == 0, ran.err
    assert ran.objects == world.alone.objects and ran.computed == world.alone.computed
    assert int(slurm.call("sbatch", "--parsable", "--wrap=true", "--output=/dev/null")) > int(max(first)) + 2
    assert "DUE TO TIME LIMIT" not in "".join(path.read_text() for path in world.folder.glob("slurm-*.out"))


def test_a_job_uses_the_gpus_that_slurm_gives_it(world: World, slurm: Slurm) -> None:
    slow = {**slurm.environment, **SLOW, "SLOWER": "0"}
    for old in world.folder.glob("visible-*"):
        old.unlink()
    ran = world.run("gpus", *JOBS, "--device", "cpu", "--slurm=--gres=gpu:1", environment=slow)
    assert ran.status == 0, ran.err
    assert {path.read_text() for path in world.folder.glob("visible-*")} == {"0", "1"}


def test_an_interrupt_cancels_the_jobs(world: World, slurm: Slurm) -> None:
    running = world.started("interrupted-slurm", *JOBS, environment={**slurm.environment, **SLOW})
    assert comes_to(world.folder / "interrupted-slurm", 4)
    running.send_signal(signal.SIGINT)
    ran = world.finished(running, "interrupted-slurm")
    assert ran.status == 130 and len(ran.objects) >= 4, ran.err
    assert ran.objects.items() <= world.alone.objects.items()
    assert happens(lambda: not slurm.jobs(), 15)


def test_a_run_that_is_terminated_leaves_no_job_in_the_queue_and_no_key(world: World, slurm: Slurm) -> None:
    keys = {"DASK_JOBQUEUE__SLURM__SHARED_TEMP_DIRECTORY": str(world.folder)}
    many = ("--on", "slurm", "--workers", "9", "--time", "10m")
    running = world.started("terminated-slurm", *many, environment={**slurm.environment, **SLOW, **keys})
    assert comes_to(world.folder / "terminated-slurm", 4) and [*world.folder.glob(".dask-jobqueue*")]
    running.send_signal(signal.SIGTERM)
    ran = world.finished(running, "terminated-slurm")
    assert ran.status == 143, ran.err
    assert happens(lambda: not slurm.jobs(), 15) and not [*world.folder.glob(".dask-jobqueue*")]


def test_jobs_end_when_the_run_is_killed(world: World, slurm: Slurm) -> None:
    running = world.started("killed-slurm", *JOBS, environment={**slurm.environment, **SLOW})
    assert comes_to(world.folder / "killed-slurm", 4)
    running.kill()
    world.finished(running, "killed-slurm")
    assert happens(lambda: not slurm.jobs(), 90)


def test_jobs_that_end_before_a_worker_comes_are_named(world: World, slurm: Slurm) -> None:
    broken = {**slurm.environment, "DASK_JOBQUEUE__SLURM__JOB_SCRIPT_PROLOGUE": repr(["exit 1"])}
    began = time.monotonic()
    ran = world.run("broken", *JOBS, environment=broken)
    assert ran.status == 3 and "no workers: 2 jobs ended before a worker came" in ran.err, ran.err
    assert time.monotonic() - began < 60
