"""How results come to be drawn: the one place where results ask for what shows them. It is looked for when a method is
called, and needs matplotlib only then (decision 052)."""

from __future__ import annotations

from typing import Any


def painter() -> Any:
    """The functions that draw results into axes."""
    from entrack.report import into_axes

    return into_axes
