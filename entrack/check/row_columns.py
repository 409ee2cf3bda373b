"""Rules for columns of a row: that the table has them, and that every row has in them what is asked for."""

from __future__ import annotations

from collections.abc import Callable

from entrack.check.column_problems import column_problems
from entrack.check.scope import Scope
from entrack.check.tables import Table
from entrack.check.types import WORD, Names, Type
from entrack.diagnostics import Diagnostic
from entrack.source import Span
from entrack.syntax import ast
from entrack.syntax.unparse import written

Asked = Callable[..., tuple[Diagnostic, ...]]
"""What is asked of a column of a table, used at a span, and more that it depends on."""


def column_type(scope: Scope, row: Type, part: ast.Dotted) -> Type:
    """The type of a column of a row: a word. Reports a column that is not there, and rows that have nothing in it."""
    if row.table is not None:
        ask(scope, column_problems, row.table, part.name, part.span)
    return WORD


def ask(scope: Scope, asked: Asked, table: Table, column: str, span: Span, *more: str) -> None:
    """Report what is wrong with a column; what is wrong with its rows is said once."""
    key = (asked, table, column, *more)
    if key in scope.asked:
        return
    if column in table.columns:
        scope.asked.add(key)
    for problem in asked(table, column, span, *more):
        scope.add(problem)


def whole_row(scope: Scope, node: ast.Reference, row: Type) -> None:
    """Report a row where one of its columns is wanted."""
    column = next(iter(row.table.columns), "column") if row.table is not None else "column"
    text = written(node)
    scope.report("E405", f"`{text}` is a whole row", node.span, "", f"name one of its columns: `{text}.{column}`")


def column_of(node: ast.Reference, names: Names) -> tuple[Table, str] | None:
    """The table and column that `row.prompt` or `original.row.prompt` stands for; None for anything else, and for a
    column that is not there."""
    types, path = names.types, (ast.Dotted(node.name), *node.rest)
    if node.name in names.others:
        types, path = dict(names.others[node.name]), node.rest
    match path:
        case (ast.Dotted(row), ast.Dotted(column)):
            kind = types.get(row)
            if kind is not None and kind.table is not None and column in kind.table.columns:
                return kind.table, column
    return None


def is_column(node: ast.Reference, names: Names) -> bool:
    """Whether this names a column of a row, be it there or not."""
    first = node.name if node.name not in names.others or not node.rest else getattr(node.rest[0], "name", "")
    types = names.others.get(node.name, names.types)
    return (kind := types.get(first)) is not None and kind.base == "row"
