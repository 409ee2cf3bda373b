"""When Python looks for cycles of values that nobody needs: to go through all values takes longer than an answer may,
so that is done while the editor asks for nothing."""

from __future__ import annotations

import asyncio
import gc

from attrs import define

NEW, NEVER = 5_000, 1 << 30
"""Values after which the new ones are looked at; older ones never are."""
QUIET = 2.0
"""Seconds without a change or a request."""


@define
class Garbage:
    _next: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        gc.freeze()  # what is loaded stays
        gc.set_threshold(NEW, NEVER, NEVER)

    def put_off(self) -> None:
        """The editor is at work: all values are looked at once it is not."""
        if self._next is not None:
            self._next.cancel()
        self._next = asyncio.get_running_loop().call_later(QUIET, gc.collect)
