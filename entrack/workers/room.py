"""Room: how many workers the machine has memory and GPUs for, before anything is loaded. Asks no torch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from glob import glob

from attrs import field

from entrack import system
from entrack.errors import ArgumentError
from entrack.events import FewerWorkers, Watcher
from entrack.execution.environment import device_kind
from entrack.frozen import frozen
from entrack.models.key import ModelKey, ModelSource
from entrack.models.weight_files import SPARE, ModelMissing, weights_bytes
from entrack.plan.schedule import Memory
from entrack.workers.errors import NoRoom

RESIDENT = 2
"""Models that an engine keeps in memory."""
ALONE = 600 * 10**6
"""Bytes that a worker takes without a model: Python, torch, transformers and nnsight."""
VISIBLE = "CUDA_VISIBLE_DEVICES"


@frozen
class Room:
    """What `asked` workers would take of the machine's memory: each the largest models of a plan that it keeps, which
    on GPUs stay there, one batched pass, and itself. `memory` is as it was asked for."""

    asked: int
    sources: Mapping[ModelKey, ModelSource] = field(repr=False)
    memory: int | None = None
    on_gpus: bool = False

    @property
    def models(self) -> int:
        """Bytes of the models that a worker keeps; one that is not here is none of them."""
        sizes = sorted(_bytes(source, key) for key, source in self.sources.items())
        return 0 if self.on_gpus else int(SPARE * sum(sizes[-RESIDENT:]))

    @property
    def each(self) -> int:
        """Bytes of a worker."""
        a_pass = 0 if self.on_gpus else Memory.of(self.memory or system.default_memory()).a_pass
        return self.models + a_pass + ALONE

    def fitting(self, watcher: Watcher) -> int:
        """How many workers there is memory for, at most as many as are asked for. Raises NoRoom where there is none
        for one."""
        free = system.free_memory()
        many = min(self.asked, free // self.each)
        if not many:
            raise NoRoom(f"there is no memory for a worker: {self._figures(free)}; run with --workers 0")
        if many < self.asked:
            watcher(FewerWorkers(self.asked, many, self._figures(free)))
        return many

    def _figures(self, free: int) -> str:
        each = f"{self.each / 1e9:.1f} GB each ({self.models / 1e9:.1f} GB of them models)"
        return f"workers take {each}, and {free / 1e9:.1f} GB are free"


def _bytes(source: ModelSource, key: ModelKey) -> int:
    try:
        return 0 if source.digests is not None else weights_bytes(source, key)
    except ModelMissing:
        return 0


def gpus_of(device: str | None, each: int = 1) -> tuple[str, ...]:
    """What workers may use of the GPUs, `each` of them so many, as CUDA_VISIBLE_DEVICES names them: of those that a
    scheduler has given to this process, else of all of the machine's; none where the device is another."""
    there = _gpus(device)
    return tuple(",".join(there[at : at + each]) for at in range(0, len(there) - each + 1, each))


def _gpus(device: str | None) -> tuple[str, ...]:
    if device not in (None, "cuda") or device_kind(device) != "cuda":
        return ()
    given = os.environ.get(VISIBLE)
    if given is not None:
        return tuple(name.strip() for name in given.split(",") if name.strip() not in ("", "-1"))
    return tuple(map(str, range(len(glob("/dev/nvidia[0-9]*")))))


def workers_given(asked: int | None, device: str | None, each: int = 1) -> int:
    """How many workers a run has: as many as are asked for, else one for `each` so many GPUs where that makes several,
    else none. Raises ArgumentError."""
    if asked is None:
        there = len(gpus_of(device, each))
        return there if there > 1 else 0
    if asked and device is not None and ":" in device:
        raise ArgumentError(f"workers have a GPU each, so the device is `cuda`; this is {device!r} for {asked} workers")
    if asked and 0 < (there := len(_gpus(device))) < each:
        raise ArgumentError(f"gpus_per_worker is {each}, and this machine has {there} GPUs for workers")
    return asked


def wide_threads(workers: int) -> int | None:
    """Threads for models that are not narrow, where several workers share the cores; None for torch's own number, also
    where OMP_NUM_THREADS says it."""
    if workers < 2 or os.environ.get("OMP_NUM_THREADS"):
        return None
    return max(1, len(os.sched_getaffinity(0)) // workers if hasattr(os, "sched_getaffinity") else 1)
