"""Columns of files as pools, and tables as rows: how they are kept, and how many different values a pool has."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath

from attrs import define, field

from entrack.check.column_problems import column_problems
from entrack.check.datasets import named_dataset
from entrack.check.scope import Scope
from entrack.check.tables import READERS, Table, absent_table, beside, read_table, table_key
from entrack.check.unreadable import Unreadable
from entrack.models.datasets import Dataset
from entrack.source import Span
from entrack.syntax import ast

OTHERS = tuple(READERS.keys() - {".csv"})
"""The ends of files whose columns are those of a table."""
UNREAD = ("unread",)
"""Stands for a column that cannot be read, which has been said."""


def pool_size(pool: ast.Pool, columns: Mapping[tuple[str, str], tuple[str, ...]]) -> int | None:
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
    return beside(path.span.file, path.value), name


@define
class Read:
    """What a task, or an alternate of it, has read from files."""

    columns: dict[tuple[str, str], tuple[str, ...]] = field(factory=dict)
    tables: dict[str, Table] = field(factory=dict)


def read_column(scope: Scope, call: ast.Call, read: Read) -> None:
    match call.arguments:
        case (ast.String(written) as path, ast.String(name)):
            key = column_key(path, name)
            if key in read.columns:
                return
            _together(scope, call, written, name, [other for file, other in read.columns if file == key[0]])
            read.columns[key] = _column(scope, written, name, path.span)
        case _:
            scope.report(
                "E401",
                "`column` takes a file and the name of a column",
                call.span,
                "",
                'write `column("objects.csv", "object")`',
            )


def _column(scope: Scope, written: str, name: str, span: Span) -> tuple[str, ...]:
    """The values of a column; reports what is wrong with it."""
    try:
        if PurePath(written).suffix.lower() not in OTHERS:
            return scope.files.column(written, name, span)
    except Unreadable as trouble:
        scope.add(trouble.problem)
        return UNREAD
    table, problems = read_table(scope.files, written, span)
    if table is not None:
        scope.data[table.source.name] = table.source
        problems = (*problems, *column_problems(table, name, span))
    for problem in problems:
        scope.add(problem)
    return UNREAD if table is None or problems else tuple(cell or "" for cell in table.columns[name])


def _together(scope: Scope, call: ast.Call, written: str, name: str, others: list[str]) -> None:
    """That no other column of the file is drawn apart from this one in the same task."""
    if others:
        scope.report(
            "E440",
            f"`{others[0]}` and `{name}` of `{written}` are drawn apart",
            call.span,
            "their values would come from different rows",
            f'draw a row, `row = one row of "{written}"`, and write `row.{others[0]}` and `row.{name}`',
        )


def read_rows(scope: Scope, table: ast.String | ast.Call, read: Read) -> Table | None:
    """The table that rows are drawn from. Reports what is wrong with it; None where it cannot be read."""
    downloaded = None
    if isinstance(table, ast.String):
        written = table.value
    else:
        dataset = named_dataset(scope, table)
        if dataset is None:
            return None
        written, downloaded = dataset.file, scope.located(dataset)
        if downloaded is None:
            _not_here(scope, table, dataset, read)
            return None
    found, problems = read_table(scope.files, written, table.span, downloaded)
    for problem in problems:
        scope.add(problem)
    if found is not None:
        read.tables[table_key(table)] = found
        scope.data[found.source.name] = found.source
    return found


def _not_here(scope: Scope, table: ast.Call, dataset: Dataset, read: Read) -> None:
    """That a dataset is not on this machine is no error of the spec."""
    scope.report("W501", f"{dataset} is not here", table.span, "its rows are not checked", "`run` downloads it")
    read.tables[table_key(table)] = absent_table(dataset.file)
    scope.absent[str(dataset)] = dataset
