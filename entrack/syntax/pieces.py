"""Parsing pieces of a file: some of its items, or what stands in a hole of a text."""

from __future__ import annotations

from attrs import evolve

from entrack.source import Span
from entrack.syntax import ast
from entrack.syntax.build import Build
from entrack.syntax.reader import Unreadable, reader


def parse_reference(text: str, file: str, offset: int) -> ast.Reference | None:
    """What stands in a hole of a text at `offset` of the file; None when it is no reference."""
    try:
        reference: ast.Reference = reader().read(text, Build(file, offset), "reference_only")
    except Unreadable:
        return None
    return evolve(reference, span=Span(file, offset, offset + len(text)))


def parse_items(text: str, file: str, offset: int) -> tuple[ast.Item, ...] | None:
    """The items of a part of the file that begins at `offset`; None where it does not parse."""
    try:
        program: ast.Program = reader().read(text, Build(file, offset))
    except Unreadable:
        return None
    return program.items
