"""Rules for what a variable of a task is drawn from: the type of each binding, drawing and pool."""

from __future__ import annotations

from collections.abc import Mapping

from entrack import budget
from entrack.check.columns import Read, pool_size, read_column, read_rows
from entrack.check.expression_types import common_type, expression_type, require_type
from entrack.check.scope import Scope
from entrack.check.types import NUMBER, WORD, Names, Type
from entrack.diagnostics.suggest import Suggestion, did_you_mean, nearest
from entrack.source import Span
from entrack.syntax import ast

MOST_DRAWN = budget.DRAWN_AT_ONCE.most


MOST_POOL = budget.POOL.most


def binding_types(
    scope: Scope,
    items: tuple[ast.Binding | ast.Position, ...],
    parameters: Mapping[str, int],
    read: Read,
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
        kind = drawing_type(scope, item.drawing, names, read)
        names.types[item.name] = kind if kind is not None else Type("unknown")
    return names


def drawing_type(scope: Scope, drawing: ast.Drawing, names: Names, read: Read) -> Type | None:
    """The type of what a drawing gives."""
    match drawing:
        case ast.Distinct(count, pool) | ast.Several(count, pool):
            counted = _count(scope, count, names)
            one = pool_type(scope, pool, names, read)
            _enough(scope, drawing, names, read)
            return None if one is None or not counted else Type(one.base, many=True)
        case ast.One(pool):
            return pool_type(scope, pool, names, read)
        case ast.Row(table):
            return Type("row", table=read_rows(scope, table, read))
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


def pool_type(scope: Scope, pool: ast.Pool, names: Names, read: Read) -> Type | None:
    """The type of one value of a pool."""
    match pool:
        case ast.Except(inner, without):
            for part in without.items if isinstance(without, ast.ListOf) else (without,):
                expression_type(scope, part, names)
            return pool_type(scope, inner, names, read)
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
                require_type(scope, end, expression_type(scope, end, names), NUMBER)
            return NUMBER
        case ast.Call("column"):
            read_column(scope, pool, read)
            return WORD
        case ast.ListOf(items):
            return common_type(scope, pool, [expression_type(scope, part, names) for part in items])
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
    help = 'draw from `A..Z`, `0..6`, `["a", "b"]`, `column("file.csv", "name")` or a list'
    return Suggestion.of(help, pool.name if isinstance(pool, ast.Call) else "", ("column",))


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
                else Suggestion.of(
                    "write how many, as in `2 distinct from A..Z`, or `one from A..Z`", count.text, known
                )
            )
            scope.report("E406", f"there is no number `{count.text}` before this", count.span, "used here", help)
        return False
    return True


def _enough(scope: Scope, drawing: ast.Distinct | ast.Several, names: Names, read: Read) -> None:
    if not isinstance(drawing, ast.Distinct) or not isinstance(drawing.count, ast.Integer):
        return
    size = pool_size(drawing.pool, read.columns)
    if size is not None and size < drawing.count.value:
        scope.report(
            "E403",
            f"{drawing.count.value} different values cannot be drawn from {size}",
            drawing.span,
            "",
            "draw fewer, or from more",
        )
