"""Where workers are that other systems start: what `--on` and the options beside it say, and the workers of that."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, assert_never

from entrack import arguments
from entrack.engine.errors import EngineError
from entrack.errors import ArgumentError, ArgumentTypeError
from entrack.events import Watcher
from entrack.execution.value_check import Tensors
from entrack.frozen import frozen
from entrack.models.key import ModelSource
from entrack.plan.steps import Step
from entrack.workers import MOST_GPUS
from entrack.workers.base import Workers
from entrack.workers.errors import WorkerLost
from entrack.workers.worker import Settings

if TYPE_CHECKING:
    from entrack.workers.slurm import Jobs

FORMS = "dask://HOST:PORT, dask+tls://HOST:PORT, slurm, ray or ray://HOST:PORT"
ADDRESS = re.compile(r"(dask|dask\+tls|ray)://([^\s/:]+|\[[0-9a-fA-F:]+\]):(\d{1,5})/?")
PROTOCOLS = {"dask": "tcp", "dask+tls": "tls", "ray": "ray"}
NEEDS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "dask": ("cluster", ("distributed",)),
    "slurm": ("cluster", ("distributed", "dask_jobqueue", "cryptography")),
    "ray": ("ray", ("ray",)),
}
"""The extra of entrack that a kind needs, and the packages in it."""
SECONDS = (86400, 3600, 60, 1)
TIME = re.compile(r"(?:(\d{1,4})d)?(?:(\d{1,5})h)?(?:(\d{1,6})m)?(?:(\d{1,8})s)?")
LEAST_TIME = 60


Kind = Literal["dask", "slurm", "ray"]
NAMED: Mapping[str, Kind] = {"slurm": "slurm", "ray": "ray"}
"""Those that need no address."""


@frozen
class Cluster:
    """`kind` is dask, slurm or ray, `address` where it is, empty where that need not be said. `workers` is how many are
    asked for (0: as many as there are), with `gpus` each; of Slurm, for how many `seconds`, and options of `sbatch`."""

    kind: Kind
    address: str = ""
    workers: int = 0
    seconds: int = 0
    gpus: int = 0
    options: tuple[str, ...] = ()

    def hold(self, accept: str | None, gpus_per_worker: int) -> None:
        """Raises ArgumentError for what no run on it can have."""
        if accept == "exact":
            raise ArgumentError(f"exact is for a run on one machine, not for one on {self.kind}")
        if self.kind != "dask" and gpus_per_worker != 1:
            raise ArgumentError("with slurm and ray, gpus says how many each worker has, not gpus_per_worker")

    def workers_of(self, settings: Settings, watcher: Watcher) -> Workers:
        """Its workers, which are asked for when the first step comes."""
        if self.kind == "slurm":
            from entrack.workers import slurm

            slurm.loaded()
        return _Later(lambda: self._made(settings, watcher), self.workers)

    def _made(self, settings: Settings, watcher: Watcher) -> Workers:
        """Raises NoWorkers."""
        match self.kind:
            case "dask":
                from entrack.workers import dask

                return dask.DaskWorkers(dask.connected(self.address), settings, watcher)
            case "slurm":
                from entrack.workers import slurm

                return slurm.SlurmWorkers(_jobs(self), settings, watcher)
            case "ray":
                from entrack.workers import ray

                ours = ray.connect(self.address or None)
                wanted = self.workers or ray.most(self.gpus)
                return ray.RayWorkers(wanted, self.gpus, settings, watcher, ours=ours)
            case _:
                assert_never(self.kind)


def cluster_given(
    on: str | None, workers: int | None, time: str | None, gpus: int | None, slurm: Sequence[str]
) -> Cluster | None:
    """What was asked for; None where it is no cluster. Raises ArgumentError for what cannot be, and for packages that
    are not here."""
    kind, address = (None, "") if on is None else _place(arguments.text(on, "on"))
    options = _options(slurm)
    for given, name, kinds in (
        (workers, "workers", (None, "slurm", "ray")),
        (time, "time", ("slurm",)),
        (gpus, "gpus", ("slurm", "ray")),
        (options or None, "slurm", ("slurm",)),
    ):
        if given is not None and kind not in kinds:
            raise ArgumentError(f"{name} goes with {' or '.join(filter(None, kinds))}, not with {on or 'this machine'}")
    if kind is None:
        return None
    if kind == "slurm" and not (workers and time):
        raise ArgumentError("slurm needs to know how many workers, and for what time, such as 8 workers for 2h")
    extra, packages = NEEDS[kind]
    if missing := [package for package in packages if find_spec(package) is None]:
        raise ArgumentError(f"{on} needs {', '.join(missing)}: pip install 'entrack[{extra}]'")
    gpus = arguments.optional(gpus, arguments.whole, "gpus", 0, MOST_GPUS)
    return Cluster(kind, address, workers or 0, seconds(time) if time else 0, gpus or 0, options)


def _options(slurm: Sequence[str]) -> tuple[str, ...]:
    if not isinstance(slurm, list | tuple):
        raise ArgumentTypeError(f"slurm is a list of options of sbatch; this is {arguments.shown(slurm)}")
    options = tuple(arguments.text(option, "an option of slurm") for option in slurm)
    for option in options:
        try:
            shlex.split(option)
        except ValueError:
            raise ArgumentError(f"an option of slurm has a quote that is not closed: {option[:60]!r}") from None
    return options


def job_script(cluster: Cluster | None) -> str:
    """Of Slurm, what is submitted for each worker; nothing is. Raises ArgumentError, NoWorkers."""
    if cluster is None or cluster.kind != "slurm":
        raise ArgumentError("a dry run is of jobs of Slurm: on slurm")
    from entrack.workers import slurm

    return slurm.job_script(_jobs(cluster))


def _jobs(cluster: Cluster) -> Jobs:
    from entrack.workers.slurm import Jobs

    return Jobs(cluster.workers, cluster.seconds, cluster.gpus, cluster.options)


class _Later:
    """Workers that are asked for when the first step comes: none where all is in the store."""

    def __init__(self, make: Callable[[], Workers], wanted: int) -> None:
        self._make, self._wanted = make, wanted
        self._making = Lock()
        self._made: Workers | EngineError | None = None
        self._closed = False

    @property
    def at_once(self) -> int:
        made = self._made
        return max(1, self._wanted) if made is None or isinstance(made, EngineError) else made.at_once

    def compute(
        self, step: Step, inputs: Mapping[str, Tensors], source: ModelSource | None
    ) -> tuple[Tensors, Mapping[str, Any]]:
        return self._workers().compute(step, inputs, source)

    def close(self) -> None:
        """Whoever is making them ends them."""
        self._closed, made = True, self._made
        if made is not None and not isinstance(made, EngineError):
            made.close()

    def _workers(self) -> Workers:
        with self._making:
            if self._made is None and not self._closed:
                try:
                    self._made = self._make()
                except EngineError as error:
                    self._made = error
            made = self._made
            if self._closed:
                self.close()
        if isinstance(made, EngineError):
            raise made
        if made is None:
            raise WorkerLost("the workers have been let go")
        return made


def seconds(time: str) -> int:
    """What a time as `2h`, `1d12h` or `90m` comes to. Raises ArgumentError."""
    found = TIME.fullmatch(arguments.text(time, "time"))
    parts = found.groups() if found else ()
    total = sum(int(many or 0) * unit for many, unit in zip(parts, SECONDS, strict=False))
    if total < LEAST_TIME:
        raise ArgumentError(f"time is such as 2h, 90m or 1d12h, a minute at least; this is {time[:40]!r}")
    return total


def _place(on: str) -> tuple[Kind, str]:
    """Kind and address. Raises ArgumentError."""
    if on in NAMED:
        return NAMED[on], ""
    found = ADDRESS.fullmatch(on)
    if found is None or not 0 < int(found[3]) < 1 << 16:
        raise ArgumentError(f"on is {FORMS}; this is {on[:60]!r}")
    address = f"{PROTOCOLS[found[1]]}://{found[2]}:{found[3]}"
    if found[1] == "ray":
        return "ray", address
    return "dask", address
