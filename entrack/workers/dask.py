"""Workers of Dask: those of a scheduler that is there (`dask://host:port`), or of one that a cluster has started
(`slurm.py`). Needs `entrack[cluster]`.

Dask carries bytes and says who comes and who goes; which step goes where is decided here. A step is sent to one worker
by name, and to no other: when that one is gone, Dask says whether it had said so (its time was up, it was retired, its
nanny was asked to terminate) or was lost, and only the latter counts against the step.
"""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from entrack.error_text import reason
from entrack.events import Watcher, unwatched
from entrack.workers import remote
from entrack.workers.errors import NoWorkers
from entrack.workers.remote import RemoteWorkers
from entrack.workers.roster import Seat
from entrack.workers.worker import Settings

if TYPE_CHECKING:
    from distributed import Client
    from distributed.deploy import Cluster

LARGE = 1 << 20
"""Bytes above which a request is put on its worker first, and not into the description of a task."""
PATIENCE = 10
"""Seconds for a scheduler to answer."""
TERMINATED = f"signal-{signal.SIGTERM:d}"
"""Why a worker closes whose nanny was asked to terminate."""


def connected(address: str | Cluster) -> Client:
    """A client of the scheduler at `tcp://host:port` or `tls://host:port`; certificates are those of Dask's own
    configuration. Raises NoWorkers."""
    from distributed import Client

    try:
        return Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise NoWorkers(f"no Dask scheduler answers at {address}: {reason(error)}") from None


class DaskWorkers(RemoteWorkers):
    """All workers of the scheduler that `client` speaks to, those that come later too."""

    def __init__(self, client: Client, settings: Settings, watcher: Watcher = unwatched, *, wanted: int = 0) -> None:
        super().__init__(settings, watcher, wanted)
        self._client = client
        client.subscribe_topic("all", self._heard)
        for name in client.scheduler_info(n_workers=-1)["workers"]:
            self._greets(name)

    def close(self) -> None:
        """Who waits is told; what was sent is let go of by the scheduler."""
        self.roster.close()
        with suppress(Exception):  # the scheduler may be gone
            self._client.unsubscribe_topic("all")
            self._client.close(timeout=PATIENCE)

    # one worker

    def _ask(self, seat: Seat, asked: bytes) -> bytes:
        from distributed import CancelledError, KilledWorker

        replied = asyncio.run_coroutine_threadsafe(self._sent(seat, asked), self._client.loop.asyncio_loop)
        replied.add_done_callback(seat.wake)
        if not seat.wait(replied.done):
            replied.cancel()
            raise remote.lost(seat)
        try:
            return replied.result()
        except (CancelledError, KilledWorker, asyncio.CancelledError, OSError):
            self.roster.leaves(seat.name, expected=seat.expected)
            raise remote.lost(seat) from None

    async def _sent(self, seat: Seat, asked: bytes) -> bytes:
        only = {"workers": [seat.name], "allow_other_workers": False}
        sent: Any = asked
        if len(asked) > LARGE:
            sent = await self._client.scatter(asked, workers=[seat.name], hash=False, asynchronous=True)
        task = self._client.submit(
            remote.answer, self._told, sent, pure=False, retries=0, key=f"entrack-step-{uuid4()}", **only
        )
        replied: bytes = await self._client.gather(task, asynchronous=True)
        return replied

    # who comes and goes

    def _heard(self, event: tuple[float, Any]) -> None:
        """In the client's own thread."""
        match event[1]:
            case {"action": "add-worker", "worker": str(name)}:
                self._greets(name)
            case {"action": "remove-worker", "worker": str(name), **more}:
                self.roster.leaves(name, expected=bool(more.get("expected")))
                with suppress(ValueError):  # it was never asked who it is: the run had ended
                    self._client.unsubscribe_topic(name)

    def _says(self, name: str, event: tuple[float, Any]) -> None:
        """Of one worker, what comes before it is gone, and why."""
        match event[1]:
            case {"action": "closing-worker", "reason": reason} if reason == TERMINATED:
                self.roster.leaves(name, expected=True)

    def _greets(self, name: str) -> None:
        if self.roster.asks(name):
            self._client.subscribe_topic(name, partial(self._says, name))
            said = self._client.submit(
                remote.greeting,
                self._told,
                workers=[name],
                allow_other_workers=False,
                pure=False,
                key=f"entrack-greeting-{uuid4()}",
            )
            said.add_done_callback(partial(self._greeted, name))
