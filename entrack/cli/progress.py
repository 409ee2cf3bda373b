"""Progress of a run: a bar with time left on a terminal, and a line now and then where there is none."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from entrack.cli.exits import say, screen
from entrack.diagnostics.visible import visible
from entrack.events import Damaged, Event, ModelLoading, NotTaken, RunFinished, RunStarted, StepDone, StepStarted, Waiting

EVERY = 15.0
"""Seconds between lines where there is no terminal."""
ENOUGH = 0.05
"""The share that is done before the time left is guessed: until then it is mostly the model that was read."""


class ProgressBar:
    """A watcher of a run. A run that takes less than a second shows nothing."""

    def __init__(self) -> None:
        console = screen(stderr=True)
        self._animated = console.is_terminal
        columns = (TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.percentage:>3.0f}%"), TimeElapsedColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=console, transient=True, disable=not self._animated)
        self._task: TaskID | None = None
        self._started = self._said = time.monotonic()
        self._total = self._done = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._bar.stop()

    def __call__(self, event: Event) -> None:
        match event:
            case RunStarted(_, _, work) if work:
                self._total, self._done, self._started = work, 0, time.monotonic()
                if self._animated:  # a second time where only results told what else there is to do
                    self._bar.start()
                    self._task = self._task if self._task is not None else self._bar.add_task("starting", total=work)
                    self._bar.reset(self._task, total=work)
            case ModelLoading(name, False):
                self._show(f"loading {name}")
            case StepStarted(what):
                self._show(what)
            case StepDone(what, work):
                self._advance(what, work)
            case Waiting(what):
                self._show(f"waiting for another process: {what}")
            case Damaged(_, why):
                say(f"warning: {why}; it is computed again")
            case NotTaken(steps, there, here):
                say(f"warning: {steps} stored values are computed again: they were made with {there}, and this is {here}. They stay; `--accept any` takes them as they are")
            case RunFinished():
                self._bar.stop()

    def _show(self, what: str) -> None:
        if self._task is not None:
            self._bar.update(self._task, description=visible(what)[:60].ljust(40))

    def _advance(self, what: str, work: int) -> None:
        self._done += work
        if self._task is not None:
            self._bar.update(self._task, advance=work)
        elif not self._animated and work and time.monotonic() - self._said > EVERY:
            self._said = time.monotonic()
            elapsed, share = self._said - self._started, self._done / max(1, self._total)
            left = f", about {elapsed / share - elapsed:.0f} s left" if share >= ENOUGH else ""
            say(f"{int(100 * share):3d} % after {elapsed:.0f} s{left}: {what}")
