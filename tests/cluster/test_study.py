"""The whole study of specs/boxes on Dask, Ray and Slurm: the same bytes as alone, also when a hundred workers are
killed on the way."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from cluster_world import World, comes_to, dask_cluster
from slurm_on_loopback import Slurm

KILLS = int(os.environ.get("KILLS", "100"))
SEED = int(os.environ.get("SEED", "15"))
AT_ONCE = 2
pytestmark = pytest.mark.timeout(4 * 3600)


def test_two_workers_of_dask(study: World, dask: None, tmp_path: Path) -> None:
    with dask_cluster(tmp_path / "dask") as cluster:
        cluster.add()
        cluster.add()
        ran = study.run("on-dask", "--on", cluster.on)
    assert ran.status == 0, ran.err
    assert ran.objects == study.alone.objects
    assert ran.computed == study.alone.computed


def test_two_actors_of_ray(study: World, ray: None) -> None:
    ran = study.run("on-ray", "--on", "ray", "--workers", "2")
    assert ran.status == 0, ran.err
    assert ran.objects == study.alone.objects
    assert ran.computed == study.alone.computed


def test_two_jobs_of_slurm(study: World, slurm: Slurm) -> None:
    ran = study.run("on-slurm", "--on", "slurm", "--workers", "2", "--time", "1h", environment=slurm.environment)
    assert ran.status == 0, ran.err
    assert ran.objects == study.alone.objects
    assert ran.computed == study.alone.computed


def test_a_hundred_workers_that_are_killed(study: World, dask: None, tmp_path: Path) -> None:
    draw = random.Random(SEED)
    at = sorted(draw.sample(range(1, len(study.alone.objects) - 1), KILLS))
    with dask_cluster(tmp_path / "dask") as cluster:
        for _ in range(AT_ONCE):
            cluster.add()
        running = study.started("killed", "--on", cluster.on)
        for many in at:
            assert comes_to(study.folder / "killed", many, 3600), f"{many} values: {running.poll()}"
            cluster.kill(draw.choice(cluster.alive))
            cluster.add()
        ran = study.finished(running, "killed")
    assert ran.status == 0, ran.err
    assert ran.objects == study.alone.objects and ran.computed == study.alone.computed
