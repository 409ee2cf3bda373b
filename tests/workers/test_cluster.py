"""What `--on` and the options beside it may say, what is made of them, and where a worker finds a model's files."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from threading import Event as Told
from threading import Lock
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import evolve
from store_tools import ROOT

from entrack import endings, load, run
from entrack.artifact import lock, locked
from entrack.cli import app, runs
from entrack.cli.progress import ProgressBar
from entrack.engine.errors import EngineError
from entrack.errors import ArgumentError
from entrack.events import Damaged, Event, Watcher, unwatched
from entrack.execution.environment import Environment
from entrack.models.key import ModelSource
from entrack.models.locate import BUILTIN, Named, key_of, on_this_machine
from entrack.models.weight_files import ModelMissing
from entrack.store import MemoryStore
from entrack.workers import cluster
from entrack.workers.cluster import Cluster, cluster_given, job_script, seconds
from entrack.workers.errors import WorkerRefused
from entrack.workers.slurm import Jobs, SlurmWorkers
from entrack.workers.worker import Computing, Settings

GIVEN: dict[str, Any] = {"on": None, "workers": None, "time": None, "gpus": None, "slurm": ()}


@pytest.fixture
def all_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "find_spec", lambda name: object())


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"on": "dask://host:8786"}, Cluster("dask", "tcp://host:8786")),
        ({"on": "dask+tls://10.0.0.1:1"}, Cluster("dask", "tls://10.0.0.1:1")),
        ({"on": "dask://[::1]:8786/"}, Cluster("dask", "tcp://[::1]:8786")),
        ({"on": "ray"}, Cluster("ray")),
        ({"on": "ray://head:10001", "workers": 4, "gpus": 1}, Cluster("ray", "ray://head:10001", 4, gpus=1)),
        (
            {"on": "slurm", "workers": 8, "time": "2h", "gpus": 1, "slurm": ["-p gpu"]},
            Cluster("slurm", "", 8, 7200, 1, ("-p gpu",)),
        ),
        ({"workers": 3}, None),
    ],
)
def test_what_is_asked_for(all_installed: None, given: dict[str, Any], wanted: Cluster | None) -> None:
    assert cluster_given(**GIVEN | given) == wanted


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"on": "dask://host"}, "on is dask://HOST:PORT"),
        ({"on": "dask://host:70000"}, "on is dask://HOST:PORT"),
        ({"on": "kubernetes"}, "this is 'kubernetes'"),
        ({"on": "dask://host:1", "workers": 2}, "workers goes with slurm or ray, not with dask://host:1"),
        ({"on": "ray", "time": "2h"}, "time goes with slurm, not with ray"),
        ({"time": "2h"}, "time goes with slurm, not with this machine"),
        ({"gpus": 1}, "gpus goes with slurm or ray, not with this machine"),
        ({"on": "ray", "slurm": ("-p gpu",)}, "slurm goes with slurm, not with ray"),
        ({"on": "slurm", "slurm": ("--comment='two",)}, "a quote that is not closed"),
        ({"on": "slurm", "time": "2h"}, "how many workers"),
        ({"on": "slurm", "workers": 2}, "for what time"),
        ({"on": "slurm", "workers": 2, "time": "30s"}, "a minute at least"),
        ({"on": "slurm", "workers": 2, "time": "2 hours"}, "this is '2 hours'"),
        ({"on": "ray", "gpus": 65}, "gpus is a whole number from 0 to 64"),
    ],
)
def test_what_cannot_be_is_refused(all_installed: None, given: dict[str, Any], why: str) -> None:
    with pytest.raises(ArgumentError, match=why):
        cluster_given(**GIVEN | given)


def test_packages_that_are_not_here_are_named_with_their_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "find_spec", lambda name: None)
    with pytest.raises(ArgumentError, match=r"needs distributed: pip install 'entrack\[cluster\]'"):
        cluster_given(**GIVEN | {"on": "dask://host:1"})
    with pytest.raises(ArgumentError, match=r"ray needs ray: pip install 'entrack\[ray\]'"):
        cluster_given(**GIVEN | {"on": "ray"})


def test_exact_values_are_of_one_machine(all_installed: None, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="exact is for a run on one machine, not for one on ray"):
        load(ROOT / "specs" / "quickstart.et").run(tmp_path, on="ray", accept="exact")


@pytest.mark.parametrize("given", [{"on": "ray", "gpus": 2}, {"workers": 2, "threads": 3, "memory": 10**9}])
def test_a_lock_is_held_by_a_run_with_the_same_stack(
    all_installed: None, given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Environment] = []
    monkeypatch.setattr(locked, "hold_before", lambda lock, name, spec, repository: seen.append(repository.environment))
    monkeypatch.setattr(locked, "hold_after", lambda *given: None)
    monkeypatch.setattr(run, "run_spec", lambda spec, repository, *rest: seen.append(repository.environment))
    spec, store = load(ROOT / "specs" / "quickstart.et"), MemoryStore()
    options = {"reference": False, **GIVEN, **given}
    with runs.held(lock.Lock({}), spec, store, unwatched, options):
        spec.run(store, **options)
    assert len(seen) == 2 and seen[0] == seen[1]


@pytest.mark.parametrize("more", [{"on": "ray"}, {"on": "slurm", "workers": 2, "time": "2h", "gpus": 2}])
def test_gpus_have_one_name_on_a_cluster(all_installed: None, more: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="gpus says how many each worker has"):
        load(ROOT / "specs" / "quickstart.et").run(tmp_path, gpus_per_worker=2, **more)


def test_a_dry_run_prints_no_json(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        app.run(Path("study.et"), on="slurm", dry_run=True, as_json=True)
    assert "--dry-run prints the script of a job, which is not JSON" in capsys.readouterr().out


def test_the_bar_of_a_run_hears_one_event_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    hearing, together = Lock(), list[bool]()

    def hear(bar: ProgressBar, event: Event) -> None:
        together.append(not hearing.acquire(blocking=False))
        time.sleep(0.05)
        if not together[-1]:
            hearing.release()

    def stores(watcher: Watcher, options: object) -> Any:
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(watcher, [Damaged("one", ""), Damaged("two", "")]))
        raise EngineError("enough")

    monkeypatch.setattr(ProgressBar, "__call__", hear)
    monkeypatch.setattr(runs, "runner", lambda *given, **more: nullcontext(SimpleNamespace(run=stores)))
    with pytest.raises(SystemExit):
        runs.run(Path("study.et"), {}, {})
    assert together == [False, False]


def test_a_dry_run_is_of_slurm() -> None:
    with pytest.raises(ArgumentError, match="a dry run is of jobs of Slurm"):
        job_script(None)


def test_times() -> None:
    assert [seconds(each) for each in ("2h", "90m", "1d12h", "60s")] == [7200, 5400, 129600, 60]


def test_options_of_sbatch_become_directives() -> None:
    jobs = Jobs(2, 7200, 1, ("-p gpu", "--mem=64G --cpus-per-task=8", "--comment='two words'"))
    assert jobs.directives == ["--gpus=1", "-p gpu", "--mem=64G", "'--comment=two words'"]
    assert (jobs.cpus, jobs.walltime) == (8, "02:00:00")


@pytest.mark.parametrize(
    ("option", "left"),
    [
        ("-p gpu --cpus-per-task=8", ["-p gpu"]),
        ("-p gpu -c 8 --mem=4G", ["-p gpu --mem=4G"]),
        ("-c8", []),
        ("--cpus-per-task 8", []),
    ],
)
def test_processors_are_found_among_other_options(option: str, left: list[str]) -> None:
    jobs = Jobs(2, 7200, options=(option,))
    assert (jobs.cpus, jobs.directives) == (8, left)


def test_a_run_that_is_ended_takes_its_jobs_and_keys_along(tmp_path: Path) -> None:
    key, called = tempfile.NamedTemporaryFile(dir=tmp_path), list[object]()  # noqa: SIM115  # closed by who is tried here

    async def call(command: list[str]) -> None:
        called.append(command)

    made = object.__new__(SlurmWorkers)
    made._ended = Told()
    made._cluster = SimpleNamespace(  # what there is of one
        workers={number: SimpleNamespace(job_id=number) for number in ("7", "8", None)},
        job_cls=SimpleNamespace(_call=call),
        sync=lambda act, *given, callback_timeout: asyncio.run(act(*given)),
        _job_key=key,
    )
    endings.begin(made._lets_go)
    endings.done()
    endings.done()
    assert called == [["scancel", "7", "8"]] and not Path(key.name).exists()


def test_sigterm_does_what_is_to_be_done_and_ends(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys; from entrack import endings; from entrack.cli import main; main._listen();"
        "endings.begin(lambda: 1 / 0); endings.begin(lambda: os.write(1, b'let go'));"
        "os.kill(os.getpid(), signal.SIGTERM)"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60, check=False)
    assert ended.returncode == 143 and ended.stdout == b"let go" and b"Traceback" not in ended.stderr


@pytest.mark.parametrize("length", [60, 600, 7200, 7 * 86400])
def test_a_worker_ends_before_its_job(length: int) -> None:
    lifetime, stagger = Jobs(1, length).lifetime
    assert length - 450 <= lifetime - stagger < lifetime + stagger < length


def test_a_model_is_found_where_the_run_has_it_or_where_it_is_here(tmp_path: Path) -> None:
    here = ModelSource('builtin("boxes-base")', BUILTIN / "boxes-base")
    assert on_this_machine(here) == here
    assert on_this_machine(evolve(here, folder=tmp_path / "elsewhere")) == here


def test_the_files_of_a_model_are_those_of_the_run_and_stay_so(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    shutil.copytree(BUILTIN / "boxes-base", folder)
    source = ModelSource('local("m")', folder)
    key = key_of(Named("local", "m"), source)
    computing = Computing(Settings(held_to_digests=True))
    computing._know(key, source)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"rope_theta": 77.0}))
    with pytest.raises(WorkerRefused, match="are others here than where the run is"):
        computing._know(key, source)


@pytest.mark.parametrize(
    "source",
    [
        ModelSource('local("m")', Path("/nowhere/m")),
        ModelSource('hub("nobody/nothing")', Path("/nowhere/m"), revision="0" * 40),
        ModelSource('builtin("boxes-base") + lora("a")', BUILTIN / "boxes-base", adapter=Path("/nowhere/a")),
    ],
)
def test_a_model_that_is_not_there_is_named_with_the_machine(
    source: ModelSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.node", lambda: "node-7")
    with pytest.raises(ModelMissing, match="node-7"):
        on_this_machine(source)
