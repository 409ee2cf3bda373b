"""Trying a word in its place: the checker's own rules say what would be wrong with it.

All of the spec but one item is checked once; the item is then checked against that, with each word in its turn. So a
try costs what one item costs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import get_args

from attrs import evolve, field
from lark.exceptions import UnexpectedInput

from entrack.budget import Spent, within
from entrack.check.files import Files
from entrack.check.includes import gather, included
from entrack.check.meaning import Meaning
from entrack.check.scope import Scope
from entrack.diagnostics import Diagnostic
from entrack.diagnostics.over_budget import told
from entrack.diagnostics.suggest import Suggestion
from entrack.editor.document import Document
from entrack.frozen import frozen
from entrack.source import Source, Span
from entrack.syntax import ast
from entrack.syntax.begun import SHORT
from entrack.syntax.build import Build
from entrack.syntax.grammar import parser
from entrack.syntax.limits import PIECE
from entrack.syntax.parse import parse
from entrack.tree import names, parts

Key = tuple[str, str, Span]
Candidate = tuple[str, Span]
"""A name, and what of the text it stands in the place of."""
USED = re.compile(r"^[ \t]*(?:intervention|group|circuit)[ \t]+(\w+)", re.MULTILINE)
LEFT_OUT = "\n"
"""What stands in a text for an item that is left out."""
UNFINISHED = ("E405", "E412", "E413", "E602", "E607", "E625")
"""What is wrong with a name after which one of its parts is still to be said."""
NOBODY = "_nobody_is_called_this"
"""A name that nothing has."""
FILLER = SHORT["NAME"]
"""A name that an end needs, which nothing has either."""
MOST_FILLED = 4
MOST_TRIED = 100
"""Names that are tried in a place."""
AT_A_POSITION = (
    (ast.Block, "reader"),
    (ast.Block, "read"),
    (ast.At, "where"),
    (ast.GroupItem, "position"),
)
"""Where the name of a position stands of which the checker knows the task only where the item is used."""
DECLARING = (ast.Binding, ast.Position, ast.GroupItem, ast.Hop, ast.Loop)
"""What gives a name to something inside an item, in a field `name`."""


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
        meaning, known = self.meaning.copy(), frozenset(map(_key, self.known))
        with within():
            try:
                added = _with_included((*items, *self.users), self.source, meaning.scope)
                meaning.add(added, self.source)
            except Spent as spent:
                meaning.scope.problems.append(told(spent, at))
        return tuple(new for new in meaning.scope.problems if new.is_error and _key(new) not in known)


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
        checked = _checked(left, others, tuple(document.checked.data.values()))
        meaning, known, here = checked.meaning, checked.known, []
    else:
        known = tuple(problem for problem in document.problems if not _within(problem.span, item))
    users = _users(text, meaning)
    left_over = meaning.without((*here, *users))
    left_over.scope.unread -= document.program.unread
    left_over.scope.parse = _parsed
    return Rest(source, left_over, known, tuple(map(once_through, users)))


@lru_cache(maxsize=4)
def _checked(left: Source, others: tuple[Source, ...], tables: tuple[Source, ...]) -> Rest:
    """A text, checked; while its author writes in the one item that it is without, it stays the same. The other files
    are those that were read for the spec as it is; tables are read again where one has changed."""
    texts = {str(Path(other.name).resolve()): other.text for other in others}
    scope = Scope(Files(Path(left.name).parent, texts), {}, parse=_parsed)
    meaning = Meaning(scope)
    with within():
        try:
            meaning.add(gather(left, scope), left)
        except Spent as spent:
            scope.problems.append(told(spent, Span(left.name, 0, 1)))
    return Rest(left, meaning, tuple(scope.problems))


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


@lru_cache(maxsize=64)
def _parsed(source: Source) -> tuple[ast.Program, tuple[Diagnostic, ...]]:
    """A file that is included, parsed."""
    return parse(source)


def _within(span: Span, item: Span) -> bool:
    return span.file == item.file and item.start <= span.start < item.end


@frozen
class Trial:
    """A place in an item where names are tried: `before` and `left` are what stands round it in the item, and `after`
    what makes it whole with a name."""

    rest: Rest
    word: Span
    start: int
    before: str
    after: str
    left: str
    whole: bool

    @classmethod
    def at(cls, document: Document, word: Span, item: Span, example: str, end: Callable[[], str]) -> Trial:
        """A place in a text, where `example` may stand. Where the item is not whole yet, its shortest `end` stands for
        what is missing."""
        source, rest = document.source, rest_of(document, item)
        before, after = source.text[item.start : word.start], source.text[word.end : item.end]
        whole = items_of(source.name, before + example + after, item.start) is not None
        if whole:
            return cls(rest, word, item.start, before, after, after, whole)
        ended = cls(rest, word, item.start, before, end(), after, whole)
        return evolve(ended, after=ended.with_names(example))

    def with_names(self, example: str) -> str:
        """The shortest end, with names that the spec has for those that it needs."""
        after = self.after
        for _ in range(MOST_FILLED):
            items = items_of(self.word.file, self.before + example + after, self.start)
            begin = self.start + len(self.before) + len(example)
            asked = self.rest.problems_with(map(once_through, items or ()), self.word)
            places = (_to_fill(problem, begin) for problem in asked)
            place, name = next((found for found in places if found is not None), (0, ""))
            if not name:
                break
            after = after[:place] + name + after[place + len(FILLER) :]
        return after

    def candidates(self, inside: str = "") -> Iterator[Candidate]:
        """Names that may be meant, each once, or paths that begin with `inside`. Whether they are right is not known
        yet."""
        items = self._items(inside + NOBODY, self.word)
        asked = self.rest.problems_with(map(once_through, items or ()), self.word)
        return iter(dict.fromkeys((*self._proposed(asked), *self._named(items or (), asked))))

    def any_whole(self, words: Iterable[str]) -> bool:
        """Whether the item is whole, as it stands, with one of these words in the place."""
        return any(items_of(self.word.file, self.before + word + self.left, self.start) is not None for word in words)

    def that_check(self, candidates: Iterable[Candidate], words: Iterable[str] = ()) -> Iterator[Candidate]:
        """Those of the first candidates with which nothing is wrong, but for what is elsewhere in the item, and is
        wrong with each that could stand there, and with each of these words of the grammar."""
        tried = ((each, self._wrong_with(*each)) for each in islice(candidates, MOST_TRIED))
        wrong = {each: problems for each, problems in tried if all(map(self._elsewhere, problems))}
        always = frozenset.intersection(*wrong.values()) if wrong else frozenset()
        if always:
            others = (self._wrong_with(word, self.word) for word in words)
            always = frozenset.intersection(always, *(found for found in others if None not in found))
        return (each for each, problems in wrong.items() if all(self._pardoned(one, always) for one in problems))

    def _elsewhere(self, problem: Key | None) -> bool:
        """Whether a problem is not that of the word itself, or only says that one of its parts is still to be said."""
        if problem is None:
            return False
        code, _, span = problem
        unfinished = not self.whole and code in UNFINISHED
        return unfinished or span.end <= self.word.start or span.start > self.word.start

    def _pardoned(self, problem: Key | None, always: frozenset[Key | None]) -> bool:
        """Whether it is wrong with each, or stands in the end that is not the author's."""
        if problem is None:
            return False
        code, _, span = problem
        return problem in always or (not self.whole and (code in UNFINISHED or span.start >= self.word.end))

    def _wrong_with(self, name: str, span: Span) -> frozenset[Key | None]:
        """What is wrong with a name in the place of `span`; places behind it are those of the text as it is."""
        items = self._items(name, span)
        if items is None:
            return frozenset((None,))
        longer = len(name) - (span.end - span.start)
        placed = Span(span.file, span.start, span.start + len(name))
        if name not in self.rest.meaning.scope.models:  # whose layers are counted
            items = tuple(map(once_through, items))
        return frozenset(_moved(problem, placed, longer) for problem in self.rest.problems_with(items, placed))

    def _items(self, name: str, span: Span) -> tuple[ast.Item, ...] | None:
        cut, left = span.start - self.start, span.end - self.word.end
        return items_of(span.file, self.before[:cut] + name + self.after[left:], self.start)

    def _proposed(self, asked: Iterable[Diagnostic]) -> Iterator[Candidate]:
        """What the checker would propose instead of a name that nothing has, or of what has this name in it."""
        for problem in asked:
            if isinstance(problem.help, Suggestion) and NOBODY in problem.help.word:
                placed = problem.help.span or problem.span
                span = self.word if problem.help.word == NOBODY else self._as_it_stands(placed)
                yield from ((name, span) for name in problem.help.names)

    def _as_it_stands(self, span: Span) -> Span:
        """A span of the text with `NOBODY` in it as one of the text without."""
        return Span(span.file, span.start, span.end - len(NOBODY) + self.word.end - self.word.start)

    def _named(self, items: tuple[ast.Item, ...], asked: Iterable[Diagnostic]) -> Iterator[Candidate]:
        """What the item itself has names for, and the names of positions; where the place declares a name, those that
        are used and not declared."""
        for holder, part in places_of(NOBODY, items):
            names: Iterable[str] = ()
            if part in ("name", "parameters") and isinstance(holder, get_args(ast.Item)):
                names = missing((*self.rest.known, *asked) if part == "name" else asked)
            elif isinstance(holder, DECLARING) or any(holder is each for each in parameters_in(items)):
                alone = any(isinstance(item, ast.Group) for item in items)
                names = missing((*self.rest.known, *asked) if alone else asked)
            elif not isinstance(holder, ast.Dotted | ast.Named):
                names = (*declared_in(items), *missing(asked))
            if (type(holder), part) in AT_A_POSITION:
                tasks = self.rest.meaning.scope.tasks.values()
                names = (*names, *(position for task in tasks for position in task.positions))
            yield from ((name, self.word) for name in names if NOBODY not in name and name.isidentifier())


def _to_fill(problem: Diagnostic, begin: int) -> tuple[int, str] | None:
    """Where in an end, which begins there, a name is missing, and one that would do."""
    help = problem.help
    if isinstance(help, Suggestion) and help.word == FILLER and help.names and problem.span.start >= begin:
        return problem.span.start - begin, help.names[0]
    return None


def places_of(name: str, node: object) -> Iterator[tuple[object, str]]:
    """What has a name in a field, or one that holds it, and that field."""
    kind: type = type(node)
    for held, value in ((each, getattr(node, each)) for each in names(kind)):
        if value == name or (isinstance(value, ast.Name) and value.text == name):
            yield node, held
        elif isinstance(value, tuple):
            for part in value:
                if isinstance(part, ast.Name) and part.text == name:
                    yield node, held
                else:
                    yield from places_of(name, part)
        else:
            yield from places_of(name, value)
    if isinstance(node, tuple):
        for part in node:
            yield from places_of(name, part)


def missing(problems: Iterable[Diagnostic]) -> tuple[str, ...]:
    """The names that are used and not declared."""
    words = (problem.help.word for problem in problems if isinstance(problem.help, Suggestion))
    return tuple(word for word in words if word != FILLER)


def parameters_in(items: Iterable[ast.Item]) -> Iterator[ast.Named]:
    return (each for item in items if isinstance(item, ast.Task) for each in item.parameters)


def declared_in(items: Iterable[ast.Item]) -> Iterator[str]:
    """The names of an item's loops, parameters and variables."""
    for item in items:
        match item:
            case ast.Measure(loops=loops):
                yield from (loop.name for loop in loops)
            case ast.Intervention(parameters=parameters):
                yield from (parameter.text for parameter in parameters)
            case ast.Task(parameters=given, items=lines):
                yield from (each.name for each in (*given, *lines))


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


def items_of(name: str, text: str, start: int) -> tuple[ast.Item, ...] | None:
    """The items of a part of a text that begins at `start`; None where it does not parse."""
    try:
        program: ast.Program = Build(name, start).transform(parser().tree(text))
    except UnexpectedInput:
        return None
    return program.items


def _key(problem: Diagnostic) -> Key:
    return problem.code, problem.message, problem.span


def _moved(problem: Diagnostic, word: Span, longer: int) -> Key:
    """What is wrong, at the place that it has in the text as it is."""
    span = problem.span
    if span.file != word.file or span.start < word.end:
        return _key(problem)
    return problem.code, problem.message, Span(span.file, span.start - longer, span.end - longer)


def _with_included(items: Iterable[ast.Item], source: Source, scope: Scope) -> list[ast.Item]:
    found: list[ast.Item] = []
    for item in items:
        found.extend(included(item, source, scope) if isinstance(item, ast.Include) else [item])
    return found
