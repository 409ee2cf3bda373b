"""Work that is awaited: done in a thread of its own while an event loop goes on, and broken off where it is
cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from threading import Event
from typing import TypeVar

from entrack import interrupts

Made = TypeVar("Made")
CANCELLED = "cancelled: what was finished is kept, and the next run goes on from there"


def cancelled() -> asyncio.CancelledError:
    """What says that a run was cancelled, which a notebook shows in one line. It is of no class of its own:
    `asyncio.timeout` looks for CancelledError itself."""
    error = asyncio.CancelledError(CANCELLED)
    error._render_traceback_ = lambda: [CANCELLED]  # type: ignore[attr-defined]  # IPython's
    return error


async def in_thread(work: Callable[[], Made]) -> Made:
    """What `work` gives. Raises what it raises, and CancelledError where the task that awaits it is cancelled: then the
    work is asked to stop at its next `interrupts.check()`, and waited for until it has; who cancels again does not
    wait."""
    stop = Event()

    def stoppable() -> tuple[Made] | None:
        # a KeyboardInterrupt that came to the event loop would end it
        with suppress(KeyboardInterrupt), interrupts.stopped_by(stop.is_set):
            return (work(),)
        return None

    working = asyncio.ensure_future(asyncio.to_thread(stoppable))
    try:
        made = await asyncio.shield(working)
    except asyncio.CancelledError:
        stop.set()
        await asyncio.wait([working])
        if not working.cancelled():
            working.exception()  # asked for, so that nobody is told that it was not
        raise cancelled() from None
    if made is None:
        raise cancelled()
    return made[0]
