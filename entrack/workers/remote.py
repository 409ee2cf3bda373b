"""Workers in processes that others start and call into - of Dask, of Ray: what runs there, and how a run asks it.

What crosses is bytes and plain JSON (`message.py`), whatever carries it.
"""

from __future__ import annotations

import platform
from abc import ABC, abstractmethod
from collections.abc import Mapping
from threading import Lock
from typing import Any

from entrack.error_text import reason
from entrack.events import Watcher
from entrack.execution.environment import device_kind
from entrack.execution.value_check import Tensors
from entrack.models.key import ModelSource
from entrack.plan.steps import Step
from entrack.workers import message
from entrack.workers.errors import InputsForgotten, WorkerCalledOff, WorkerLost, WorkerMistake, WorkerRefused
from entrack.workers.identity import Identity, held_against
from entrack.workers.roster import Roster, Seat
from entrack.workers.worker import Settings, hello, in_this_process

_ONE = Lock()
"""An engine is not for several threads at once, and torch's settings are those of a process."""


def greeting(told: Mapping[str, Any]) -> dict[str, Any]:
    """In a worker: who it is, and on which machine."""
    return {**hello(Settings.heard(told)), "machine": platform.node()}


def answer(told: Mapping[str, Any], asked: bytes) -> bytes:
    """In a worker: the reply to a request."""
    with _ONE:
        return in_this_process(Settings.heard(told)).answer(asked)


class RemoteWorkers(ABC):
    """What all of them do alike. `wanted` is how many will come, 0 where nobody knows."""

    def __init__(self, settings: Settings, watcher: Watcher, wanted: int) -> None:
        self._settings, self._told = settings, settings.told()
        self.roster = Roster(wanted, watcher)

    @property
    def at_once(self) -> int:
        return max(1, len(self.roster), self.roster.wanted)

    def compute(
        self, step: Step, inputs: Mapping[str, Tensors], source: ModelSource | None
    ) -> tuple[Tensors, Mapping[str, Any]]:
        with self.roster.seat(step) as seat:
            return self._replied(seat, step, inputs, source)

    @abstractmethod
    def _ask(self, seat: Seat, asked: bytes) -> bytes:
        """What a worker replies. Raises WorkerLost; anything else is a mistake."""

    def _replied(
        self, seat: Seat, step: Step, inputs: Mapping[str, Tensors], source: ModelSource | None
    ) -> tuple[Tensors, Mapping[str, Any]]:
        """What a worker computes. Inputs that it keeps are not sent, unless it says that it does not keep them."""
        try:
            replied = message.replied(self._asked(seat, message.request(step, inputs, source, seat.kept)))
        except InputsForgotten:
            seat.kept.clear()
            replied = message.replied(self._asked(seat, message.request(step, inputs, source, seat.kept)))
        seat.kept.update(inputs)
        return replied

    def _asked(self, seat: Seat, asked: bytes) -> bytes:
        try:
            return self._ask(seat, asked)
        except WorkerLost:
            raise
        except Exception as error:
            raise WorkerMistake(f"the worker {seat.name}: {type(error).__name__}: {reason(error)}") from error

    def _greeted(self, name: str, said: Any) -> None:
        """A worker has said who it is, in a future; or could not, in an environment without entrack or with
        another."""
        try:
            self._admit(name, said.result())
        except WorkerRefused as refused:
            self.roster.refuses(name, str(refused))
        except Exception as error:
            self.roster.refuses(name, f"{name} cannot say who it is: {type(error).__name__}: {reason(error)}")
        else:
            self.roster.joins(name)

    def _admit(self, name: str, said: Mapping[str, Any]) -> None:
        """Hold a worker's greeting against this process and what it was told. Raises WorkerRefused."""
        theirs, own = Identity.told(said), Identity.own(self._settings.environment.device or device_kind(None))
        held_against(theirs, own, where := f"{name} on {said.get('machine')}")
        if device_kind(theirs.device) != device_kind(own.device):
            raise WorkerRefused(
                f"{where} computes on {theirs.device}, and this run expects {own.device}: `--device {theirs.device}` "
                "makes it expect that"
            )


def lost(seat: Seat) -> WorkerLost:
    """How a seat's worker is lost to the step that it had."""
    if seat.expected:
        return WorkerCalledOff(f"the worker {seat.name} was called off")
    return WorkerLost(f"the worker {seat.name} was lost")
