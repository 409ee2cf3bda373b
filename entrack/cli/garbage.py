"""How often Python looks for cycles of values that nobody needs."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

OFTEN = gc.get_threshold()
"""As Python has it, before a command changes it."""
SELDOM = 50_000, 20, 10
"""For a command: a plan's many values are needed to the end, and to go through them again and again was a sixth of its
time."""

HARDLY_EVER = 5_000_000, 20, 10
"""For a plan, of whose values none is in a cycle: a tenth more of its time."""


def seldom() -> None:
    gc.set_threshold(*SELDOM)


@contextmanager
def hardly_ever() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(*HARDLY_EVER)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def often() -> None:
    """For an engine: what it leaves is as large as a model's activations."""
    gc.set_threshold(*OFTEN)
