"""Workers of Ray: an actor each, on a cluster that is there (`ray://host:port`, or the one that `RAY_ADDRESS` or this
machine knows), or on one of this machine that is started. Needs `entrack[ray]`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import ray

from entrack.error_text import reason
from entrack.events import Watcher, unwatched
from entrack.workers import remote
from entrack.workers.errors import NoWorkers
from entrack.workers.remote import RemoteWorkers
from entrack.workers.roster import Seat
from entrack.workers.worker import Settings

LOST = (
    ray.exceptions.RayActorError,
    ray.exceptions.OutOfMemoryError,
    ray.exceptions.NodeDiedError,
    ray.exceptions.WorkerCrashedError,
    ray.exceptions.LocalRayletDiedError,
)
"""What becomes of a worker through no mistake of anybody's."""
TERMINATED = "The process receives a SIGTERM."
"""What Ray says of an actor that was asked to terminate; it has no class or field for that."""


@ray.remote(max_restarts=-1, max_task_retries=0)  # an actor that has died comes again; its step is ours to give away
class Actor:
    def greeting(self, told: Mapping[str, Any]) -> dict[str, Any]:
        return remote.greeting(told)

    def answer(self, told: Mapping[str, Any], asked: bytes) -> bytes:
        return remote.answer(told, asked)


def connect(address: str | None) -> bool:
    """`address` None is Ray's own choice: `RAY_ADDRESS`, a cluster of this machine, or one that is started. Whether the
    connection is made here: one that this process has is used as it is. Raises NoWorkers."""
    if ray.is_initialized():
        if address is not None:
            raise NoWorkers(f"this process is connected with a Ray cluster: `ray` uses it, {address} may be another")
        return False
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nobody is told that it was started
    try:
        ray.init(address, log_to_driver=False, logging_level="error")
    except (OSError, ValueError, RuntimeError, ImportError) as error:
        raise NoWorkers(f"no Ray cluster answers{f' at {address}' if address else ''}: {reason(error)}") from None
    return True


def most(gpus: int) -> int:
    """How many workers with so many GPUs each, one at least, a cluster is good for; without GPUs, one for each
    machine."""
    return int(ray.cluster_resources().get("GPU", 0)) // max(1, gpus) or max(1, len(ray.nodes()))


class RayWorkers(RemoteWorkers):
    """So many actors of the cluster that this process is connected with, each with so many GPUs. With them ends the
    connection, if it is `ours`."""

    def __init__(
        self, wanted: int, gpus: int, settings: Settings, watcher: Watcher = unwatched, *, ours: bool = True
    ) -> None:
        super().__init__(settings, watcher, wanted)
        self._ours = ours
        actor = Actor.options(num_gpus=gpus, num_cpus=1)  # type: ignore[attr-defined]  # what ray.remote made of it
        self._actors = {f"ray-{place}": actor.remote() for place in range(wanted)}
        for name in self._actors:
            self._greets(name)

    def close(self) -> None:
        """Who waits is told; the actors are ended."""
        self.roster.close()
        with suppress(Exception):  # the cluster may be gone
            for actor in self._actors.values():
                ray.kill(actor)
            if self._ours:
                ray.shutdown()

    def _ask(self, seat: Seat, asked: bytes) -> bytes:
        replied = self._actors[seat.name].answer.remote(self._told, asked).future()
        replied.add_done_callback(seat.wake)
        if not seat.wait(replied.done):
            raise remote.lost(seat)
        try:
            return bytes(replied.result())
        except LOST as died:
            self.roster.leaves(seat.name, expected=_called_off(died))
            self._greets(seat.name)
            raise remote.lost(seat) from None

    def _greets(self, name: str) -> None:
        if self.roster.asks(name):
            said = self._actors[name].greeting.remote(self._told).future()
            said.add_done_callback(partial(self._greeted, name))

    def _greeted(self, name: str, said: Any) -> None:
        if isinstance(said.exception(), LOST):  # it comes again
            self.roster.leaves(name, expected=False)
            self._greets(name)
        else:
            super()._greeted(name, said)


def _called_off(died: Exception) -> bool:
    """Whether an actor died because somebody had it end: its machine was preempted, or it was asked to terminate."""
    return bool(getattr(died, "preempted", False)) or TERMINATED in str(died)
