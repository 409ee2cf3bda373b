"""Progress of a run: a bar with the remaining time on a terminal, elsewhere the lines of `heartbeat.py`."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from entrack.cli.exit_codes import say, screen
from entrack.cli.heartbeat import BEAT
from entrack.diagnostics.escape import visible
from entrack.events import (
    Damaged,
    Event,
    FewerWorkers,
    ModelFetching,
    ModelLoading,
    NotTaken,
    RemoteDone,
    RemoteTrouble,
    RemoteWriting,
    RunFinished,
    RunStarted,
    StepDone,
    StepStarted,
    Waiting,
    WorkerNotTaken,
    WorkersHere,
)

NO_WORKERS = "waiting for workers"
ENOUGH = 0.05
"""The share that is done before the time left is guessed: until then it is mostly the model that was read."""


class ProgressBar:
    """A watcher of a run. A run that takes less than a second shows nothing."""

    def __init__(self) -> None:
        console = screen(stderr=True)
        self._animated = console.is_terminal
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        self._bar = Progress(*columns, console=console, transient=True, disable=not self._animated)
        self._task: TaskID | None = None
        self._started = time.monotonic()
        self._total = self._done = 0
        self._what, self._waits = "reading the spec and its models", False

    def __enter__(self) -> Self:
        BEAT.describe = self.line
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop("writing the results")

    def __call__(self, event: Event) -> None:
        match event:
            case RunStarted(_, _, work) if work:
                self._total, self._done, self._started = work, 0, time.monotonic()
                if self._animated:  # a second time where only results told what else there is to do
                    self._bar.start()
                    BEAT.silent()
                    self._task = self._task if self._task is not None else self._bar.add_task("starting", total=work)
                    self._bar.reset(self._task, total=work)
            case ModelFetching(name):
                self._what = f"fetching {name}"
                BEAT.waits()
            case ModelLoading(name, False):
                self._show(f"loading {name}")
            case StepStarted(what):
                self._show(what)
            case StepDone(_, work):
                self._advance(work)
            case Waiting(what):
                self._wait(what)
            case Damaged(_, why):
                say(f"warning: {why}; it is computed again")
            case NotTaken(steps, there, here):
                say(
                    f"warning: {steps} stored values are computed again: they were made with {there}, and this is "
                    f"{here}. They stay; `--accept any` takes them as they are"
                )
            case RemoteTrouble(why):
                say(f"warning: {why}")
            case RemoteWriting(left):
                self._what = f"writing {left} values to the remote"
            case RemoteDone(remote, brought, written):
                if brought or written:
                    say(f"the remote {remote}: {brought} values taken from it, {written} written to it")
            case FewerWorkers(asked, used, why):
                say(f"warning: {used} workers in place of {asked}: {why}")
            case WorkersHere(0, wanted):
                self._none_here(f"{NO_WORKERS} (0 of {wanted})" if wanted else NO_WORKERS)
            case WorkersHere(here) if self._what.startswith(NO_WORKERS):
                self._show(f"computing with {here} workers" if here > 1 else "computing with a worker")
            case WorkerNotTaken(_, why):
                say(f"warning: a worker is not used: {why}")
            case RunFinished():
                self._stop("putting the results together")

    def line(self, seconds: float) -> str:
        """What is being done, for who sees no bar: the share of the work, where that is known, and the time."""
        elapsed, share = time.monotonic() - self._started, self._done / max(1, self._total)
        if not self._done:
            return f"after {seconds:.0f} s: {visible(self._what)}"
        left = f", about {elapsed / share - elapsed:.0f} s left" if ENOUGH <= share < 1 else ""
        return f"{int(100 * share):3d} % after {seconds:.0f} s{left}: {visible(self._what)}"

    def _show(self, what: str) -> None:
        self._what, self._waits = what, False
        if self._task is not None:
            self._bar.update(self._task, description=visible(what)[:60].ljust(40))

    def _wait(self, what: str) -> None:
        self._none_here(f"waiting for another process: {what}")

    def _none_here(self, what: str) -> None:
        """Nothing is computed until something comes."""
        begins = not self._waits
        self._show(what)
        self._waits = True
        if begins:
            BEAT.waits()

    def _advance(self, work: int) -> None:
        self._done, self._waits = self._done + work, False
        if self._task is not None:
            self._bar.update(self._task, advance=work)

    def _stop(self, what: str) -> None:
        self._bar.stop()
        BEAT.silent(drawn=False)
        self._what = what
