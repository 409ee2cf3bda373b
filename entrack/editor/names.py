"""Names: what each name of a spec stands for, and where it is declared and used, in all of its files.

A name that is not known to stand for anything is left out. Positions are one name for all tasks, as a group's `at last`
means whatever task it is measured on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import TypeAlias

from attrs import define, field

from entrack.editor.document import Document
from entrack.editor.nodes import walk
from entrack.editor.parsed import Parsed
from entrack.frozen import frozen
from entrack.source import Source, Span
from entrack.syntax import ast
from entrack.syntax.holes import parts as holes_of
from entrack.tree import parts
from entrack.vocabulary import GIVEN

MOST_KEPT = 32
"""Specs whose names are kept."""
ITEM, GROUP, VARIABLE, POSITION, LOCAL = "item", "group", "variable", "position", "local"


@frozen
class Symbol:
    """What a name stands for: `kind` is one of the above; `within` the circuit, task, intervention or measure that it
    belongs to, "" for an item and for a position."""

    kind: str
    name: str
    within: str = ""


@frozen
class Occurrence:
    """A place where a symbol's name stands."""

    symbol: Symbol
    span: Span
    declares: bool = False


Locals: TypeAlias = Mapping[str, Symbol]
NO_LOCALS: Locals = {}


@lru_cache(maxsize=MOST_KEPT)
def occurrences(files: tuple[Parsed, ...]) -> tuple[Occurrence, ...]:
    """Every name of a spec that stands for something, in its files, each place once for each symbol."""
    names = _Names(files)
    found = dict.fromkeys(occurrence for item in names.items for occurrence in names.of_item(item))
    texts = {file.source.name: file.source for file in files}
    return tuple(one for one in found if _stands(one, texts))


def at(found: Iterable[Occurrence], file: str, offset: int) -> tuple[Occurrence, ...]:
    """The occurrences that an offset lies in or ends."""
    return tuple(one for one in found if one.span.file == file and one.span.start <= offset <= one.span.end)


def names_of(document: Document) -> tuple[Occurrence, ...]:
    """Those of a document."""
    return occurrences(tuple(document.files.values()))


def _stands(one: Occurrence, texts: Mapping[str, Source]) -> bool:
    """Whether the name is really written there: in a text with escapes, spans are off."""
    return texts[one.span.file].text[one.span.start : one.span.end] == one.symbol.name


@define
class _Names:
    """What is declared in all files, and a walk through each item."""

    files: tuple[Parsed, ...]
    items: tuple[ast.Item, ...] = field(init=False)
    by_name: dict[str, ast.Item] = field(init=False)
    positions: frozenset[str] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.items = tuple(item for file in self.files for item in file.program.items)
        self.by_name = {}
        for item in self.items:
            self.by_name.setdefault(str(getattr(item, "name", "")), item)
        places = (node for item in self.items for node in walk(item) if isinstance(node, ast.Position))
        self.positions = frozenset(place.name for place in places)

    def of_item(self, item: ast.Item) -> Iterator[Occurrence]:
        """All names in an item, its own among them."""
        declared = _name_span(item)
        if declared is not None:
            yield Occurrence(Symbol(ITEM, str(getattr(item, "name", ""))), declared, declares=True)
        match item:
            case ast.Group(model, group):
                yield from self._item(model)
                yield from self._of(group, NO_LOCALS, "")
            case ast.Circuit(name, model, groups):
                yield from self._item(model)
                for group in groups:
                    yield Occurrence(Symbol(GROUP, group.name, name), group.name_span, declares=True)
                    yield from self._of(group, NO_LOCALS, "")
            case ast.Discover():
                yield from self._discover(item)
            case ast.Task():
                yield from self._task(item)
            case ast.Alternate() | ast.Desideratum():
                yield from self._item(item.task)
                yield from self._of((item.changes, getattr(item, "target", None)), NO_LOCALS, item.task.text)
            case ast.Intervention(name, parameters, acts):
                own = {one.text: Symbol(LOCAL, one.text, name) for one in parameters}
                yield from (Occurrence(own[one.text], one.span, declares=True) for one in parameters)
                yield from self._of(acts, own, "")
            case ast.Measure():
                yield from self._measure(item)
            case ast.Examine():
                yield from self._item(item.model)
                yield from self._of((item.circuit, item.amount, item.over, item.prompts), NO_LOCALS, "")
            case ast.Mask():
                for name_ in (item.model, *item.desiderata):
                    yield from self._item(name_)
                yield from self._of(item.circuit, NO_LOCALS, "")
            case ast.Vector():
                yield from self._item(item.model)
                yield from self._of(item.terms, NO_LOCALS, "")
            case ast.Figure():
                yield from self._figure(item)
            case _:
                yield from self._of(item, NO_LOCALS, "")

    def _discover(self, item: ast.Discover) -> Iterator[Occurrence]:
        yield from self._item(item.model)
        own = {hop.name: Symbol(GROUP, hop.name, item.name) for hop in item.hops}
        yield from (Occurrence(own[hop.name], hop.name_span, declares=True) for hop in item.hops)
        yield from self._of((item.prompts, item.against, item.screen), NO_LOCALS, "")
        tasks = self._tasks(item.prompts)
        for score in item.scores:
            yield from self._quantity(score.metric, NO_LOCALS, tasks)
        yield from self._of(item.confirms, NO_LOCALS, "")
        for hop in item.hops:
            yield from self._of((hop.position, hop.receivers, hop.keep), own, "")

    def _task(self, item: ast.Task) -> Iterator[Occurrence]:
        for parameter in item.parameters:
            yield Occurrence(Symbol(VARIABLE, parameter.name, item.name), _begins(parameter), declares=True)
            yield from self._of(parameter.value, NO_LOCALS, "")
        for part in item.items:
            if isinstance(part, ast.Binding):
                yield Occurrence(Symbol(VARIABLE, part.name, item.name), part.name_span, declares=True)
            yield from self._of(part.drawing if isinstance(part, ast.Binding) else part, NO_LOCALS, item.name)

    def _measure(self, item: ast.Measure) -> Iterator[Occurrence]:
        own = {loop.name: Symbol(LOCAL, loop.name, item.name) for loop in item.loops}
        for loop in item.loops:
            start = self._text(loop.span).find(loop.name, loop.span.start + len("for"))
            yield Occurrence(own[loop.name], Span(loop.span.file, start, start + len(loop.name)), declares=True)
        yield from self._quantity(item.metric, own, self._tasks(item.prompts))
        loops = tuple(loop.values for loop in item.loops)
        yield from self._of((item.subject, item.interventions, item.prompts, loops), own, "")

    def _figure(self, item: ast.Figure) -> Iterator[Occurrence]:
        yield from self._of(item.of, NO_LOCALS, "")
        for _, axis in item.options:
            yield from self._axis(item.of.name, axis.text, axis.span)

    def _quantity(self, quantity: ast.Quantity, own: Locals, tasks: frozenset[str]) -> Iterator[Occurrence]:
        """A quantity: the words of its metric are variables of the tasks that it is measured on."""
        for node in walk(quantity):
            match node:
                case ast.Metric(of=words):
                    for word in walk(words):
                        if isinstance(word, ast.Name):
                            yield from self._variables(word, tasks)
                case ast.Recovery(against=ast.Name() as other):
                    yield from self._item(other)
                case ast.Loss(at=name) | ast.LogitLens(at=name) | ast.DirectLogitAttribution(at=name):
                    yield from self._of(name, own, "")
                case ast.Attention(reader, read):
                    yield from self._of((reader, read), own, "")
                case _:
                    pass

    def _of(self, node: object, own: Locals, task: str) -> Iterator[Occurrence]:
        """The names in a part of an item. `own` are names of the item; `task` is that whose variables are meant."""
        match node:
            case tuple():
                for part in node:
                    yield from self._of(part, own, task)
            case ast.Name(text, span=span):
                yield from self._named(text, span, own, task)
            case ast.Reference():
                yield from self._reference(node, own, task)
            case ast.Call():
                yield from self._call(node, own, task)
            case ast.String() if task:
                for part in holes_of(node):
                    if isinstance(part, ast.Reference):
                        yield from self._reference(part, own, task)
            case ast.Position():
                yield Occurrence(Symbol(POSITION, node.name), node.name_span, declares=True)
                yield from self._of(node.place, own, task)
            case _:
                for part in parts(node, ("span", "name_span", "changes_span")):
                    yield from self._of(part, own, task)

    def _named(self, name: str, span: Span, own: Locals, task: str) -> Iterator[Occurrence]:
        """What a name alone stands for: the nearest that has it."""
        if name in own:
            yield Occurrence(own[name], span)
        elif task and name in self._variables_of(task):
            yield Occurrence(Symbol(VARIABLE, name, task), span)
        elif name in self.by_name and name not in GIVEN:
            yield Occurrence(Symbol(ITEM, name), span)
        elif name in self.positions:
            yield Occurrence(Symbol(POSITION, name), span)

    def _reference(self, node: ast.Reference, own: Locals, task: str) -> Iterator[Occurrence]:
        span = _first(node.span, node.name)
        yield from self._named(node.name, span, own, task)
        inside = node.name if node.name not in own else ""
        for part in node.rest:
            if isinstance(part, ast.Dotted):
                last = Span(part.span.file, part.span.end - len(part.name), part.span.end)
                yield from self._dotted(inside, part.name, last, task)
            else:
                yield from self._subscript(node.name, part, own, task)

    def _dotted(self, owner: str, name: str, span: Span, task: str) -> Iterator[Occurrence]:
        """`.name` after what is called `owner`."""
        if task:
            if owner not in self._rows(task) and name in self._variables_of(task):
                yield Occurrence(Symbol(VARIABLE, name, task), span)
            return
        item = self.by_name.get(owner)
        if isinstance(item, ast.Mask):
            if name in (one.text for one in item.desiderata):
                yield Occurrence(Symbol(ITEM, name), span)
            item = self.by_name.get(item.circuit.name)
        if name in _groups(item):
            yield Occurrence(Symbol(GROUP, name, str(getattr(item, "name", ""))), span)

    def _subscript(self, owner: str, node: ast.Subscript, own: Locals, task: str) -> Iterator[Occurrence]:
        """`[...]`: an index in a task; labels of a measure's axes elsewhere."""
        for part in node.items:
            if isinstance(part, ast.Named):
                yield from self._axis(owner, part.name, _begins(part))
                yield from self._label(owner, part.value, own)
            elif task:
                yield from self._of(part, own, task)
            else:
                yield from self._label(owner, part, own)

    def _label(self, owner: str, node: object, own: Locals) -> Iterator[Occurrence]:
        """A label of a measure: an item, a position, what a loop has named, or else a group, of whichever circuit."""
        item = self.by_name.get(owner)
        known = dict(own)
        if isinstance(item, ast.Measure):
            known |= {loop.name: Symbol(LOCAL, loop.name, owner) for loop in item.loops}
        found = tuple(self._of(node, known, ""))
        if not found and isinstance(node, ast.Reference):
            having = (name for name, other in self.by_name.items() if node.name in _groups(other))
            found = tuple(Occurrence(Symbol(GROUP, node.name, name), _first(node.span, node.name)) for name in having)
        yield from found

    def _axis(self, owner: str, name: str, span: Span) -> Iterator[Occurrence]:
        """An axis of a measure, which a loop has named, or a parameter of its task."""
        item = self.by_name.get(owner)
        if not isinstance(item, ast.Measure):
            return
        if name in (loop.name for loop in item.loops):
            yield Occurrence(Symbol(LOCAL, name, owner), span)
        else:
            yield from self._variables(ast.Name(name, span=span), self._tasks(item.prompts))

    def _call(self, node: ast.Call, own: Locals, task: str) -> Iterator[Occurrence]:
        """A call of a task or an intervention by its name; of a function there is nothing to tell."""
        called = self.by_name.get(node.name)
        if isinstance(called, ast.Task | ast.Alternate | ast.Desideratum | ast.Intervention):
            yield Occurrence(Symbol(ITEM, node.name), node.name_span)
        of = next(iter(self._tasks_named(node.name)), "")
        for argument in node.arguments:
            if isinstance(argument, ast.Named):
                if argument.name in self._variables_of(of):
                    yield Occurrence(Symbol(VARIABLE, argument.name, of), _begins(argument))
                yield from self._of(argument.value, own, task)
            else:
                yield from self._of(argument, own, task)

    def _item(self, name: ast.Name) -> Iterator[Occurrence]:
        if name.text in self.by_name:
            yield Occurrence(Symbol(ITEM, name.text), name.span)

    def _variables(self, name: ast.Name, tasks: Iterable[str]) -> Iterator[Occurrence]:
        for task in sorted(tasks):
            if name.text in self._variables_of(task):
                yield Occurrence(Symbol(VARIABLE, name.text, task), name.span)

    def _tasks(self, prompts: ast.Prompts) -> frozenset[str]:
        """The tasks of prompts, and of the alternates among them."""
        named = (node.name for node in walk(prompts.of) if isinstance(node, ast.Reference | ast.Call))
        return frozenset(task for name in named for task in self._tasks_named(name))

    def _tasks_named(self, name: str) -> Iterator[str]:
        match self.by_name.get(name):
            case ast.Task():
                yield name
            case ast.Alternate(task=of) | ast.Desideratum(task=of):
                yield of.text
            case _:
                pass

    def _variables_of(self, task: str) -> frozenset[str]:
        item = self.by_name.get(task)
        if not isinstance(item, ast.Task):
            return frozenset()
        bound = (part.name for part in item.items if isinstance(part, ast.Binding))
        return frozenset((*bound, *(parameter.name for parameter in item.parameters)))

    def _rows(self, task: str) -> frozenset[str]:
        """The variables of a task that are rows of a file: what follows them are columns."""
        item = self.by_name.get(task)
        parts = item.items if isinstance(item, ast.Task) else ()
        return frozenset(one.name for one in parts if isinstance(one, ast.Binding) and isinstance(one.drawing, ast.Row))

    def _text(self, span: Span) -> str:
        return next(file.source.text for file in self.files if file.source.name == span.file)


def _name_span(item: ast.Item) -> Span | None:
    return item.group.name_span if isinstance(item, ast.Group) else getattr(item, "name_span", None)


def _groups(item: object) -> frozenset[str]:
    match item:
        case ast.Circuit(groups=groups):
            return frozenset(group.name for group in groups)
        case ast.Discover():
            return frozenset(hop.name for hop in item.hops)
        case _:
            return frozenset()


def _first(span: Span, name: str) -> Span:
    return Span(span.file, span.start, span.start + len(name))


def _begins(node: ast.Named) -> Span:
    """Where the name before `=` stands."""
    return _first(node.span, node.name)
