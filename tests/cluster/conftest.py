"""What a cluster needs, where it is here: the Python with Dask and Ray that `make cluster-test` names, and a Slurm of
these tests' own. Tests of what is not here are skipped."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest
from cluster_world import PYTHON, STUDY, World, make_world
from slurm_on_loopback import Slurm, missing, slurm_on_loopback


def having(*packages: str) -> None:
    """Skip where the Python of the cluster does not have these."""
    if PYTHON is None:
        pytest.skip(f"{' and '.join(packages)}: not installed here; `make cluster-test` does that")
    tried = subprocess.run([PYTHON, "-c", f"import {', '.join(packages)}"], capture_output=True, timeout=120)
    if tried.returncode:
        pytest.skip(f"{' and '.join(packages)}: not installed in the environment of {PYTHON}")


@pytest.fixture(scope="session")
def dask() -> None:
    having("distributed", "dask_jobqueue")


@pytest.fixture(scope="session")
def ray() -> None:
    having("ray")


@pytest.fixture(scope="session")
def slurm(dask: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    if missing():
        pytest.skip(f"Slurm is not installed, no {missing()[0]}: on Debian and Ubuntu, apt-get install slurm-wlm")
    with slurm_on_loopback(tmp_path_factory.mktemp("slurm")) as running:
        yield running


@pytest.fixture(autouse=True)
def nothing_left(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    for name in {"world", "study"} & {*request.fixturenames}:
        request.getfixturevalue(name).tidy()


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> World:
    if "ENTRACK_CLUSTER_STUDY" not in os.environ:
        pytest.skip("the whole study of specs/boxes, some minutes each time: `make cluster-study`")
    return make_world(tmp_path_factory.mktemp("study"), STUDY)
