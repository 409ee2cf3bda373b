"""What is recorded beside a value: how the engine made it, what for, when, on which machine, and its key part by part.

None of it decides an address. `how["key"]` has, for each part, a digest and words (`plan/key.py`), so that an entry can be asked
what it is without the spec that wanted it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from entrack.executors.shelf import Shelf
from entrack.executors.stack import machine
from entrack.models.model import ModelSource
from entrack.plan.key import Part, in_order, parts
from entrack.plan.steps import Step
from entrack.store.base import Action


def note(step: Step, how: Mapping[str, Any], what: str, source: ModelSource | None, shelf: Shelf, now: float) -> dict[str, Any]:
    """The note of a value that a bound step was given at `now` (seconds since 1970). A value put beside another names its step's address."""
    own = shelf.address(step)
    key = {part.name: [part.digest, part.words] for part in parts(step, shelf.reference, source.description if source else "")}
    made = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    beside = {"beside": own} if shelf.place(step) != own else {}
    return {**how, **beside, "what": what, "key": key, "made": made, "machine": machine()}


def recorded(action: Action) -> tuple[Part, ...] | None:
    """The parts of an entry's key, as its note tells them; None where it tells none, or not as we write them."""
    key = action.how.get("key")
    if not isinstance(key, Mapping) or not key:
        return None
    told = [(name, value) for name, value in key.items() if isinstance(value, list) and len(value) == 2 and all(isinstance(each, str) for each in value)]
    return in_order(Part(name, digest, words) for name, (digest, words) in told) if len(told) == len(key) else None
