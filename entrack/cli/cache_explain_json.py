"""`entrack cache why` as JSON: the keys of steps, one entry, and two specs side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from entrack.execution.cache_explain import StepPair, StepStatus
from entrack.execution.read_run_record import read_run_record
from entrack.execution.run_record import recorded_key
from entrack.plan.cache_key import KeyPart
from entrack.store.base import Action


def steps_json(steps: Sequence[StepStatus], unkeyed: int) -> dict[str, Any]:
    """The steps of a spec, each with its key."""
    return {"steps": [_step_json(step) for step in steps], "entries_without_key": unkeyed}


def entry_json(action: Action) -> dict[str, Any]:
    """One entry, with its key as it was recorded: null where it was not."""
    parts = recorded_key(action)
    how = {name: value for name, value in action.how.items() if name != "key"}
    return {
        "address": action.address,
        "size": action.size,
        "key": None if parts is None else _key_json(parts),
        "how": how,
    }


def difference_json(pairs: Sequence[StepPair]) -> dict[str, Any]:
    """Two specs: each pair of steps, by their numbers."""
    listed = [
        {
            "what": pair.what,
            "here": pair.first.place if pair.first else None,
            "there": pair.second.place if pair.second else None,
            "shared": pair.shared,
            "differs": list(pair.differs),
        }
        for pair in pairs
    ]
    return {"shared": sum(pair.shared for pair in pairs), "pairs": listed}


def _step_json(step: StepStatus) -> dict[str, Any]:
    near = step.nearest
    return {
        "step": step.place,
        "what": step.what,
        "state": step.state,
        "address": step.address or None,
        "entry": step.action.address if step.action else None,
        "key": _key_json(step.parts),
        "nearest": {
            "address": near.action.address,
            "what": read_run_record(near.action.how).get("what"),
            "differs": list(near.differs),
        }
        if near
        else None,
    }


def _key_json(parts: Sequence[KeyPart]) -> dict[str, Any]:
    return {part.name: {"digest": part.digest, "words": part.words} for part in parts}
