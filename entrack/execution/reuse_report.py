"""Where reused numbers came from: the stored values of a run that were not made as this run would make them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from entrack.execution.environment import RECORDED, Environment, alike, device_here, machine, versions
from entrack.execution.read_run_record import RunRecord, read_run_record
from entrack.store.base import Action

Origin = tuple[str, tuple[Any, ...]]


def reuse_report(found: Iterable[Action], environment: Environment) -> tuple[dict[str, Any], ...]:
    """By machine and stack, how many values were taken that were made on another machine, with other versions or on
    another device.

    `first` and `last` are the times of the first and the last of them; empty where that was not recorded.
    """
    groups: dict[Origin, list[str]] = {}
    for how in (read_run_record(action.how) for action in found):
        origin = _machine(how), tuple(how.get(name) for name in RECORDED)
        if origin[0] == "another" or _differs(how, environment):
            groups.setdefault(origin, []).append(how.get("made", ""))
    return tuple(
        {
            "steps": len(made),
            "machine": where,
            "first": min(made),
            "last": max(made),
            **dict(zip(RECORDED, stack, strict=True)),
        }
        for (where, stack), made in sorted(groups.items(), key=str)
    )


def _machine(how: RunRecord) -> str:
    own = how.get("machine")
    return "an unknown" if own is None else "this" if own == machine() else "another"


def _differs(how: RunRecord, environment: Environment) -> bool:
    here = {**versions(), "device": device_here(environment.device)}
    return not alike({name: how.get(name) for name in here}, here)
