"""Files as they were read: a text is parsed once, whatever asks for it, and a changed one from near its first change
on."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from attrs import define, field

from entrack import budget
from entrack.budget import Limit, uncounted, within
from entrack.diagnostics import Diagnostic
from entrack.frozen import frozen
from entrack.source import Source
from entrack.syntax import ast
from entrack.syntax.parse import parse
from entrack.syntax.reading import Known, Reading

MOST_CHARACTERS, MOST_KNOWN = 1 << 20, 8
"""Characters of all texts whose programs are kept, and of how many texts it is where the parser stood."""
LEFT_OUT = (budget.READ_AGAIN, budget.COMPARED)
"""Work of a parse that is left out where too much was done before: a text is read in the same way after as much."""
Key = tuple[Source, tuple[int, ...]]
AFTER_ANY = ()
"""In the key of a text that is read in the same way whatever was done before: it has no mistake."""


@frozen(eq=False)
class Parsed:
    """One file as it was read; `spent` is the work that was counted for it. There is one of each text, so that what is
    worked out of it can be kept, too."""

    source: Source
    program: ast.Program
    problems: tuple[Diagnostic, ...]
    spent: Mapping[Limit, int]


def parsed(source: Source) -> Parsed:
    """One file, read. Raises Spent."""
    before = tuple(budget.so_far().get(limit, 0) for limit in LEFT_OUT)
    texts = _KEPT.texts
    found = texts.pop((source, AFTER_ANY), None) or texts.pop((source, before), None) or _read(source, before)
    texts[source, before if found.problems else AFTER_ANY] = found
    while sum(len(each.text) for each, _ in texts) > MOST_CHARACTERS and len(texts) > 1:
        del texts[next(iter(texts))]
    for limit, many in found.spent.items():
        budget.spend(limit, many)
    return found


@define
class _Kept:
    """`texts` are in the order in which they were asked for; `known` is by names of files."""

    texts: dict[Key, Parsed] = field(factory=dict)
    known: deque[tuple[str, Known]] = field(factory=lambda: deque(maxlen=MOST_KNOWN))


_KEPT = _Kept()


def _read(source: Source, before: tuple[int, ...]) -> Parsed:
    """A text, read after so much work; what is counted for it is told, not counted yet."""
    known = (one for name, one in _KEPT.known if name == source.name)
    reading = Reading(max(known, key=lambda one: one.alike(source.text), default=Known()))
    had = dict(zip(LEFT_OUT, before, strict=True))
    with uncounted(), within() as counted:
        counted.spent.update(had)
        program, problems = parse(source, reading)
    _KEPT.known.append((source.name, reading.now))
    spent = {limit: total - had.get(limit, 0) for limit, total in counted.spent.items()}
    return Parsed(source, program, problems, spent)
