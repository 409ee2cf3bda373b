"""Rules for tasks: what each name in a task is, and that prompts can be drawn and positions found.

A variable is a word or a number, or a list of them; a text is made of words and holes. The walk below gives every
binding its type; alternates are checked as the task with their changes made (`check/alternates.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import PurePath
from typing import cast

from attrs import define, field, frozen

from entrack import budget
from entrack.check.files import Unreadable
from entrack.check.resolved import Task
from entrack.check.scope import Scope
from entrack.diagnostics.suggest import did_you_mean, nearest
from entrack.source import Span
from entrack.syntax import ast
from entrack.syntax.holes import BadHole, parts
from entrack.tree import parts as parts_of

ORDINALS: Mapping[str, int] = {"first": 0, "second": 1, "third": 2, "fourth": 3, "last": -1}
MOST_DRAWN = budget.DRAWN_AT_ONCE.most
MOST_LINES = budget.LINES.most
MOST_POOL = budget.POOL.most
HOLES_OF_A_LINE = 16
"""Holes that are gone through as quickly as a line."""
UNREAD = ("unread",)
"""Stands for a column that cannot be read, which has been said."""
OTHERS = ("original", "alternate")
DRAWING_WORDS = ("choice", "choices", "random", "randint", "randrange", "sample", "pick", "draw", "shuffle", "uniform")
DRAWING_HELP = 'write `one from ["car", "cup"]`, `2 distinct from A..Z` or `one of 0..6`'


@frozen
class Type:
    """`base` is word, number or text; `many` says that it is a list."""

    base: str
    many: bool = False

    def __str__(self) -> str:
        names = {"word": "a word", "number": "a number", "text": "a text"}
        return f"a list of {self.base}s" if self.many else names[self.base]


WORD, NUMBER, TEXT = Type("word"), Type("number"), Type("text")


@define
class Names:
    """What the names inside a task stand for. `others` are the name spaces `original` and `alternate`, where they
    exist."""

    types: dict[str, Type]
    others: Mapping[str, Mapping[str, Type]] = field(factory=dict)
    bare: bool = True
    """Whether names may stand without `original.` or `alternate.`."""


def check_tasks(scope: Scope, items: list[ast.Item]) -> None:
    """Resolve every task into `scope.tasks`."""
    for item in items:
        if isinstance(item, ast.Task) and scope.names.get(item.name) is item:
            before = len(scope.problems)
            budget.work_on(item.name_span)
            scope.tasks[item.name] = _task(scope, item)
            if any(problem.is_error for problem in scope.problems[before:]):
                scope.broken.add(item.name)


def _task(scope: Scope, item: ast.Task) -> Task:
    parameters = {}
    for parameter in item.parameters:
        value = scope.whole(parameter.value, f"`{parameter.name}`", 0)
        parameters[parameter.name] = value if value is not None else 1
    if len(item.items) > MOST_LINES:
        scope.report(
            "E706",
            f"a task has at most {MOST_LINES} lines; this one has {len(item.items)}",
            item.name_span,
            "",
            "draw lists instead of single variables",
        )
    columns: dict[tuple[str, str], tuple[str, ...]] = {}
    names = binding_types(scope, item.items, parameters, columns)
    scope.typed[item.name] = dict(names.types)
    before = len(scope.problems)
    _required(scope, item, names)
    check_positions(scope, item.items, names)
    if len(scope.problems) == before and not scope.unread and not _names_end(item):
        scope.report(
            "W401",
            f"the task `{item.name}` does not name the end of its prompt",
            item.name_span,
            "",
            "add `at last = end of prompt`",
        )
    return Task(item, parameters, columns)


def types_of(scope: Scope, task: Task) -> Mapping[str, Type]:
    """The types of the variables of a task that has been checked: nothing is reported again."""
    return cast(Mapping[str, Type], scope.typed[task.name])


def binding_types(
    scope: Scope,
    items: tuple[ast.Binding | ast.Position, ...],
    parameters: Mapping[str, int],
    columns: dict[tuple[str, str], tuple[str, ...]],
) -> Names:
    """The type of every binding, in order; a binding sees those before it."""
    names = Names(dict.fromkeys(parameters, NUMBER))
    seen: dict[str, Span] = {}
    for item in items:
        if isinstance(item, ast.Position):
            continue
        if item.name in seen:
            scope.report(
                "E202",
                f"`{item.name}` is declared twice in this task",
                item.name_span,
                "again here",
                "rename one of them",
            )
        seen[item.name] = item.name_span
        kind = drawing_type(scope, item.drawing, names, columns)
        names.types[item.name] = kind if kind is not None else Type("unknown")
    return names


def drawing_type(
    scope: Scope, drawing: ast.Drawing, names: Names, columns: dict[tuple[str, str], tuple[str, ...]]
) -> Type | None:
    """The type of what a drawing gives."""
    match drawing:
        case ast.Distinct(count, pool) | ast.Several(count, pool):
            counted = _count(scope, count, names)
            one = pool_type(scope, pool, names, columns)
            _enough(scope, drawing, names, columns)
            return None if one is None or not counted else Type(one.base, many=True)
        case ast.One(pool):
            return pool_type(scope, pool, names, columns)
        case ast.Index(column):
            kind = expression_type(scope, column, names)
            if kind is not None and kind.base != "unknown" and not kind.many:
                scope.report(
                    "E402",
                    "an index is drawn for a list",
                    column.span,
                    f"this is {kind}",
                    "name a variable drawn with `distinct`",
                )
            return NUMBER
    return expression_type(scope, drawing, names)


def pool_type(
    scope: Scope, pool: ast.Pool, names: Names, columns: dict[tuple[str, str], tuple[str, ...]]
) -> Type | None:
    """The type of one value of a pool."""
    match pool:
        case ast.Except(inner, without):
            for part in without.items if isinstance(without, ast.ListOf) else (without,):
                expression_type(scope, part, names)
            return pool_type(scope, inner, names, columns)
        case ast.Letters(first, last):
            if first > last:
                scope.report(
                    "E403", f"there are no letters from {first} to {last}", pool.span, "", f"write `{last}..{first}`"
                )
            return WORD
        case ast.Range(ast.Reference(first, ()), ast.Reference(last, ())) if len(first) == len(last) == 1 and not (
            first in names.types and last in names.types
        ):
            scope.report(
                "E402",
                "only capital letters are a pool by themselves",
                pool.span,
                "",
                'write `A..Z`, or list them: `["a", "b"]`',
            )
            return None
        case ast.Range(ast.Integer(first), ast.Integer(last)) if last - first >= MOST_POOL:
            scope.report(
                "E403",
                f"a pool has at most {MOST_POOL:,} values",
                pool.span,
                f"these are {last - first + 1:,}",
                "draw from fewer",
            )
            return NUMBER
        case ast.Range(first, last):
            for end in (first, last):
                _is(scope, end, expression_type(scope, end, names), NUMBER)
            return NUMBER
        case ast.Call("column"):
            _read_column(scope, pool, columns)
            return WORD
        case ast.ListOf(items):
            return _common(scope, pool, [expression_type(scope, part, names) for part in items])
        case ast.Reference():
            kind = expression_type(scope, pool, names)
            if kind is not None and not kind.many and kind.base != "unknown":
                scope.report(
                    "E402",
                    "one value is no pool to draw from",
                    pool.span,
                    f"this is {kind}",
                    "name a list, or write `[...]`",
                )
            return None if kind is None else Type(kind.base)
    scope.report("E402", "nothing can be drawn from this", pool.span, "", _pool_help(pool))
    return None


def _pool_help(pool: ast.Pool) -> str:
    match pool:
        case ast.Sum(
            ast.Reference(first, ()) | ast.Integer(first), (("-", ast.Reference(last, ()) | ast.Integer(last)),)
        ):
            return f"write `{first}..{last}`"
        case ast.String(value) if len(value) <= 60:
            return f'write `["{value}"]`, or draw nothing: `= "{value}"`'
    return 'draw from `A..Z`, `0..6`, `["a", "b"]`, `column("file.csv", "name")` or a list'


def expression_type(scope: Scope, node: ast.Expression, names: Names) -> Type | None:
    """The type of an expression inside a task; reports what is wrong inside it."""
    match node:
        case ast.Integer():
            return NUMBER
        case ast.String():
            return _text(scope, node, names, inside_join=False)
        case ast.Sum(first, rest) | ast.Product(first, rest):
            for part in (first, *(operand for _, operand in rest)):
                _is(scope, part, expression_type(scope, part, names), NUMBER)
            return NUMBER
        case ast.Negative(_, operand):
            _is(scope, operand, expression_type(scope, operand, names), NUMBER)
            return NUMBER
        case ast.Reference():
            return reference_type(scope, node, names)
        case ast.Call("join", (ast.String() as segment, ast.String(), *options)) if at_use(tuple(options)) is not None:
            for index, other in at_use(tuple(options)) or ():
                _is(scope, index, expression_type(scope, index, names), NUMBER)
                _text(scope, other, names, inside_join=True)
            if not any(_is_list(hole, names) for hole in parts(segment) if isinstance(hole, ast.Reference)):
                scope.report(
                    "E404",
                    "`join` repeats its first text for each element of a list, and there is no list in it",
                    segment.span,
                    "",
                    "put a variable drawn with `distinct` in a hole of it",
                )
            return _text(scope, segment, names, inside_join=True)
        case ast.Call("capitalise", (ast.String() | ast.Reference() | ast.Call() as inner,)):
            return expression_type(scope, inner, names)
        case ast.Call(name):
            known = ("join", "capitalise")
            if name in known:
                scope.report(
                    "E401",
                    f"`{name}` is not used like this",
                    node.span,
                    "",
                    'write `join("segment with {holes}", ", ")` or `capitalise("text")`',
                )
            else:
                scope.report(
                    "E401",
                    f"a task has no function `{name}`",
                    node.name_span,
                    "",
                    DRAWING_HELP if name in DRAWING_WORDS else did_you_mean(name, known),
                )
            return None
        case ast.ListOf(items):
            kind = _common(scope, node, [expression_type(scope, part, names) for part in items])
            return None if kind is None else Type(kind.base, many=True)
    scope.report(
        "E401", "this cannot stand in a task", node.span, "", "a task has drawings, texts, and values of its variables"
    )
    return None


def reference_type(scope: Scope, node: ast.Reference, names: Names) -> Type | None:
    """The type of `label`, `label[asked]`, `original.object[asked]`."""
    rest = list(node.rest)
    table: Mapping[str, Type] = names.types
    name, span = node.name, Span(node.span.file, node.span.start, node.span.start + len(node.name))
    if node.name in names.others:
        if not rest or not isinstance(rest[0], ast.Dotted):
            scope.report(
                "E405",
                f"`{node.name}` is a whole prompt",
                node.span,
                "",
                f"name one of its variables: `{node.name}.answer`",
            )
            return None
        table, name, span = names.others[node.name], rest[0].name, rest[0].span
        rest.pop(0)
    elif not names.bare:
        scope.report(
            "E405",
            f"say whose `{node.name}` is meant",
            node.span,
            "",
            f"write `original.{node.name}` or `alternate.{node.name}`",
        )
        return None
    kind = table.get(name)
    if kind is None and table is names.types and name in scope.params:
        kind = NUMBER
    if kind is None and name in OTHERS and not names.others:
        scope.report(
            "E405",
            f"a task has no `{name}`",
            span,
            "",
            "`original` and `alternate` mean something in an alternate or a desideratum",
        )
        return None
    if kind is None:
        if name not in scope.unread:
            others = names.others if table is names.types else ()
            scope.report(
                "E406",
                f"this task has no variable `{name}` before this",
                span,
                "used here",
                did_you_mean(name, [*table, *others]),
            )
        return None
    return _after(scope, node, kind, rest, names)


def _after(
    scope: Scope, node: ast.Reference, kind: Type, rest: list[ast.Dotted | ast.Subscript], names: Names
) -> Type | None:
    for part in rest:
        if isinstance(part, ast.Dotted):
            scope.report(
                "E405",
                f"a variable has no part `{part.name}`",
                part.span,
                "",
                "take an element of a list with brackets: `object[asked]`",
            )
            return None
        if kind.base == "unknown":
            return None
        if not kind.many:
            scope.report(
                "E402", "only a list has elements", part.span, f"`{node.name}` is {kind}", "leave out the brackets"
            )
            return None
        if len(part.items) != 1:
            scope.report("E402", "one index stands in brackets", part.span, "", "write one index")
            return None
        _index(scope, part.items[0], names)
        kind = Type(kind.base)
    return kind


def _index(scope: Scope, item: object, names: Names) -> None:
    if isinstance(item, ast.Where):
        column = expression_type(scope, item.column, names)
        if column is not None and not column.many and column.base != "unknown":
            scope.report(
                "E402", "`where` looks for a value in a list", item.column.span, f"this is {column}", "name a list"
            )
        expression_type(scope, item.value, names)
    elif isinstance(item, ast.Keep | ast.Mean | ast.Zero | ast.Patch):
        scope.report("E401", "this cannot stand in a task", item.span)
    else:
        node: ast.Expression = item  # type: ignore[assignment]  # what is left of a subscript's items
        _is(scope, node, expression_type(scope, node, names), NUMBER)


def _text(scope: Scope, string: ast.String, names: Names, *, inside_join: bool) -> Type:
    for part in parts(string):
        match part:
            case BadHole("}"):
                scope.report("E407", "this bracket closes nothing", part.span, "", "write `}}` for the bracket itself")
            case BadHole(text) if not text.strip():
                scope.report(
                    "E407",
                    "this hole is empty",
                    part.span,
                    "",
                    "name a variable in it, as in `{object}`; `{{` and `}}` stand for the brackets themselves",
                )
            case BadHole(text):
                scope.report(
                    "E407",
                    f"a hole holds the name of a variable, not `{text}`",
                    part.span,
                    "",
                    "write `{object}` or `{label[asked]}`; `{{` stands for the bracket itself",
                )
            case ast.Reference():
                kind = reference_type(scope, part, names)
                if kind is not None and kind.many and not inside_join:
                    scope.report(
                        "E408",
                        f"`{part.name}` is a list, and a hole takes one value",
                        part.span,
                        "",
                        "take an element, or repeat the text with `join`",
                    )
    return TEXT


def _required(scope: Scope, item: ast.Task, names: Names) -> None:
    for name, wanted, example in (
        ("prompt", (TEXT,), 'prompt = "The {object} is"'),
        ("answer", (WORD, TEXT), "answer = object[asked]"),
    ):
        kind = names.types.get(name)
        if kind is None and name in scope.unread:
            continue
        if kind is None:
            scope.report(
                "E409", f"the task `{item.name}` has no `{name}`", item.name_span, "", f"add a line such as `{example}`"
            )
        elif kind.base != "unknown" and kind not in wanted and not (name == "answer" and kind == NUMBER):
            span = next(b.span for b in item.items if isinstance(b, ast.Binding) and b.name == name)
            scope.report(
                "E410",
                f"`{name}` is {'one text' if name == 'prompt' else 'one word'}",
                span,
                f"this is {kind}",
                f"write, for example, `{example}`",
            )


def _names_end(item: ast.Task) -> bool:
    return any(isinstance(part, ast.Position) and isinstance(part.place, ast.EndOf) for part in item.items)


# --- positions ---------------------------------------------------------------------------------------------------


def check_positions(scope: Scope, items: tuple[ast.Binding | ast.Position, ...], names: Names) -> None:
    """That every position names a hole which the prompt has."""
    bindings = {item.name: item.drawing for item in items if isinstance(item, ast.Binding)}
    reached = set(reached_texts(bindings, "prompt"))
    seen: set[str] = set()
    budget.spend(budget.LOOKED_AT, len(items))
    for item in items:
        if not isinstance(item, ast.Position):
            continue
        if item.name in seen:
            scope.report(
                "E202",
                f"the position `{item.name}` is declared twice",
                item.name_span,
                "again here",
                "rename one of them",
            )
        seen.add(item.name)
        _place(scope, item.place, bindings, reached, names)


def _place(
    scope: Scope, place: ast.Place, bindings: Mapping[str, ast.Drawing], reached: set[str], names: Names
) -> None:
    match place:
        case ast.EndOf(text):
            if text.plain not in reached:
                _no_text(scope, text, bindings, reached)
        case ast.AnyOf(hole) | ast.HolePlace(hole):
            _hole(scope, hole, bindings, reached, names, several=isinstance(place, ast.AnyOf))


def _no_text(scope: Scope, text: ast.Reference, bindings: Mapping[str, ast.Drawing], reached: set[str]) -> None:
    if {text.name, "prompt"} & scope.unread or "prompt" not in bindings:
        return  # what is wrong has been said already: the prompt cannot be read, or there is none
    if text.name in bindings and text.plain is not None and not text.rest:
        scope.report(
            "E411",
            f"`{text.name}` is not part of the prompt",
            text.span,
            "",
            "put it in a hole of `prompt`, or name one of "
            f"{_names({name for name in reached if isinstance(bindings[name], ast.String | ast.Call)})}",
        )
    else:
        scope.report(
            "E411", f"there is no text `{text.name}` in this task", text.span, "", did_you_mean(text.name, reached)
        )


def _hole(
    scope: Scope,
    hole: ast.Reference,
    bindings: Mapping[str, ast.Drawing],
    reached: set[str],
    names: Names,
    *,
    several: bool,
) -> None:
    if hole.name not in reached:
        _no_text(scope, ast.Reference(hole.name, (), span=hole.span), bindings, reached)
        return
    inside = {reference.name: reference for reference in _holes(bindings[hole.name])}
    if not isinstance(bindings[hole.name], ast.String | ast.Call | ast.Reference):
        _no_hole(scope, hole, bindings, reached)
        return
    if not hole.rest or not isinstance(hole.rest[0], ast.Dotted):
        scope.report(
            "E412",
            f"`{hole.name}` is a whole text; a position is one hole of it",
            hole.span,
            "",
            f"write `{hole.name}.{next(iter(inside), 'object')}`, or `end of {hole.name}`",
        )
        return
    variable = hole.rest[0]
    if variable.name not in inside and variable.name in _bad_holes(bindings[hole.name]):
        return
    if variable.name not in inside:
        scope.report(
            "E412",
            f"the text `{hole.name}` has no hole for `{variable.name}`",
            variable.span,
            "",
            did_you_mean(variable.name, inside),
        )
        return
    chosen = [part for part in hole.rest[1:] if isinstance(part, ast.Subscript)]
    for part in hole.rest[1:]:
        if isinstance(part, ast.Dotted) and part.name not in ORDINALS:
            scope.report("E412", f"a hole has no part `{part.name}`", part.span, "", f"one of {', '.join(ORDINALS)}")
    for subscript in chosen:
        for item in subscript.items:
            _index(scope, item, names)
    whole = len(hole.rest) == 1 and _repeated(bindings[hole.name]) and _is_list(inside[variable.name], names)
    if whole and not several:
        scope.report(
            "E413",
            f"`{hole.plain}` is many places, one for each element",
            hole.span,
            "",
            f"choose one: `{hole.plain}[asked]`, or `any of {hole.plain}`",
        )


def _no_hole(scope: Scope, hole: ast.Reference, bindings: Mapping[str, ast.Drawing], reached: set[str]) -> None:
    where = [
        f"`{text}.{hole.name}`"
        for text in sorted(reached)
        if isinstance(bindings[text], ast.String | ast.Call) and hole.name in {h.name for h in _holes(bindings[text])}
    ]
    scope.report(
        "E412",
        f"`{hole.name}` is a variable; a position is a hole of a text",
        hole.span,
        "",
        f"write {' or '.join(where)}" if where else "name a text and its hole, such as `prompt.object`",
    )


def _holes(drawing: ast.Drawing) -> list[ast.Reference]:
    """The holes of a text, counted: each position goes through them."""
    found = list(holes_of(drawing))
    budget.spend(budget.LOOKED_AT, 1 + len(found) // HOLES_OF_A_LINE)
    return found


def reached_texts(bindings: Mapping[str, ast.Drawing], name: str) -> Iterator[str]:
    """The texts that end up in a text, itself first."""
    pending, seen = [name], set()
    while pending:
        current = pending.pop()
        if current in seen or current not in bindings:
            continue
        seen.add(current)
        yield current
        pending.extend(reference.name for reference in holes_of(bindings[current]) if not reference.rest)


def holes_of(drawing: ast.Drawing) -> Iterator[ast.Reference]:
    """The holes that a text has by itself, in order."""
    match drawing:
        case ast.String():
            yield from (part for part in parts(drawing) if isinstance(part, ast.Reference))
        case ast.Call("join", (ast.String() as segment, ast.String(), *options)):
            yield from holes_of(segment)
            for _, other in at_use(tuple(options)) or ():
                yield from holes_of(other)
        case ast.Call(_, arguments):
            for argument in arguments[:1]:
                if not isinstance(argument, ast.Named):
                    yield from holes_of(argument)
        case ast.Reference():
            yield drawing


def at_use(options: tuple[object, ...]) -> tuple[tuple[ast.Expression, ast.String], ...] | None:
    """The pairs of `at` and `use` among the options of a `join`; None when there is anything else."""
    pairs = []
    for index, text in zip(options[::2], options[1::2], strict=False):
        match index, text:
            case ast.Named("at", place), ast.Named("use", ast.String() as other):
                pairs.append((place, other))
            case _:
                return None
    return tuple(pairs) if len(options) % 2 == 0 else None


def mentioned(node: object) -> Iterator[str]:
    """Every name that a drawing or text depends on, holes included."""
    if isinstance(node, ast.Reference):
        yield node.name
    if isinstance(node, ast.Name):
        yield node.text
    if isinstance(node, ast.String):
        for hole in holes_of(node):
            yield from mentioned(hole)
    for part in node if isinstance(node, tuple) else parts_of(node, ("span", "name_span")):
        yield from mentioned(part)


def _bad_holes(drawing: ast.Drawing) -> str:
    """What stands in holes of a text that cannot be read, which has been said."""
    match drawing:
        case ast.String():
            return " ".join(part.text for part in parts(drawing) if isinstance(part, BadHole))
        case ast.Call(_, (ast.String() | ast.Call() as inner, *_)):
            return _bad_holes(inner)
    return ""


def _repeated(drawing: ast.Drawing) -> bool:
    match drawing:
        case ast.Call("join"):
            return True
        case ast.Call("capitalise", (ast.Call() as inner,)):
            return _repeated(inner)
    return False


# --- small rules -------------------------------------------------------------------------------------------------


def _is_list(hole: object, names: Names) -> bool:
    return isinstance(hole, ast.Reference) and not hole.rest and names.types.get(hole.name, WORD).many


def _is(scope: Scope, node: ast.Expression, kind: Type | None, wanted: Type) -> None:
    if kind is not None and kind.base != "unknown" and kind != wanted:
        help = "draw the place of an element: `one index of LIST`" if (kind, wanted) == (WORD, NUMBER) else ""
        scope.report("E402", f"{wanted} is wanted here", node.span, f"this is {kind}", help)


def _common(scope: Scope, node: ast.Expression, kinds: list[Type | None]) -> Type | None:
    known = {Type("word") if kind == TEXT else kind for kind in kinds if kind is not None}
    if len(known) > 1:
        scope.report(
            "E402",
            "a list holds values of one kind",
            node.span,
            " and ".join(sorted(str(kind) for kind in known)),
            "make them all words or all numbers",
        )
    return next(iter(known), None)


def _count(scope: Scope, count: ast.Integer | ast.Name, names: Names) -> bool:
    """Whether this can be how many; reports what is wrong."""
    if isinstance(count, ast.Integer):
        if not 1 <= count.value <= MOST_DRAWN:
            scope.report(
                "E304", f"how many is a whole number from 1 to {MOST_DRAWN}", count.span, "", "change the number"
            )
    elif names.types.get(count.text) != NUMBER and count.text not in scope.params:
        known = [*(name for name, kind in names.types.items() if kind == NUMBER), *scope.params]
        if count.text not in scope.unread:
            help = (
                did_you_mean(count.text, known)
                if nearest(count.text, known)
                else "write how many, as in `2 distinct from A..Z`, or `one from A..Z`"
            )
            scope.report("E406", f"there is no number `{count.text}` before this", count.span, "used here", help)
        return False
    return True


def _enough(
    scope: Scope, drawing: ast.Distinct | ast.Several, names: Names, columns: Mapping[tuple[str, str], tuple[str, ...]]
) -> None:
    if not isinstance(drawing, ast.Distinct) or not isinstance(drawing.count, ast.Integer):
        return
    size = _pool_size(drawing.pool, columns)
    if size is not None and size < drawing.count.value:
        scope.report(
            "E403",
            f"{drawing.count.value} different values cannot be drawn from {size}",
            drawing.span,
            "",
            "draw fewer, or from more",
        )


def _pool_size(pool: ast.Pool, columns: Mapping[tuple[str, str], tuple[str, ...]]) -> int | None:
    match pool:
        case ast.Letters(first, last):
            return ord(last) - ord(first) + 1
        case ast.Range(ast.Integer(first), ast.Integer(last)):
            return last - first + 1
        case ast.ListOf(items):
            return len(set(items))
        case ast.Call("column", (ast.String() as path, ast.String(name))):
            values = columns.get(column_key(path, name))
            return None if values is None or values is UNREAD else len(set(values))
    return None


def column_key(path: ast.String, name: str) -> tuple[str, str]:
    """How a column is kept: its file as seen from the file it is named in."""
    return _beside(path.span.file, path.value), name


@lru_cache(maxsize=1 << 10)
def _beside(file: str, written: str) -> str:
    return str(PurePath(file).parent / written)


def _read_column(scope: Scope, call: ast.Call, columns: dict[tuple[str, str], tuple[str, ...]]) -> None:
    match call.arguments:
        case (ast.String(written) as path, ast.String(name)):
            key = column_key(path, name)
            if key in columns:
                return
            try:
                columns[key] = scope.files.column(written, name, path.span)
            except Unreadable as trouble:
                scope.add(trouble.problem)
                columns[key] = UNREAD
        case _:
            scope.report(
                "E401",
                "`column` takes a file and the name of a column",
                call.span,
                "",
                'write `column("objects.csv", "object")`',
            )


def _names(names: set[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))
