"""How long what is left of a plan takes, and what that costs, as a table and as JSON."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from entrack.cli.table import table
from entrack.diagnostics.escape import clip, visible
from entrack.execution.estimate import Estimate

WORKERS = (1, 8, 64)
NONE = "time: no measurement yet on {device}: run something small first, with a model of this type and about this size"
LONGEST = 64
"""Signs of the name of a device, which stands in the store."""


def time_json(given: Estimate, price: float | None) -> dict[str, Any]:
    """The estimate in seconds; the cost of each number of workers in what `price` is in."""
    times = {str(workers): given.on(workers) for workers in WORKERS}
    return {
        "device": given.device,
        "measured": given.measured,
        "steps": given.steps,
        "seconds": given.seconds,
        "longest_path": given.longest,
        "workers": times,
        **({} if price is None else {"cost": {workers: _cost(given, int(workers), price) for workers in times}}),
        "not_measured": dict(given.without),
        "more": list(given.more),
        "less": list(given.less),
    }


def time_view(given: Estimate, price: float | None) -> RenderableType:
    """The estimate for a person; nothing where no step is left."""
    if not given.steps:
        return Text()
    if given.device is None or sum(given.without.values()) == given.steps:
        return Text("\n" + NONE.format(device=_name(given.device or given.asked or "this device")))
    money = () if price is None else ("cost",)
    made = table("workers", "time", *money, right=("workers", "time", *money))
    for workers in WORKERS:
        cost = () if price is None else (f"{_cost(given, workers, price):,.2f}",)
        made.add_row(str(workers), duration(given.on(workers)), *cost)
    return Group(Text(), made, Text(_notes(given)))


def duration(seconds: float) -> str:
    """One decimal, of the largest unit that there is one of once it is rounded."""
    for unit, size, smaller in (("d", 86400.0, 3600.0), ("h", 3600.0, 60.0), ("min", 60.0, 1.0)):
        if seconds >= size - smaller / 20:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:.1f} s"


def _notes(given: Estimate) -> str:
    """What the numbers are of, and what is not in them."""
    device = "" if given.device is None else _name(given.device)
    without = ", ".join(f"{many:,} steps of {kind}" for kind, many in given.without.items())
    lines = [
        f"Time of computing on {device}, by {given.measured:,} steps that were measured; the longest row of steps that "
        f"wait for each other takes {duration(given.longest)}.",
        *([f"At least: without {without}, of which none was measured."] if without else []),
        *(["At least: " + "; ".join(map(visible, given.more)) + "."] if given.more else []),
        *(["Less where " + "; ".join(given.less) + "."] if given.less else []),
    ]
    return "\n".join(lines)


def _cost(given: Estimate, workers: int, price: float) -> float:
    """All workers are paid for as long as it takes."""
    return workers * given.on(workers) / 3600 * price


def _name(device: str) -> str:
    return clip(device, LONGEST)
