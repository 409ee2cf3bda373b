"""Rules for expressions and texts of a task: the type of each, and that the names in it are there.

A variable is a word or a number, or a list of them; a text is made of words and holes.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define, field, frozen

from entrack.check.scope import Scope
from entrack.check.texts import at_use
from entrack.diagnostics.suggest import did_you_mean
from entrack.source import Span
from entrack.syntax import ast
from entrack.syntax.holes import BadHole, parts

DRAWING_WORDS = ("choice", "choices", "random", "randint", "randrange", "sample", "pick", "draw", "shuffle", "uniform")
DRAWING_HELP = 'write `one from ["car", "cup"]`, `2 distinct from A..Z` or `one of 0..6`'
OTHERS = ("original", "alternate")


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


def expression_type(scope: Scope, node: ast.Expression, names: Names) -> Type | None:
    """The type of an expression inside a task; reports what is wrong inside it."""
    match node:
        case ast.Integer():
            return NUMBER
        case ast.String():
            return _text(scope, node, names, inside_join=False)
        case ast.Sum(first, rest) | ast.Product(first, rest):
            for part in (first, *(operand for _, operand in rest)):
                require_type(scope, part, expression_type(scope, part, names), NUMBER)
            return NUMBER
        case ast.Negative(_, operand):
            require_type(scope, operand, expression_type(scope, operand, names), NUMBER)
            return NUMBER
        case ast.Reference():
            return reference_type(scope, node, names)
        case ast.Call("join", (ast.String() as segment, ast.String(), *options)) if at_use(tuple(options)) is not None:
            for index, other in at_use(tuple(options)) or ():
                require_type(scope, index, expression_type(scope, index, names), NUMBER)
                _text(scope, other, names, inside_join=True)
            if not any(is_list(hole, names) for hole in parts(segment) if isinstance(hole, ast.Reference)):
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
            kind = common_type(scope, node, [_element_type(scope, part, names) for part in items])
            return None if kind is None else Type(kind.base, many=True)
    scope.report(
        "E401", "this cannot stand in a task", node.span, "", "a task has drawings, texts, and values of its variables"
    )
    return None


def _element_type(scope: Scope, part: ast.Expression | ast.Range, names: Names) -> Type | None:
    """The type of what stands in a list: a value, or whole numbers from one to another."""
    if not isinstance(part, ast.Range):
        return expression_type(scope, part, names)
    for end in (part.first, part.last):
        require_type(scope, end, expression_type(scope, end, names), NUMBER)
    return NUMBER


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
        check_index(scope, part.items[0], names)
        kind = Type(kind.base)
    return kind


def check_index(scope: Scope, item: object, names: Names) -> None:
    if isinstance(item, ast.Where):
        column = expression_type(scope, item.column, names)
        if column is not None and not column.many and column.base != "unknown":
            scope.report(
                "E402", "`where` looks for a value in a list", item.column.span, f"this is {column}", "name a list"
            )
        expression_type(scope, item.value, names)
    elif isinstance(item, ast.Act):
        scope.report("E401", "this cannot stand in a task", item.span)
    else:
        node: ast.Expression = item  # type: ignore[assignment]  # what is left of a subscript's items
        require_type(scope, node, expression_type(scope, node, names), NUMBER)


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


def is_list(hole: object, names: Names) -> bool:
    return isinstance(hole, ast.Reference) and not hole.rest and names.types.get(hole.name, WORD).many


def require_type(scope: Scope, node: ast.Expression, kind: Type | None, wanted: Type) -> None:
    if kind is not None and kind.base != "unknown" and kind != wanted:
        help = "draw the place of an element: `one index of LIST`" if (kind, wanted) == (WORD, NUMBER) else ""
        scope.report("E402", f"{wanted} is wanted here", node.span, f"this is {kind}", help)


def common_type(scope: Scope, node: ast.Expression, kinds: list[Type | None]) -> Type | None:
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
