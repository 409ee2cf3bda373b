"""What is still to be done where a signal ends this process at once: what others would keep for it, such as jobs in a
queue. Everything else is left as it is."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

Act = Callable[[], object]
_acts: list[Act] = []


def begin(act: Act) -> None:
    """From now on this is to be done. It is short, waits for nobody for long, and may be called in any place."""
    _acts.append(act)


def drop(act: Act) -> None:
    """It has been done, or needs not be any more."""
    with suppress(ValueError):
        _acts.remove(act)


def done() -> None:
    """Do it all, each once, whatever becomes of it."""
    while _acts:
        with suppress(Exception):
            _acts.pop()()
