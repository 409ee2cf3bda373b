"""A spec without one item, to which items are added and checked one at a time: what comes with each of them is told, at
the cost of what one item costs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from attrs import evolve, field

from entrack.budget import Spent, within
from entrack.check.files import Files
from entrack.check.includes import gather, included
from entrack.check.meaning import Meaning
from entrack.check.scope import Scope
from entrack.diagnostics import Diagnostic
from entrack.diagnostics.over_budget import told
from entrack.editor.document import Document
from entrack.editor.parsed import parsed
from entrack.frozen import frozen
from entrack.source import Source, Span
from entrack.syntax import ast
from entrack.syntax.limits import PIECE
from entrack.tree import parts

Key = tuple[str, str, Span]
USED = re.compile(r"^[ \t]*(?:intervention|group|circuit)[ \t]+(\w+)", re.MULTILINE)
LEFT_OUT = "\n"
"""What stands in a text for an item that is left out."""


@frozen
class Rest:
    """A spec without one item, checked. `known` is what is wrong with it as it is; `users` are measures that are left
    out too, because only they tell whether the item makes sense."""

    source: Source
    meaning: Meaning = field(repr=False)
    known: tuple[Diagnostic, ...]
    users: tuple[ast.Item, ...] = ()

    def problems_with(self, items: Iterable[ast.Item], at: Span) -> tuple[Diagnostic, ...]:
        """The errors that come with these items, which stand at `at`."""
        meaning, known = self.meaning.copy(), frozenset(map(key_of, self.known))
        with within():
            try:
                added = _with_included((*items, *self.users), self.source, meaning.scope)
                meaning.add(added, self.source)
            except Spent as spent:
                meaning.scope.problems.append(told(spent, at))
        return tuple(new for new in meaning.scope.problems if new.is_error and key_of(new) not in known)


def rest_of(document: Document, item: Span) -> Rest:
    """A spec without what stands at `item`. It is not checked again, unless a file is included there, or what is there
    keeps other items from being read."""
    meaning, source = document.checked.meaning, document.source
    here = [each for each in document.program.items if item.start <= each.span.start < item.end]
    text = source.text[item.start : item.end]
    unread = document.program.unread - {match.group() for match in PIECE.finditer(text)}
    if meaning is None or unread or any(isinstance(each, ast.Include) for each in here):
        left = Source(source.name, f"{source.text[: item.start]}{LEFT_OUT}{source.text[item.end :]}")
        others = tuple(file.source for name, file in document.files.items() if name != source.name)
        checked = _checked(left, others, tuple(document.checked.data.values()), _stamps(document.checked.files))
        meaning, known, here = checked.meaning, checked.known, []
    else:
        known = tuple(problem for problem in document.problems if not _within(problem.span, item))
    users = _users(text, meaning)
    left_over = meaning.without((*here, *users))
    left_over.scope.unread -= document.program.unread
    left_over.scope.parse = _parsed
    return Rest(source, left_over, known, tuple(map(once_through, users)))


@lru_cache(maxsize=4)
def _checked(left: Source, others: tuple[Source, ...], tables: tuple[Source, ...], stamps: tuple[int, ...]) -> Rest:
    """A text, checked; while its author writes in the one item that it is without, it stays the same. The other files
    are those that were read for the spec as it is; what else it reads is read again where a file has changed."""
    texts = {str(Path(other.name).resolve()): other.text for other in others}
    scope = Scope(Files(Path(left.name).parent, texts), {}, parse=_parsed)
    meaning = Meaning(scope)
    with within():
        try:
            meaning.add(gather(left, scope), left)
        except Spent as spent:
            scope.problems.append(told(spent, Span(left.name, 0, 1)))
    return Rest(left, meaning, tuple(scope.problems))


def _stamps(files: Iterable[Path]) -> tuple[int, ...]:
    """When files were last changed; 0 of one that is not there."""
    return tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in files)


def _users(text: str, meaning: Meaning) -> tuple[ast.Item, ...]:
    """The measures that name an intervention, group or circuit which an item declares: what its parameters and
    positions are is known there alone."""
    named = set(USED.findall(text))
    measures = (each for each in meaning.items if isinstance(each, ast.Measure) and named)
    return tuple(each for each in measures if named & set(_words_of(each)))


def _words_of(node: object) -> Iterator[str]:
    for part in node if isinstance(node, tuple) else parts(node, ("span", "name_span")):
        if isinstance(part, str):
            yield part
        else:
            yield from _words_of(part)


def _parsed(source: Source) -> tuple[ast.Program, tuple[Diagnostic, ...]]:
    found = parsed(source)
    return found.program, found.problems


def _within(span: Span, item: Span) -> bool:
    return span.file == item.file and item.start <= span.start < item.end


def _with_included(items: Iterable[ast.Item], source: Source, scope: Scope) -> list[ast.Item]:
    found: list[ast.Item] = []
    for item in items:
        found.extend(included(item, source, scope) if isinstance(item, ast.Include) else [item])
    return found


def once_through(item: ast.Item) -> ast.Item:
    """A measure whose loops go through one layer, head, token or number: a name that is right there is right in all."""
    if not isinstance(item, ast.Measure):
        return item
    return evolve(item, loops=tuple(evolve(loop, values=_first(loop.values)) for loop in item.loops))


def _first(values: ast.ListOf | ast.All) -> ast.ListOf | ast.All:
    if isinstance(values, ast.All):
        zero = ast.Integer(0, span=values.span)
        return values if values.what == "positions" else ast.ListOf((zero,), span=values.span)
    numbers = all(isinstance(each, ast.Integer | ast.Number | ast.Negative | ast.Range) for each in values.items)
    if not numbers or not values.items:
        return values
    first = values.items[0]
    return evolve(values, items=(first.first if isinstance(first, ast.Range) else first,))


def key_of(problem: Diagnostic) -> Key:
    """What tells a problem from others."""
    return problem.code, problem.message, problem.span
