"""Work that takes longer than a keystroke: one thing after the other, in a thread that never keeps the server from
ending; what was asked for and is wanted no more is not begun."""

from __future__ import annotations

import logging
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread

from attrs import define, field

log = logging.getLogger(__name__)


@define
class Background:
    """`wanted` says, when its turn comes, whether a piece of work is still to be done."""

    _queue: SimpleQueue[tuple[Callable[[], bool], Callable[[], None]]] = field(factory=SimpleQueue)
    _thread: Thread | None = None

    def do(self, wanted: Callable[[], bool], work: Callable[[], None]) -> None:
        """Have it done later."""
        if self._thread is None:
            self._thread = Thread(target=self._work, name="language-server-background", daemon=True)
            self._thread.start()
        self._queue.put((wanted, work))

    def _work(self) -> None:
        while True:
            wanted, work = self._queue.get()
            try:
                if wanted():
                    work()
            except Exception:
                log.exception("work in the background failed")
