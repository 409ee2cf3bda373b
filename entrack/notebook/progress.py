"""Progress of a run below a cell, as one display that is updated in place."""

from __future__ import annotations

import time
from html import escape
from types import TracebackType
from typing import Any, Self

from IPython.display import display

from entrack.cli.progress import ProgressBar
from entrack.events import Event, RunFinished

SHORT, APART = 0.5, 0.25
"""Seconds: a shorter run shows nothing; between two updates."""


class CellProgress(ProgressBar):
    """A watcher of a run in a cell."""

    def __init__(self) -> None:
        super().__init__()
        self._handle: Any = None
        self._began, self._due = self._started, self._started + SHORT
        self._came_to = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """What is left is a line: how far it came, or what it came to."""
        if self._handle is not None and kind is None:
            self._show_line(f"{self._came_to} in {self._seconds:.1f} s", done=True)
        elif self._handle is not None:
            self._show_line(self.line(self._seconds))

    def __call__(self, event: Event) -> None:
        super().__call__(event)
        if isinstance(event, RunFinished):
            self._came_to = f"{event.computed:,} steps computed, {event.found:,} found in the store"
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + APART
            self._show_line(self.line(self._seconds))

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self._began

    def _show_line(self, words: str, *, done: bool = False) -> None:
        share = 1.0 if done else min(1.0, self._done / max(1, self._total))
        bar = f'<progress max="1" value="{share:.3f}" style="width:12em;vertical-align:middle"></progress>'
        shown = {"text/plain": words, "text/html": f"<div>{bar} <small>{escape(words)}</small></div>"}
        if self._handle is None:
            self._handle = display(shown, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(shown, raw=True)
