"""What is recorded beside a value: how the engine made it, what for, when, on which machine, and its key part by part.

None of it decides an address. `how["key"]` has, for each part, a digest and words (`plan/cache_key.py`), so that an
entry can be asked what it is without the spec that wanted it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from entrack.execution.environment import machine
from entrack.execution.read_run_record import LONGEST
from entrack.execution.repository import Repository
from entrack.models.key import ModelSource
from entrack.plan.cache_key import KeyPart, in_order, parts
from entrack.plan.steps import Step
from entrack.store.base import Action

_SHORT = re.compile("[ -~]{1,64}")
"""The name of a part, and its digest: signs that can be shown."""


def run_record(
    step: Step, how: Mapping[str, Any], what: str, source: ModelSource | None, repository: Repository, now: float
) -> dict[str, Any]:
    """The note of a value that a bound step was given at `now` (seconds since 1970). `how` names the machine where
    that is another than this one. A value put beside another names its step's address."""
    own = repository.address(step)
    key = {
        part.name: [part.digest, part.words]
        for part in parts(step, repository.kind, source.description if source else "")
    }
    made = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    beside = {"beside": own} if repository.place(step) != own else {}
    return {"machine": machine(), **how, **beside, "what": what, "key": key, "made": made}


def recorded_key(action: Action) -> tuple[KeyPart, ...] | None:
    """The parts of an entry's key, as its note tells them; None where it tells none, or not as we write them."""
    key = action.how.get("key")
    if not isinstance(key, Mapping) or not key:
        return None
    told = [part for name, value in key.items() if (part := _part(name, value)) is not None]
    return in_order(told) if len(told) == len(key) else None


def recorded_words(action: Action, name: str) -> str | None:
    """The words of one part of an entry's key, as its note tells them."""
    key = action.how.get("key")
    part = _part(name, key.get(name)) if isinstance(key, Mapping) else None
    return None if part is None else part.words


def _part(name: str, value: object) -> KeyPart | None:
    """A part of a key: a digest and words."""
    match value:
        case [str(digest), str(words)] if _SHORT.fullmatch(name) and _SHORT.fullmatch(digest) and len(words) <= LONGEST:
            return KeyPart(name, digest, words)
    return None
