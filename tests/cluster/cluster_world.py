"""A spec run on one cluster or another, each time in a process of its own with the cluster's packages, and what came of
it."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from attrs import field, frozen

from entrack.stores import open_store

ROOT = Path(__file__).parents[2]
PRELOADS = Path(__file__).parent
PYTHON = os.environ.get("ENTRACK_CLUSTER") and str(ROOT / os.environ["ENTRACK_CLUSTER"])
"""The Python with the packages of a cluster; None where these tests are not asked for."""
ENTRACK = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "  # a shell's `&` has it ignored
    "from entrack.cli.main import main; sys.exit(main())"
)
QUICKSTART, STUDY = "quickstart.et", "boxes/study.et"
LONGEST = {QUICKSTART: 500, STUDY: 7200}
"""Seconds that a run may take here, by its spec."""
COMPUTED = re.compile(r"steps: \d+, of which (\d+) computed and (\d+) found")


@frozen
class Ran:
    """What a run printed, its status, and the objects of its store by address."""

    status: int
    out: str
    err: str
    objects: Mapping[str, str] = field(repr=False)

    @property
    def computed(self) -> int:
        """How many steps were computed and not found."""
        found = COMPUTED.search(self.out)
        return int(found[1]) if found else -1


@frozen
class World:
    """A folder with specs in it, the one that is run, and what it gives without any worker."""

    folder: Path
    spec: str
    alone: Ran
    runs: list[subprocess.Popen[str]] = field(factory=list, repr=False)

    def started(
        self, name: str, *options: str, environment: Mapping[str, str] | None = None, before: str = ""
    ) -> subprocess.Popen[str]:
        """A run into a store called `name`."""
        self.runs.append(start(self.folder, self.spec, name, *options, environment=environment, before=before))
        return self.runs[-1]

    def tidy(self) -> None:
        """End what a test that failed has left."""
        while self.runs:
            self.runs.pop().kill()

    def finished(self, running: subprocess.Popen[str], name: str) -> Ran:
        out, err = running.communicate(timeout=LONGEST[self.spec])
        return Ran(running.returncode, out, err, objects(self.folder / name))

    def run(self, name: str, *options: str, environment: Mapping[str, str] | None = None, before: str = "") -> Ran:
        """A run from an empty store, or from what is there."""
        return self.finished(self.started(name, *options, environment=environment, before=before), name)


def make_world(folder: Path, spec: str = QUICKSTART) -> World:
    shutil.copytree(ROOT / "specs" / "boxes", folder / "boxes")
    shutil.copy(ROOT / "specs" / "quickstart.et", folder)
    running = start(folder, spec, "alone")
    out, err = running.communicate(timeout=LONGEST[spec])
    return World(folder, spec, Ran(running.returncode, out, err, objects(folder / "alone")))


def start(
    folder: Path, spec: str, name: str, *options: str, environment: Mapping[str, str] | None = None, before: str = ""
) -> subprocess.Popen[str]:
    """A run in a process that does something `before`, as Python."""
    assert PYTHON is not None
    command = [PYTHON, "-c", before + ENTRACK, "run", spec, "--store", name, *options]
    return subprocess.Popen(
        command,
        env=surroundings(environment or os.environ),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def surroundings(environment: Mapping[str, str]) -> dict[str, str]:
    """One thread each: these share few cores."""
    return {**environment, "OMP_NUM_THREADS": "1", "DASK_JOBQUEUE__SLURM__INTERFACE": "lo"}


def objects(store: Path) -> dict[str, str]:
    """The digests of the values in a store, by the addresses of their steps."""
    if not store.exists():
        return {}
    opened = open_store(store, inspect=True)
    found = {address: opened.find(address) for address in opened.addresses()}
    return {address: action.object for address, action in found.items() if action is not None}


@frozen
class DaskCluster:
    """A scheduler and its workers, each a process of its own without a nanny."""

    address: str
    folder: Path
    scheduler: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]]

    @property
    def on(self) -> str:
        return self.address.replace("tcp://", "dask://")

    @property
    def alive(self) -> list[subprocess.Popen[bytes]]:
        return [worker for worker in self.workers if worker.poll() is None]

    def add(self, *options: str, nanny: bool = False, environment: Mapping[str, str] | None = None) -> None:
        """One more worker; with a nanny it is started again when it has ended."""
        name = f"worker-{len(self.workers)}"
        command = ["distributed.cli.dask_worker", self.address, "--name", name, "--nthreads", "1"]
        more = ["--memory-limit", "0", "--no-dashboard", "--local-directory", str(self.folder / name), *options]
        own = ["--nanny" if nanny else "--no-nanny", *more]
        self.workers.append(_started(self.folder / f"{name}.log", [*command, *own], environment or {}))

    def kill(self, worker: subprocess.Popen[bytes]) -> None:
        worker.kill()
        worker.wait(60)


@contextmanager
def dask_cluster(folder: Path) -> Iterator[DaskCluster]:
    """A scheduler without workers."""
    folder.mkdir(parents=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = ["distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]
    cluster = DaskCluster(f"tcp://127.0.0.1:{port}", folder, _started(folder / "scheduler.log", command, {}), [])
    try:
        yield cluster
    finally:
        for each in (*cluster.workers, cluster.scheduler):
            each.terminate()  # a nanny ends its worker
        for each in (*cluster.workers, cluster.scheduler):
            try:
                each.wait(15)
            except subprocess.TimeoutExpired:
                each.kill()
                each.wait(15)


def _started(log: Path, command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    assert PYTHON is not None
    own = surroundings({**os.environ, **environment})
    with log.open("wb") as said:
        return subprocess.Popen([PYTHON, "-m", *command], env=own, cwd=log.parent, stdout=said, stderr=said)


def comes_to(store: Path, count: int, seconds: float = LONGEST[QUICKSTART]) -> bool:
    """Whether a store comes to have so many values."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if len([*store.glob("actions/*/*")]) >= count:
            return True
        time.sleep(0.1)
    return False
