"""Output of `entrack cache why`, as text and JSON: cache keys of steps or of one entry, and the difference of two
specs."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from entrack.diagnostics.escape import visible
from entrack.execution.cache_explain import STATES, StepPair, StepStatus, sides
from entrack.execution.closest_entry import ClosestEntry, differing
from entrack.execution.environment import in_words, machine
from entrack.execution.read_run_record import read_run_record
from entrack.execution.run_record import recorded_key
from entrack.plan.cache_key import KeyPart, title
from entrack.store.base import Action

MOST_ROWS = 40
"""Purposes that have a row of their own."""


SHORT = 12
"""Digits of an address or digest that are shown."""


MOST_NAMED = 3
"""Parts that are named one by one; of more, only how many."""


def summary(name: str, steps: Sequence[StepStatus], unkeyed: int) -> RenderableType:
    """A line per purpose, or per construct where there are too many of these: what is stored, and why the rest is
    not."""
    table = _table(("step", "steps", "stored", "the rest"), right=("steps", "stored"))
    for what, group in _rows(steps).items():
        stored = sum(step.state == "stored" for step in group)
        table.add_row(Text(visible(what)), str(len(group)), str(stored), Text("\n".join(_reasons(group))))
    return Group(Text(f"{visible(name)}; {_counted(steps)}"), *_in_common(steps), Text(), table, *_unkeyed(unkeyed))


def chosen(steps: Sequence[StepStatus], asked: str) -> tuple[StepStatus, ...]:
    """The steps that a person means: by number, by the beginning of an address, or by words of what they are for."""
    if asked.isdecimal() and 1 <= int(asked) <= len(steps):
        return (steps[int(asked) - 1],)
    by_address = [step for step in steps if len(asked) >= 4 and step.address.startswith(asked)]
    return tuple(by_address or [step for step in steps if asked in step.what])


def listing(steps: Sequence[StepStatus], most: int, unkeyed: int) -> RenderableType:
    """Some steps: what they have in common once, then a line for each with what does not."""
    varying = _varying([step.parts for step in steps])
    table = _table(("#", "address", "state", *map(title, varying)), right=("#",))
    shown = steps[:most]
    cells = {name: _told_apart([_part(step.parts, name) for step in shown]) for name in varying}
    for row, step in enumerate(shown):
        table.add_row(
            str(step.place), step.address[:SHORT], Text(_state(step)), *(Text(cells[name][row]) for name in varying)
        )
    more = [Text(f"and {len(steps) - most} more; -n says how many to list")] if len(steps) > most else []
    return Group(
        Text(f"{_purposes(steps)}; {_counted(steps)}"), *_in_common(steps), Text(), table, *more, *_unkeyed(unkeyed)
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
        for reason, many in Counter(_state(step) for step in steps if step.state != "stored").most_common()
    ]


def _state(step: StepStatus) -> str:
    match step.state:
        case "missing":
            return f"not stored: {_like(step.nearest)}"
        case "declined":
            assert step.action is not None
            return f"{STATES['declined']}: {in_words(step.action.how)}"
    return STATES[step.state]


def _like(nearest: ClosestEntry | None) -> str:
    return "nothing is like it" if nearest is None else f"the nearest has {_other(nearest.differs)}"


def _other(names: Sequence[str]) -> str:
    """Parts that are others, in words."""
    if len(names) > MOST_NAMED:
        return f"other {title(names[0])} and {len(names) - 1} parts more"
    return (
        "other " + " and ".join(filter(None, (", ".join(map(title, names[:-1])), title(names[-1]))))
        if names
        else "the same parts"
    )


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
    varying = {*_varying(keys), "store_version"}
    same = [f"{part.title} {part.words or part.digest[:SHORT]}" for part in keys[0] if part.name not in varying]
    alike = [
        f"other {title(name)}, each {_part(keys[0], name).words}"
        for name in _varying(keys)
        if _alike([_part(key, name) for key in keys])
    ]
    return [Text(f"all have: {visible('; '.join((*same, *alike)))}")]


def _varying(keys: Sequence[Sequence[KeyPart]]) -> tuple[str, ...]:
    """The names of the parts that are not the same in all."""
    return tuple(dict.fromkeys(name for key in keys for name in differing(keys[0], key)))


def _part(parts: Sequence[KeyPart], name: str) -> KeyPart:
    return next((part for part in parts if part.name == name), KeyPart(name, "", "-"))


def _alike(parts: Sequence[KeyPart]) -> bool:
    """Whether parts that differ say the same."""
    return len({part.words for part in parts}) == 1 and parts[0].words != ""


def _told_apart(parts: Sequence[KeyPart]) -> list[str]:
    """Words where they tell the parts of several keys apart; else digests, beside words that are not all the same."""
    apart = len({part.words for part in parts}) == len({part.digest for part in parts})
    return [
        visible(
            part.words if apart else part.digest[:6] if _alike(parts) else f"{part.words} {part.digest[:6]}".strip()
        )
        for part in parts
    ]


def one(step: StepStatus, steps: int, unkeyed: int) -> RenderableType:
    """All parts of a step's key; where it is missing, beside the nearest entry's."""
    head = (
        f"{visible(step.what)} (step {step.place} of {steps})\naddress "
        f"{step.address or 'not known before the steps that it builds on'}\n{_state(step)}"
    )
    lines = [Text(head)] if step.action is None else [Text(head), Text(_made(step.action))]
    near = step.nearest
    where = (
        [
            Text(
                f"nearest: entry {near.action.address[:SHORT]}, "
                f"{visible(read_run_record(near.action.how).get('what', ''))}; {_made(near.action)}"
            )
        ]
        if near
        else []
    )
    return Group(*lines, *where, Text(), _key(step.parts, near.parts if near else None), *_unkeyed(unkeyed))


def entry(action: Action) -> RenderableType:
    """The key of an entry, as it was recorded with it."""
    parts = recorded_key(action)
    head = Text(f"{visible(read_run_record(action.how).get('what', ''))}\naddress {action.address}\n{_made(action)}")
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


def _made(action: Action) -> str:
    how = read_run_record(action.how)
    own = how.get("machine")
    where = "" if own is None else " on this machine" if own == machine() else " on another machine"
    when = f" {how['made'].replace('T', ' ').removesuffix('Z')} UTC" if how.get("made") else ""
    return visible(
        f"{action.size:,} bytes, computed{when}{where} with {in_words(how)}, executor "
        f"{how.get('executor', 'not recorded')}"
    )


def _key(parts: Sequence[KeyPart], others: Sequence[KeyPart] | None) -> Table:
    headings = (
        ("", "part of the key", "digest", "this step") if others is not None else ("part of the key", "digest", "")
    )
    table = _table((*headings, *(["nearest entry"] if others is not None else [])), right=())
    differs = set() if others is None else set(differing(parts, others))
    for name in dict.fromkeys(part.name for part in (*parts, *(others or ()))):
        part = _part(parts, name)
        cells = [Text(part.title), Text(part.digest[:SHORT]), Text(visible(part.words))]
        if others is not None:
            other = _part(others, name)
            cells = [
                Text("≠" if name in differs else ""),
                *cells,
                Text(visible(f"{other.digest[:SHORT]} {other.words}") if name in differs else "the same"),
            ]
        table.add_row(*cells)
    return table


def difference(first: str, second: str, pairs: Sequence[StepPair]) -> RenderableType:
    """How many steps two specs share, and, purpose by purpose, in which parts the others differ."""
    table = _table(("step", "here", "there", "shared", "the rest"), right=("here", "there", "shared"))
    grouped: defaultdict[str, list[StepPair]] = defaultdict(list)
    for pair in pairs:
        grouped[pair.what].append(pair)
    for what, group in grouped.items():
        here, there = sum(pair.first is not None for pair in group), sum(pair.second is not None for pair in group)
        rest = [
            f"{many} {words}"
            for words, many in Counter(_unlike(pair) for pair in group if not pair.shared).most_common()
        ]
        table.add_row(
            Text(visible(what)), str(here), str(there), str(sum(pair.shared for pair in group)), Text("\n".join(rest))
        )
    counts = [
        sum(side is not None for side in sides)
        for sides in zip(*((pair.first, pair.second) for pair in pairs), strict=True)
    ]
    head = (
        f"here: {visible(first)}, {counts[0]} steps; there: {visible(second)}, {counts[1]} steps; "
        f"{sum(pair.shared for pair in pairs)} are shared"
    )
    return Group(Text(head), Text(), table, *_sides(pairs))


def _unlike(pair: StepPair) -> str:
    if pair.first is None or pair.second is None:
        return "only there" if pair.first is None else "only here"
    return f"with {_other(pair.differs)}"


def _sides(pairs: Sequence[StepPair]) -> list[RenderableType]:
    """Each part that differs, on both sides, as far as words tell."""
    said: defaultdict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    for pair in pairs:
        if pair.first is not None and pair.second is not None:
            one, other = sides(pair.first, pair.second)
            for name in pair.differs:
                said[name][_part(one, name).words, _part(other, name).words] += 1
    if not said:
        return []
    table = _table(("part that differs", "steps", "here", "there"), right=("steps",))
    for name, counts in said.items():
        (here, there), many = counts.most_common(1)[0]
        more = "" if len(counts) == 1 else f" (in {many}; {len(counts) - 1} other pairs)"
        same = here == there
        table.add_row(
            Text(title(name)),
            str(sum(counts.values())),
            Text(visible(here)),
            Text("by its digest" if same else visible(there) + more),
        )
    return [Text(), table]


def _table(headings: Sequence[str], right: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, justify="right" if heading in right else "left", overflow="fold")
    return table
