"""The text of `entrack cache why`: the cache keys of steps, or of one entry, part by part."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from entrack.cli.cache_words import made_words, part_of, say_the_same, state_words, told_apart, varying_parts
from entrack.cli.table import table
from entrack.diagnostics.escape import visible
from entrack.execution.cache_explain import STATES, StepStatus
from entrack.execution.closest_entry import differing
from entrack.execution.read_run_record import read_run_record
from entrack.execution.run_record import recorded_key
from entrack.plan.cache_key import KeyPart, title
from entrack.store.base import Action

MOST_ROWS = 40
"""Purposes that have a row of their own."""
SHORT = 12
"""Digits of an address or digest that are shown."""


def summary(name: str, steps: Sequence[StepStatus], unkeyed: int) -> RenderableType:
    """A line per purpose, or per construct where there are too many of these: what is stored, and why the rest is
    not."""
    rows = table("step", "steps", "stored", "the rest", right=("steps", "stored"))
    for what, group in _rows(steps).items():
        stored = sum(step.state == "stored" for step in group)
        rows.add_row(Text(visible(what)), str(len(group)), str(stored), Text("\n".join(_reasons(group))))
    return Group(Text(f"{visible(name)}; {_counted(steps)}"), *_in_common(steps), Text(), rows, *_unkeyed(unkeyed))


def chosen(steps: Sequence[StepStatus], asked: str) -> tuple[StepStatus, ...]:
    """The steps that a person means: by number, by the beginning of an address, or by words of what they are for."""
    if asked.isdecimal() and 1 <= int(asked) <= len(steps):
        return (steps[int(asked) - 1],)
    by_address = [step for step in steps if len(asked) >= 4 and step.address.startswith(asked)]
    return tuple(by_address or [step for step in steps if asked in step.what])


def listing(steps: Sequence[StepStatus], most: int, unkeyed: int) -> RenderableType:
    """Some steps: what they have in common once, then a line for each with what does not."""
    varying = varying_parts([step.parts for step in steps])
    rows = table("#", "address", "state", *map(title, varying), right=("#",))
    shown = steps[:most]
    cells = {name: told_apart([part_of(step.parts, name) for step in shown]) for name in varying}
    for row, step in enumerate(shown):
        rows.add_row(
            str(step.place),
            step.address[:SHORT],
            Text(state_words(step)),
            *(Text(cells[name][row]) for name in varying),
        )
    more = [Text(f"and {len(steps) - most} more; -n says how many to list")] if len(steps) > most else []
    return Group(
        Text(f"{_purposes(steps)}; {_counted(steps)}"), *_in_common(steps), Text(), rows, *more, *_unkeyed(unkeyed)
    )


def _rows(steps: Sequence[StepStatus]) -> Mapping[str, list[StepStatus]]:
    by_purpose = _grouped(steps)
    if len(by_purpose) <= MOST_ROWS:
        return by_purpose
    rows: defaultdict[str, list[StepStatus]] = defaultdict(list)
    for what, group in by_purpose.items():
        rows[re.split("[.:]", what)[0]].extend(group)
    return rows


def _grouped(steps: Iterable[StepStatus]) -> Mapping[str, list[StepStatus]]:
    grouped: defaultdict[str, list[StepStatus]] = defaultdict(list)
    for step in steps:
        grouped[step.what].append(step)
    return grouped


def _counted(steps: Sequence[StepStatus]) -> str:
    counts = Counter(step.state for step in steps)
    return f"{len(steps)} steps: " + ", ".join(
        f"{counts[state]} {words}" for state, words in STATES.items() if counts[state]
    )


def _purposes(steps: Sequence[StepStatus]) -> str:
    purposes = list(_grouped(steps))
    return visible(purposes[0]) if len(purposes) == 1 else f"{len(purposes)} purposes"


def _reasons(steps: Sequence[StepStatus]) -> list[str]:
    """Why steps are not stored, the commonest reason first."""
    return [
        f"{many} {reason}"
        for reason, many in Counter(state_words(step) for step in steps if step.state != "stored").most_common()
    ]


def _unkeyed(many: int) -> list[RenderableType]:
    return (
        [
            Text(
                f"{many} entries of this store have no key recorded, as an earlier entrack made them, and are not "
                "compared."
            )
        ]
        if many
        else []
    )


def _in_common(steps: Sequence[StepStatus]) -> list[RenderableType]:
    """The parts that all steps share, in a line or two; of those that they do not, the words, where these are the
    same."""
    if len(steps) < 2:
        return []
    keys = [step.parts for step in steps]
    varying = varying_parts(keys)
    apart = {*varying, "store_version"}
    same = [f"{part.title} {part.words or part.digest[:SHORT]}" for part in keys[0] if part.name not in apart]
    alike = [
        f"other {title(name)}, each {part_of(keys[0], name).words}"
        for name in varying
        if say_the_same([part_of(key, name) for key in keys])
    ]
    return [Text(f"all have: {visible('; '.join((*same, *alike)))}")]


def one(step: StepStatus, steps: int, unkeyed: int) -> RenderableType:
    """All parts of a step's key; where it is missing, beside the nearest entry's."""
    head = (
        f"{visible(step.what)} (step {step.place} of {steps})\naddress "
        f"{step.address or 'not known before the steps that it builds on'}\n{state_words(step)}"
    )
    lines = [Text(head)] if step.action is None else [Text(head), Text(made_words(step.action))]
    near = step.nearest
    where = (
        [
            Text(
                f"nearest: entry {near.action.address[:SHORT]}, "
                f"{visible(read_run_record(near.action.how).get('what', ''))}; {made_words(near.action)}"
            )
        ]
        if near
        else []
    )
    return Group(*lines, *where, Text(), _key(step.parts, near.parts if near else None), *_unkeyed(unkeyed))


def entry(action: Action) -> RenderableType:
    """The key of an entry, as it was recorded with it."""
    parts = recorded_key(action)
    head = Text(
        f"{visible(read_run_record(action.how).get('what', ''))}\naddress {action.address}\n{made_words(action)}"
    )
    if parts is None:
        return Group(
            head,
            Text(
                "Its key is not recorded: an earlier entrack made it. `entrack cache why SPEC` tells it from a "
                "spec that uses it."
            ),
        )
    return Group(head, *_beside(action), Text(), _key(parts, None))


def _beside(action: Action) -> list[RenderableType]:
    own = read_run_record(action.how).get("beside")
    return [Text(f"beside {visible(own)[:SHORT]}: the same step, made with another stack")] if own else []


def _key(parts: Sequence[KeyPart], others: Sequence[KeyPart] | None) -> Table:
    if others is None:
        rows = table("part of the key", "digest", "")
        for part in parts:
            rows.add_row(*_cells(part))
        return rows
    rows = table("", "part of the key", "digest", "this step", "nearest entry")
    differs = {*differing(parts, others)}
    for name in dict.fromkeys(part.name for part in (*parts, *others)):
        other = part_of(others, name)
        beside = visible(f"{other.digest[:SHORT]} {other.words}") if name in differs else "the same"
        rows.add_row("≠" if name in differs else "", *_cells(part_of(parts, name)), Text(beside))
    return rows


def _cells(part: KeyPart) -> tuple[Text, Text, Text]:
    return Text(part.title), Text(part.digest[:SHORT]), Text(visible(part.words))
