"""What `entrack cache why` says of a step's key: its parts, the state of its entry, and how the entry was made."""

from __future__ import annotations

from collections.abc import Sequence

from entrack.diagnostics.escape import visible
from entrack.execution.cache_explain import STATES, StepStatus
from entrack.execution.closest_entry import ClosestEntry, differing
from entrack.execution.environment import in_words, machine
from entrack.execution.read_run_record import read_run_record
from entrack.plan.cache_key import KeyPart, title
from entrack.store.base import Action

MOST_NAMED = 3
"""Parts that are named one by one; of more, only how many."""


def state_words(step: StepStatus) -> str:
    match step.state:
        case "missing":
            return f"not stored: {_like(step.nearest)}"
        case "declined":
            assert step.action is not None
            return f"{STATES['declined']}: {in_words(step.action.how)}"
    return STATES[step.state]


def _like(nearest: ClosestEntry | None) -> str:
    return "nothing is like it" if nearest is None else f"the nearest has {other_words(nearest.differs)}"


def other_words(names: Sequence[str]) -> str:
    """Parts that are others, in words."""
    if len(names) > MOST_NAMED:
        return f"other {title(names[0])} and {len(names) - 1} parts more"
    return (
        "other " + " and ".join(filter(None, (", ".join(map(title, names[:-1])), title(names[-1]))))
        if names
        else "the same parts"
    )


def varying_parts(keys: Sequence[Sequence[KeyPart]]) -> tuple[str, ...]:
    """The names of the parts that are not the same in all."""
    return tuple(dict.fromkeys(name for key in keys for name in differing(keys[0], key)))


def part_of(parts: Sequence[KeyPart], name: str) -> KeyPart:
    return next((part for part in parts if part.name == name), KeyPart(name, "", "-"))


def say_the_same(parts: Sequence[KeyPart]) -> bool:
    """Whether parts that differ say the same."""
    return len({part.words for part in parts}) == 1 and parts[0].words != ""


def told_apart(parts: Sequence[KeyPart]) -> list[str]:
    """Words where they tell the parts of several keys apart; else digests, beside words that are not all the same."""
    apart = len({part.words for part in parts}) == len({part.digest for part in parts})
    return [
        visible(
            part.words
            if apart
            else part.digest[:6]
            if say_the_same(parts)
            else f"{part.words} {part.digest[:6]}".strip()
        )
        for part in parts
    ]


def made_words(action: Action) -> str:
    how = read_run_record(action.how)
    own = how.get("machine")
    where = "" if own is None else " on this machine" if own == machine() else " on another machine"
    when = f" {how['made'].replace('T', ' ').removesuffix('Z')} UTC" if how.get("made") else ""
    return visible(
        f"{action.size:,} bytes, computed{when}{where} with {in_words(how)}, executor "
        f"{how.get('executor', 'not recorded')}"
    )
