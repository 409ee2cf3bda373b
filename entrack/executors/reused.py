"""Where reused numbers came from: the stored values of a run that were not made as this run would make them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from entrack.executors.stack import RECORDED, Here, device_kind, kind_of, machine, versions
from entrack.store.base import Action

Origin = tuple[str, tuple[Any, ...]]


def reused(found: Iterable[Action], here: Here) -> tuple[dict[str, Any], ...]:
    """By machine and stack, how many values were taken that were made on another machine, with other versions or on another kind of device.

    `first` and `last` are the times of the first and the last of them; empty where that was not recorded.
    """
    groups: dict[Origin, list[str]] = {}
    for action in found:
        origin = _machine(action), tuple(action.how.get(name) for name in RECORDED)
        if origin[0] == "another" or _differs(action, here):
            groups.setdefault(origin, []).append(str(action.how.get("made", "")))
    return tuple(
        {"steps": len(made), "machine": where, "first": min(made), "last": max(made), **dict(zip(RECORDED, stack, strict=True))}
        for (where, stack), made in sorted(groups.items(), key=str)
    )


def _machine(action: Action) -> str:
    own = action.how.get("machine")
    return "an unknown" if own is None else "this" if own == machine() else "another"


def _differs(action: Action, here: Here) -> bool:
    same_versions = all(action.how.get(name) == own for name, own in versions().items())
    return not same_versions or kind_of(action.how.get("device")) != device_kind(here.device)
