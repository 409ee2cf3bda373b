"""Records: what was measured, one per piece of work and contender, and the file that keeps them."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import Any

from attrs import asdict, frozen


@frozen
class Ratio:
    """Of pairs taken in the same round: the median, the lowest and the highest."""

    middle: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Ratio:
        values = list(values)
        return cls(median(values), min(values), max(values))


@frozen(kw_only=True)
class Record:
    """`seconds` are the median for `units` values (senders, steps or variants), given clean runs; `first_seconds`
    include these.

    `ratio_to_plain` says how many times faster than the plain executor a unit is, `ratio_to_floor` how many times
    slower than the floor; `spread` has the lowest and highest of each over the rounds, and of the seconds. `difference`
    is the largest difference of a log probability from the plain executor's, `effect` the largest that the work itself
    makes. `peak_bytes` is the most memory held beside the model, clean runs included; `budget` what it was told to stay
    within. `counting_zeros` is `ratio_to_plain` where the layers that cannot reach a receiver count: to run them is to
    make the same full passes. `busy` is the share of time in which a GPU worked.
    """

    work: str
    who: str
    size: str
    sample: str
    units: int
    seconds: float
    ratio_to_plain: float | None
    ratio_to_floor: float | None
    counting_zeros: float | None = None
    spread: dict[str, tuple[float, float] | None]
    rounds: list[float]
    """Seconds of each."""
    prepare_seconds: float | None = None
    first_seconds: float | None = None
    forwards: float | None = None
    token_layers: float | None = None
    peak_bytes: int | None = None
    budget: int | None = None
    busy: float | None = None
    difference: float | None = None
    effect: float | None = None
    machine: dict[str, Any]
    versions: dict[str, str]

    @property
    def key(self) -> tuple[str, str, str]:
        return self.size, self.work, self.who


def ratios(seconds: list[float], to_plain: Ratio | None, to_floor: Ratio | None) -> dict[str, Any]:
    """The fields of a record that are about ratios and spread."""
    return {
        "ratio_to_plain": to_plain and to_plain.middle,
        "ratio_to_floor": to_floor and to_floor.middle,
        "spread": {
            "seconds": (min(seconds), max(seconds)),
            "ratio_to_plain": to_plain and (to_plain.low, to_plain.high),
            "ratio_to_floor": to_floor and (to_floor.low, to_floor.high),
        },
    }


def machine(device: str, threads: int) -> dict[str, Any]:
    """What the figures depend on."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "device": device,
        "threads": threads,
    }


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown"


def merged(path: Path, new: Iterable[Record]) -> list[dict[str, Any]]:
    """Write the new records over the old ones of the same work, size and contender. -> all of them"""
    kept = {(one["size"], one["work"], one["who"]): one for one in stored(path)}
    kept.update((record.key, asdict(record)) for record in new)
    path.write_text(json.dumps(list(kept.values()), indent=1) + "\n", encoding="utf-8")
    return list(kept.values())


def stored(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
