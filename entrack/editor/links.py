"""Links: texts of a spec that name a file that is there - what it includes, columns, rows, circuits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from entrack.check.files import Files
from entrack.check.unreadable import Unreadable
from entrack.editor.document import Document
from entrack.editor.nodes import walk
from entrack.frozen import frozen
from entrack.source import Span
from entrack.syntax import ast


@frozen
class Link:
    """What stands between the quotes, and the file that it names."""

    span: Span
    path: Path


def links(document: Document) -> tuple[Link, ...]:
    """Every file that the text names and that a spec may read, in the order of the text."""
    files = Files(Path(document.source.name).parent)
    return tuple(link for string in _names(document.program) if (link := _link(string, files)) is not None)


def _names(program: ast.Program) -> Iterator[ast.String]:
    for node in walk(program.items):
        match node:
            case ast.Include(path):
                yield path
            case ast.Row(table=ast.String() as string):
                yield string
            case ast.Call(arguments=(ast.String() as string, *_)):
                yield string
            case _:
                pass


def _link(string: ast.String, files: Files) -> Link | None:
    """What a spec may not read is no link: nothing outside of its folder is looked for."""
    try:
        path = files.resolve(string.value, string.span)
        there = path.is_file()
    except (Unreadable, OSError):
        return None
    span = Span(string.span.file, string.span.start + 1, string.span.end - 1)
    return Link(span, path) if there else None
