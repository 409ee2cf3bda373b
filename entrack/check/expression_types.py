"""Rules for expressions and texts of a task: the type of each, and that the names in it are there.

A variable is a word or a number, or a list of them; a text is made of words and holes.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve

from entrack.check.column_problems import marker_problems, number_problems
from entrack.check.row_columns import ask, column_of, column_type, is_column, whole_row
from entrack.check.scope import Scope
from entrack.check.texts import at_use
from entrack.check.types import NUMBER, TEXT, WORD, Names, Type
from entrack.diagnostics.suggest import Suggestion, did_you_mean
from entrack.source import Span
from entrack.syntax import ast
from entrack.syntax.holes import BadHole, parts

DRAWING_WORDS = ("choice", "choices", "random", "randint", "randrange", "sample", "pick", "draw", "shuffle", "uniform")
DRAWING_HELP = 'write `one from ["car", "cup"]`, `2 distinct from A..Z` or `one of 0..6`'
OTHERS = ("original", "alternate")
ORDER = ("<", "<=", ">", ">=")
"""Relations of numbers."""
MOST_DIGITS = 18
JOINED = ("at", "use")
"""The options of `join`."""
TEXTS_HELP = 'write `join("segment with {holes}", ", ")` or `capitalise("text")`'
FUNCTIONS: Mapping[str, str] = {
    "join": TEXTS_HELP,
    "capitalise": TEXTS_HELP,
    "marked": "write `marked(row.prompt)`",
    "attached": "write `attached(row.answer)`: no space stands before it",
    "first_token": "write `first_token(row.answer)`: others may begin with the same token",
    "number": "write `number(row.year)`",
    "padded": "write `padded(year, 2)`, a number with two digits, or `padded([0..99], 2)`",
}
"""What may be called in a task, and how."""


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
        case ast.Call("marked", (ast.Reference() as column,)):
            _marked(scope, column, names)
            return TEXT
        case ast.Call("number", (ast.Reference() as text,)):
            _number(scope, text, names)
            return NUMBER
        case ast.Call("attached", (ast.String() | ast.Reference() | ast.Call() | ast.ListOf() as inner,)):
            kind = expression_type(scope, inner, names)
            return WORD if kind is None else evolve(WORD, many=kind.many)
        case ast.Call("first_token", (ast.String() | ast.Reference() | ast.Call() as inner,)):
            _one_word(scope, inner, expression_type(scope, inner, names))
            return WORD
        case ast.Call("padded", (inner, ast.Integer(digits))) if not isinstance(inner, ast.Named):
            return _padded(scope, node, inner, digits, names)
        case ast.Call("capitalise", (ast.String() | ast.Reference() | ast.Call() as inner,)):
            return _one_word(scope, inner, expression_type(scope, inner, names))
        case ast.Call(name):
            if name in FUNCTIONS:
                option = next((option.name for option in node.named if option.name not in JOINED), "")
                help = Suggestion.of(FUNCTIONS[name], option, JOINED)
                scope.report("E401", f"`{name}` is not used like this", node.span, "", help)
            else:
                scope.report(
                    "E401",
                    f"a task has no function `{name}`",
                    node.name_span,
                    "",
                    DRAWING_HELP if name in DRAWING_WORDS else did_you_mean(name, FUNCTIONS).also("column"),
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
            Suggestion.of(
                f"write `original.{node.name}` or `alternate.{node.name}`", node.name, (*names.others, *scope.params)
            ),
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
                did_you_mean(name, [*table, *others]).also(*(scope.params if table is names.types else ())),
            )
        return None
    return _after(scope, node, kind, rest, names)


def _after(
    scope: Scope, node: ast.Reference, kind: Type, rest: list[ast.Dotted | ast.Subscript], names: Names
) -> Type | None:
    for part in rest:
        if isinstance(part, ast.Dotted) and kind.base == "row":
            kind = column_type(scope, kind, part)
            continue
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
        kind = kind if _many(part.items[0]) else Type(kind.base)
    if kind.base == "row":
        whole_row(scope, node, kind)
        return None
    return kind


def _one_word(scope: Scope, node: ast.Expression, kind: Type | None) -> Type | None:
    """The type, which must not be that of a list."""
    if kind is not None and kind.many:
        scope.report("E402", "one word is wanted here", node.span, f"this is {kind}", "take one element of it")
    return kind


def _many(item: object) -> bool:
    """Whether what stands in brackets chooses a list."""
    return isinstance(item, ast.Range) or (isinstance(item, ast.Where) and item.many)


def _marked(scope: Scope, node: ast.Reference, names: Names) -> None:
    """`marked(row.prompt)`: a column whose texts have markers."""
    kind, found = expression_type(scope, node, names), column_of(node, names)
    if found is not None:
        ask(scope, marker_problems, *found, node.span)
    elif kind is not None and not is_column(node, names):
        scope.report("E401", "markers stand in a column of a row", node.span, "", FUNCTIONS["marked"])


def _padded(scope: Scope, node: ast.Call, inner: ast.Expression, digits: int, names: Names) -> Type | None:
    """`padded(year, 2)`: a number, or each of a list, as a word of so many digits."""
    kind = expression_type(scope, inner, names)
    if not 1 <= digits <= MOST_DIGITS:
        message = f"a number is padded to 1 to {MOST_DIGITS} digits"
        scope.report("E402", message, node.arguments[1].span, f"this is {digits}", FUNCTIONS["padded"])
    if kind is None or kind.base == "unknown":
        return kind
    require_type(scope, inner, evolve(kind, many=False), NUMBER)
    return evolve(WORD, many=kind.many)


def _number(scope: Scope, node: ast.Reference, names: Names) -> None:
    """`number(row.year)`: a column of whole numbers, or another text that is one."""
    kind, found = expression_type(scope, node, names), column_of(node, names)
    if found is not None:
        ask(scope, number_problems, *found, node.span)
    elif kind is not None and (kind.many or kind == NUMBER):
        scope.report("E402", "`number` reads a text", node.span, f"this is {kind}", "leave `number` out")


def check_index(scope: Scope, item: object, names: Names) -> None:
    if isinstance(item, ast.Where):
        column = expression_type(scope, item.column, names)
        if column is not None and not column.many and column.base != "unknown":
            scope.report(
                "E402", "`where` looks for a value in a list", item.column.span, f"this is {column}", "name a list"
            )
        value = expression_type(scope, item.value, names)
        if item.relation in ORDER:
            _ordered(scope, item.column, column)
            _ordered(scope, item.value, value)
    elif isinstance(item, ast.Act):
        scope.report("E401", "this cannot stand in a task", item.span)
    elif isinstance(item, ast.Range):
        for end in (item.first, item.last):
            require_type(scope, end, expression_type(scope, end, names), NUMBER)
    else:
        node: ast.Expression = item  # type: ignore[assignment]  # what is left of a subscript's items
        require_type(scope, node, expression_type(scope, node, names), NUMBER)


def _ordered(scope: Scope, node: ast.Expression, kind: Type | None) -> None:
    """That something can be larger than something else."""
    if kind is not None and kind.base not in (NUMBER.base, "unknown"):
        help = "compare numbers, or words with `==` or `!=`"
        scope.report("E402", "only numbers are larger or smaller", node.span, f"this is {kind}", help)


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
    """Whether a hole takes a list, or some of its elements."""
    match hole:
        case ast.Reference(name, ()):
            return names.types.get(name, WORD).many
        case ast.Reference(name, (ast.Subscript((item,)),)) if _many(item):
            return names.types.get(name, WORD).many
    return False


def require_type(scope: Scope, node: ast.Expression, kind: Type | None, wanted: Type) -> None:
    if kind is not None and kind.base != "unknown" and kind != wanted:
        help = _as_number(node) if (kind, wanted) == (WORD, NUMBER) else ""
        scope.report("E402", f"{wanted} is wanted here", node.span, f"this is {kind}", help)


def _as_number(node: ast.Expression) -> str:
    if isinstance(node, ast.Reference) and node.plain is not None and node.rest:
        return f"read it as a number: `number({node.plain})`"
    return "draw the place of an element: `one index of LIST`"


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
