"""Workers that are processes of this machine, one for each GPU where there are GPUs. This process loads no torch.

A process is started when the first step comes to it. One that ends is started again; its step is the caller's to try
again. Processes say who they are before they are given anything.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import IO, Any

from attrs import evolve

from entrack import separate_process
from entrack.diagnostics.escape import clip
from entrack.engine.errors import EngineError
from entrack.events import Watcher, unwatched
from entrack.execution.value_check import Tensors
from entrack.models.key import ModelSource
from entrack.plan.steps import Step
from entrack.workers import message
from entrack.workers.errors import WorkerCalledOff, WorkerLost
from entrack.workers.identity import Identity, held_against
from entrack.workers.process import Ended, Kind, read, write
from entrack.workers.room import VISIBLE, Room
from entrack.workers.roster import Roster
from entrack.workers.worker import Settings

PROGRAM = Path(__file__).with_name("process.py")
TAIL = 2000
"""Bytes of what a process said before it ended."""
OVER = "the workers have been ended"


class Processes:
    """`Workers` in processes of their own, as many as are asked for and `room` allows. `gpus` are the GPUs that they
    may use, by the names that CUDA_VISIBLE_DEVICES takes; empty for none."""

    def __init__(self, room: Room, settings: Settings, gpus: Sequence[str] = (), watcher: Watcher = unwatched) -> None:
        self._room, self._settings, self._gpus, self._watch = room, settings, gpus, watcher
        self._beginning = Lock()
        self._roster = Roster()
        self._processes: dict[str, _Process] = {}

    @property
    def at_once(self) -> int:
        """Asks for room the first time. Raises NoRoom."""
        self._begin()
        return len(self._processes)

    def compute(
        self, step: Step, inputs: Mapping[str, Tensors], source: ModelSource | None
    ) -> tuple[Tensors, Mapping[str, Any]]:
        self._begin()
        with self._roster.seat(step) as seat:
            process = self._processes[seat.name]
            try:
                with process.alone:
                    return message.replied(process.asked(message.request(step, inputs, source)))
            finally:
                if not process.started:  # another in its place knows nothing
                    seat.last = None

    def close(self) -> None:
        self._roster.close(WorkerLost(OVER))
        for process in self._processes.values():
            process.kill()
        for process in self._processes.values():
            with process.alone:
                process.end()

    def _begin(self) -> None:
        """Each has a place in the roster, started or not."""
        with self._beginning:
            if not self._processes:
                many = self._room.fitting(self._watch)
                made = [self._process(number, many) for number in range(many)]
                self._processes = {each.name: each for each in made}
                for each in made:
                    self._roster.asks(each.name)
                    self._roster.joins(each.name)

    def _process(self, number: int, many: int) -> _Process:
        gpu = self._gpus[number % len(self._gpus)] if self._gpus else None
        sharing = -(-many // len(self._gpus)) if self._gpus else many
        return _Process(number + 1, evolve(self._settings, sharing=sharing), gpu, self._watch)


class _Process:
    """A process, once it has been asked for the first time; another in its place when it has ended. Whoever uses it
    holds `alone`, but for `kill`."""

    def __init__(self, number: int, settings: Settings, gpu: str | None, watcher: Watcher) -> None:
        self.name, self._settings, self._gpu, self._watch = f"worker {number}", settings, gpu, watcher
        self._process: subprocess.Popen[bytes] | None = None
        self._trouble: IO[bytes] | None = None
        self._killed = False
        self.alone = Lock()

    @property
    def started(self) -> bool:
        return self._process is not None

    def asked(self, request: bytes) -> bytes:
        """The reply to a request. Raises WorkerLost, and EngineError where no process can be had."""
        if self._process is None:
            self._start()
        try:
            write(self._pipe("stdin"), Kind.REQUEST, request)
            return self._heard(Kind.REPLY)
        except Ended:
            raise self._lost() from None
        except BaseException:
            self.end()  # its reply would be taken for the next one's
            raise

    def kill(self) -> None:
        """End it, whatever it does, from any thread."""
        self._killed = True
        process = self._process  # whose thread may end it meanwhile
        if process is not None:
            process.kill()

    def end(self) -> None:
        """End it, and tidy up."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with suppress(OSError):
                    pipe.close()  # type: ignore[union-attr]  # they were asked for
        if self._trouble is not None:
            self._trouble.close()

    def _start(self) -> None:
        """Raises WorkerRefused where it is another version, EngineError where there is none."""
        if self._killed:
            raise WorkerLost(OVER)
        environment = dict(os.environ) if self._gpu is None else {**os.environ, VISIBLE: self._gpu}
        try:
            self._trouble = tempfile.TemporaryFile()  # noqa: SIM115  # closed by `end`
            self._process = separate_process.worker(PROGRAM, environment, self._trouble)
        except (OSError, separate_process.NoLibrary) as error:
            raise EngineError(f"{self.name}: its process cannot be started: {error}") from None
        if self._killed:  # in the meantime
            self._process.kill()
        told = {"path": [path or os.getcwd() for path in sys.path], "settings": self._settings.told()}
        try:
            write(self._pipe("stdin"), Kind.SETTINGS, json.dumps(told).encode())
            who = Identity.told(json.loads(self._heard(Kind.HELLO)))
        except Ended:
            raise self._lost(begun=False) from None
        try:
            held_against(who, Identity.own(who.device), self.name)
        except EngineError:
            self.end()
            raise

    def _heard(self, wanted: Kind) -> bytes:
        """What it says, once it has told of all that happens until then."""
        kind, said = read(self._pipe("stdout"))
        while kind is not wanted:
            self._watch(message.happened(said))
            kind, said = read(self._pipe("stdout"))
        return said

    def _pipe(self, name: str) -> int:
        pipe: IO[bytes] = getattr(self._process, name)
        return pipe.fileno()

    def _lost(self, *, begun: bool = True) -> EngineError:
        """How it ended; it is tidied up. Another may have more luck, but for one that ended by itself before it
        could begin."""
        assert self._process is not None and self._trouble is not None
        self._process.kill()  # where it has only closed its pipes
        status = self._process.wait()
        self._trouble.seek(max(0, self._trouble.seek(0, os.SEEK_END) - TAIL))
        lines = self._trouble.read().decode("utf-8", "replace").strip().splitlines()
        self.end()
        how = f"was ended by {_signal(-status)}" if status < 0 else f"ended with status {status}"
        said = f"{self.name} {how}" + (f" ({clip(lines[-1], 200)})" if lines else "")
        if status == -signal.SIGTERM:
            return WorkerCalledOff(said)
        return WorkerLost(said) if begun or status < 0 else EngineError(f"{said}, before it could begin")


def _signal(number: int) -> str:
    name = signal.Signals(number).name if number in {*signal.Signals} else f"signal {number}"
    return f"{name} (kill -9, or memory that has run out)" if number == signal.SIGKILL else name
