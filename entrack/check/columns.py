"""Columns of files as pools: how one is kept, and how many different values a pool has."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import PurePath

from entrack.check.files import Unreadable
from entrack.check.scope import Scope
from entrack.syntax import ast

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
    return _beside(path.span.file, path.value), name


@lru_cache(maxsize=1 << 10)
def _beside(file: str, written: str) -> str:
    return str(PurePath(file).parent / written)


def read_column(scope: Scope, call: ast.Call, columns: dict[tuple[str, str], tuple[str, ...]]) -> None:
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
