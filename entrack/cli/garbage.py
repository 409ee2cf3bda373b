"""How often Python looks for cycles of values that nobody needs."""

from __future__ import annotations

import gc

OFTEN = gc.get_threshold()
"""As Python has it, before a command changes it."""
SELDOM = 5_000_000, 20, 10
"""For a command: a plan's many values are needed to the end, none of them is a cycle, and to go through 50,000 of them
at a time was an eighth of its time."""


def seldom() -> None:
    gc.set_threshold(*SELDOM)


def often() -> None:
    """For an engine: what it leaves is as large as a model's activations."""
    gc.set_threshold(*OFTEN)
