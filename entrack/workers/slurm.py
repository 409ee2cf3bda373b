"""Workers of Dask in jobs of Slurm, through dask-jobqueue: one worker a job. Needs `entrack[cluster]`, and `sbatch`.

The scheduler of Dask runs in the run's own process, behind TLS with a certificate of this run alone: whoever reaches a
scheduler without it may run code as you, and others use a cluster too. What a site wants for all runs - an interface, a
partition, commands before a worker starts - Dask reads from its own `jobqueue.yaml`.
"""

from __future__ import annotations

import re
import shlex
import shutil
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from entrack import endings
from entrack.error_text import reason
from entrack.events import Watcher, unwatched
from entrack.frozen import frozen
from entrack.workers import goodbye
from entrack.workers.dask import DaskWorkers, connected
from entrack.workers.errors import NoWorkers
from entrack.workers.worker import Settings

if TYPE_CHECKING:
    from dask_jobqueue import SLURMCluster

MARGIN, MOST_MARGIN = 0.1, 300.0
"""Before its job's time is up a worker ends by itself: this share of the time, and so many seconds at most."""
LOOK = 5.0
"""Seconds between two looks at the queue."""
OFTEN = 3
"""How many jobs for each worker may end before it comes."""
PATIENCE = 10
"""Seconds for Slurm to cancel jobs."""
KEYS = ("_job_ca_file", "_job_cert", "_job_key")
"""Where dask-jobqueue holds the files of keys, which it writes for the jobs: when they are closed, they are gone."""
CPUS = re.compile(r"(?<!\S)(?:--cpus-per-task[= ] *|-c *)(\d+)(?:\s+|$)")


@frozen
class Jobs:
    """How many jobs, for how long (seconds), with how many GPUs each, and options of `sbatch` as they are written."""

    workers: int
    seconds: int
    gpus: int = 0
    options: tuple[str, ...] = ()

    @property
    def directives(self) -> list[str]:
        """Options one by one, but for the number of processors."""
        gpus = [f"--gpus={self.gpus}"] if self.gpus else []
        return [*gpus, *filter(None, (CPUS.sub("", word).strip() for word in self._words))]

    @property
    def cpus(self) -> int:
        """The processors of a job."""
        return max((int(found[1]) for word in self._words for found in CPUS.finditer(word)), default=1)

    @property
    def lifetime(self) -> tuple[int, int]:
        """After how many seconds a worker ends by itself, and by how many at most earlier or later, so that not all
        end at once."""
        margin = min(MOST_MARGIN, MARGIN * self.seconds)
        return round(self.seconds - margin), round(margin / 2)

    @property
    def walltime(self) -> str:
        return f"{self.seconds // 3600:02d}:{self.seconds % 3600 // 60:02d}:{self.seconds % 60:02d}"

    @property
    def _words(self) -> list[str]:
        """`-p gpu` is one of them, `--mem=64G --qos=high` two."""
        return [word for option in self.options for word in _words(option)]


def _words(option: str) -> list[str]:
    words = [shlex.quote(word) for word in shlex.split(option)]
    return words if all(word.strip("'").startswith("--") for word in words) else [" ".join(words)]


def loaded() -> type[SLURMCluster]:
    """dask-jobqueue, which takes the handler of Ctrl-C as it is imported; that is put back. Raises NoWorkers in another
    thread than the main one, where no handler can be set."""
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        from dask_jobqueue import SLURMCluster
    except ValueError as error:
        raise NoWorkers(f"dask-jobqueue can be loaded by the main thread alone: {reason(error)}") from None
    for each, handler in before.items():
        if signal.getsignal(each) is not handler:
            signal.signal(each, handler)
    found: type[SLURMCluster] = SLURMCluster
    return found


def cluster(jobs: Jobs) -> SLURMCluster:
    """What submits the jobs; it has submitted none yet. Raises NoWorkers where its scheduler cannot be started."""
    from distributed.security import Security

    lifetime, stagger = jobs.lifetime
    try:
        return loaded()(
            cores=jobs.cpus,
            processes=1,
            memory=_site("memory") or "1 GiB",
            job_directives_skip=() if _site("memory") or _site("job-mem") else ("--mem=",),
            walltime=jobs.walltime,
            job_name="entrack",
            job_extra_directives=[*(_site("job-extra-directives") or ()), *jobs.directives],
            job_script_prologue=[
                *(_site("job-script-prologue") or ()),
                f"export OMP_NUM_THREADS={jobs.cpus} MKL_NUM_THREADS={jobs.cpus}",
                "trap : TERM",  # with the script would end the worker, before it has said why
            ],
            worker_extra_args=[
                *("--nthreads", "1", "--memory-limit", "0", "--no-dashboard"),
                *("--lifetime", f"{lifetime}s", "--lifetime-stagger", f"{stagger}s"),
                *("--preload", goodbye.__name__),
                *(_site("worker-extra-args") or ()),
            ],
            security=Security.temporary(),
            shared_temp_directory=str(_site("shared-temp-directory") or Path.home()),
            scheduler_options={"dashboard_address": ":0", **(_site("scheduler-options") or {})},
        )
    except (OSError, RuntimeError, ValueError) as error:
        raise NoWorkers(f"no scheduler can be started here: {reason(error)}") from None


def _site(name: str) -> Any:
    """What `jobqueue.yaml`, or an environment variable of Dask's, says for all jobs of Slurm."""
    import dask.config

    return dask.config.get(f"jobqueue.slurm.{name}", None)


def job_script(jobs: Jobs) -> str:
    """The script that is submitted for each worker, as dask-jobqueue writes it. Nothing is submitted."""
    with cluster(jobs) as made:
        return str(made.job_script())


class SlurmWorkers(DaskWorkers):
    """As many jobs as were asked for, submitted now, and again where one has ended and there is more to do."""

    def __init__(self, jobs: Jobs, settings: Settings, watcher: Watcher = unwatched) -> None:
        if shutil.which("sbatch") is None:
            raise NoWorkers("there is no `sbatch` here: run this on a machine that submits jobs to Slurm")
        self._jobs, self._cluster = jobs, cluster(jobs)
        endings.begin(self._lets_go)
        self._came: set[str] = set()
        self._met: set[str] = set()
        self._seen: set[str] = set()
        self._failed: list[str] = []
        self._ended = Event()
        try:
            super().__init__(connected(self._cluster), settings, watcher, wanted=jobs.workers)
            self._cluster.scale(jobs=jobs.workers)
        except BaseException:
            self._cluster.close()
            endings.drop(self._lets_go)
            self._forgets_keys()
            raise
        self._keeper = Thread(target=self._keeps, name="entrack-queue", daemon=True)
        self._keeper.start()

    def close(self) -> None:
        """Who waits is told; the jobs are cancelled."""
        self._ended.set()
        super().close()
        with suppress(Exception):  # Slurm may not answer
            self._cluster.close()
        endings.drop(self._lets_go)
        self._forgets_keys()

    def _lets_go(self) -> None:
        """What would outlive this process: jobs that still wait in the queue, and keys in the folder that nodes see."""
        self._ended.set()
        self._forgets_keys()
        jobs = [job.job_id for job in [*self._cluster.workers.values()] if job.job_id is not None]
        self._cluster.sync(_cancelled, self._cluster.job_cls, jobs, callback_timeout=PATIENCE)

    def _forgets_keys(self) -> None:
        for name, held in vars(self._cluster).items():
            if name in KEYS:
                held.close()

    def _keeps(self) -> None:
        """Look after the queue until the end. A job that has ended is submitted again; when every one has ended before
        its worker came, that is no use."""
        while not self._ended.wait(LOOK):
            with suppress(Exception):  # Slurm may not answer now
                self._look()

    def _heard(self, event: tuple[float, Any]) -> None:
        match event[1]:
            case {"action": "add-worker", "worker": str(address)}:
                self._met.add(address)
        super()._heard(event)

    def _look(self) -> None:
        """`_came` are names of jobs, `_met` and `_seen` addresses of workers: a worker may come and go between two
        looks, and then nobody says whose it was."""
        here = self._client.scheduler_info(n_workers=-1)["workers"]
        queued = self._cluster.sync(_queued, self._cluster.job_cls)
        self._came.update(str(info["name"]) for info in here.values())
        self._seen.update(here)
        for name, job in [*self._cluster.workers.items()]:
            if name not in self._came and job.job_id is not None and job.job_id not in queued:
                if unseen := self._met - self._seen:
                    self._seen.add(unseen.pop())
                else:
                    self._failed.append(job.job_id)
                self._cluster.workers.pop(name, None)
        if len(self._failed) >= (OFTEN if self._met else 1) * self._jobs.workers:
            why = (
                f"{len(self._failed)} jobs ended before a worker came, the last is {self._failed[-1]}; Slurm has "
                f"written why, into slurm-{self._failed[-1]}.out if nothing else was asked for"
            )
            self.roster.close(NoWorkers(why))
            self._ended.set()
        self._cluster.scale(jobs=self._jobs.workers)


async def _queued(job: Any) -> set[str]:
    """The numbers of this user's jobs that wait or run."""
    said: str = await job._call(["squeue", "--noheader", "--me", "--format=%i"])
    return set(said.split())


async def _cancelled(job: Any, numbers: Sequence[str]) -> None:
    if numbers:
        await job._call(["scancel", *numbers])
