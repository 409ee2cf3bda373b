"""Trying names in a place of an item: the checker's own rules say which may be meant, and what is wrong with each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice, takewhile
from time import thread_time
from typing import get_args

from attrs import evolve

from entrack.diagnostics import Diagnostic
from entrack.diagnostics.suggest import Suggestion
from entrack.editor.completion_rest import Key, Rest, key_of, once_through, rest_of
from entrack.editor.document import Document
from entrack.frozen import frozen
from entrack.source import Span
from entrack.syntax import ast
from entrack.syntax.begun import SHORT
from entrack.syntax.pieces import parse_items
from entrack.tree import names

Candidate = tuple[str, Span]
"""A name, and what of the text it stands in the place of."""
UNFINISHED = ("E405", "E412", "E413", "E602", "E607", "E625")
"""What is wrong with a name after which one of its parts is still to be said."""
NOBODY = "_nobody_is_called_this"
"""A name that nothing has."""
FILLER = SHORT["NAME"]
"""A name that an end needs, which nothing has either."""
MOST_FILLED = 4
MOST_TRIED, SECONDS = 100, 0.1
"""Names that are tried in a place, and for how many seconds of the processor. An editor asks again at each letter."""
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
class Trial:
    """A place in an item where names are tried: `before` and `left` are what stands round it in the item, and `after`
    what makes it whole with a name. Names are tried up to `until`, by the processor time of the thread."""

    rest: Rest
    word: Span
    start: int
    before: str
    after: str
    left: str
    whole: bool
    until: float

    @classmethod
    def at(cls, document: Document, word: Span, item: Span, example: str, end: Callable[[], str]) -> Trial:
        """A place in a text, where `example` may stand. Where the item is not whole yet, its shortest `end` stands for
        what is missing."""
        source, rest = document.source, rest_of(document, item)
        before, after = source.text[item.start : word.start], source.text[word.end : item.end]
        whole = parse_items(before + example + after, source.name, item.start) is not None
        until = thread_time() + SECONDS
        if whole:
            return cls(rest, word, item.start, before, after, after, whole, until)
        ended = cls(rest, word, item.start, before, end(), after, whole, until)
        return evolve(ended, after=ended.with_names(example))

    def with_names(self, example: str) -> str:
        """The shortest end, with names that the spec has for those that it needs."""
        after = self.after
        for _ in range(MOST_FILLED):
            items = parse_items(self.before + example + after, self.word.file, self.start)
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
        return any(
            parse_items(self.before + word + self.left, self.word.file, self.start) is not None for word in words
        )

    def that_check(self, candidates: Iterable[Candidate], words: Iterable[str] = ()) -> Iterator[Candidate]:
        """Those of the first candidates with which nothing is wrong, but for what is elsewhere in the item, and is
        wrong with each that could stand there, and with each of these words of the grammar."""
        in_time = takewhile(lambda _: thread_time() < self.until, islice(candidates, MOST_TRIED))
        tried = ((each, self._wrong_with(*each)) for each in in_time)
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
        return parse_items(self.before[:cut] + name + self.after[left:], span.file, self.start)

    def _proposed(self, asked: Iterable[Diagnostic]) -> Iterator[Candidate]:
        """What the checker would propose instead of a name that nothing has, or of what has this name in it."""
        for problem in asked:
            if isinstance(problem.help, Suggestion) and NOBODY in problem.help.word:
                placed = problem.help.span or problem.span
                span = self.word if problem.help.word == NOBODY else self._as_it_stands(placed)
                yield from ((name, span) for name in problem.help.names)
                firsts = (name.partition(".") for name in problem.help.names if span == self.word)
                yield from ((first, span) for first, _, rest in firsts if rest and self.left.startswith(f".{rest}"))

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


def _moved(problem: Diagnostic, word: Span, longer: int) -> Key:
    """What is wrong, at the place that it has in the text as it is."""
    span = problem.span
    if span.file != word.file or span.start < word.end:
        return key_of(problem)
    return problem.code, problem.message, Span(span.file, span.start - longer, span.end - longer)
