"""Includes: one program from a file and the files it includes, each read once, in the order of the text.

A file that is there already is known by what its name stands for, before it is opened.
"""

from __future__ import annotations

from pathlib import Path

from entrack import budget
from entrack.check.scope import Scope
from entrack.check.unreadable import Unreadable
from entrack.source import Source, Span
from entrack.syntax import ast

MOST_DEEP = budget.FILES_DEEP.most
MOST_FILES = budget.FILES.most


def gather(source: Source, scope: Scope) -> list[ast.Item]:
    """All items of a source and of what it includes. Problems go to the scope."""
    own = scope.files.identity(source.name)
    return _read(source, scope, (own,), {own})


def included(item: ast.Include, source: Source, scope: Scope) -> list[ast.Item]:
    """What one more `include` in a source adds to a program that has been gathered. Problems go to the scope."""
    seen = {scope.files.identity(name) for name in scope.sources}
    return _included(item, scope, (scope.files.identity(source.name),), seen)


def _read(source: Source, scope: Scope, above: tuple[str, ...], seen: set[str]) -> list[ast.Item]:
    scope.sources[source.name] = source
    budget.work_on(Span(source.name, 0, 1))
    program, problems = scope.parse(source)
    for problem in problems:
        scope.add(problem)
    scope.unread.update(program.unread)
    items: list[ast.Item] = []
    for item in program.items:
        if isinstance(item, ast.Include):
            items.extend(_included(item, scope, above, seen))
        else:
            items.append(item)
    return items


def _included(item: ast.Include, scope: Scope, above: tuple[str, ...], seen: set[str]) -> list[ast.Item]:
    span = item.path.span
    try:
        identity = scope.files.identity(scope.files.resolve(item.path.value, span))
        if identity in above:
            circle = " -> ".join(Path(name).name for name in (*above[above.index(identity) :], identity))
            scope.report(
                "E215",
                f"includes go in a circle: {circle}",
                span,
                "includes a file that includes this one",
                "move what both need to a third file",
            )
            return []
        if identity in seen:
            return []
        if len(above) >= MOST_DEEP or len(seen) >= MOST_FILES:
            scope.report(
                "E216",
                f"includes go at most {MOST_DEEP} deep, and to {MOST_FILES} files",
                span,
                help="include fewer files",
            )
            return []
        source = scope.files.text(item.path.value, span)
    except Unreadable as trouble:
        scope.add(trouble.problem)
        scope.unread.add(ast.EVERYTHING)
        return []
    seen.add(identity)
    return _read(source, scope, (*above, identity), seen)
