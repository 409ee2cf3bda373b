"""Parsing: a `Source` in, a `Program` of what could be read and all syntax errors out.

After an error the item it stands in is passed over (`recovery.py`) and reading goes on, so that one run shows every
error of a file.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from attrs import evolve

from entrack.diagnostics import Diagnostic
from entrack.source import Source, Span
from entrack.syntax import ast, limits
from entrack.syntax.build import Build
from entrack.syntax.language_version import version_problems
from entrack.syntax.reader import Unreadable, reader
from entrack.syntax.strings import bad_escapes, comments_in

if TYPE_CHECKING:
    from entrack.syntax.reading import Reading


def parse(source: Source, reading: Reading | None = None) -> tuple[ast.Program, tuple[Diagnostic, ...]]:
    """The program and its syntax errors. `Program.unread` names what stood in the items that could not be read.
    `reading` knows of other texts that begin as this one."""
    problems = limits.problems_of(source.name, source.text)
    if problems:
        return _unread(problems)
    try:
        program = _program(source.name, source.text)
    except Unreadable:
        return _parsed_in_part(source, reading)
    comments = tuple(_comment(source, *place) for place in comments_in(source.text))
    return evolve(program, comments=comments), _said(source, source.text, program, ())


def _parsed_in_part(source: Source, reading: Reading | None) -> tuple[ast.Program, tuple[Diagnostic, ...]]:
    from entrack.syntax.reading import Reading  # lark, and what people mistype, for what is mistyped alone
    from entrack.syntax.recovery import readable_part

    part = readable_part(source, reading or Reading())
    if part.text is None:
        return _unread(part.problems)
    program = _program(source.name, part.text)
    items = sorted((*program.items, *part.apart), key=lambda item: item.span.start)
    return evolve(program, items=tuple(items), unread=part.unread), _said(source, part.text, program, part.problems)


def _program(file: str, text: str) -> ast.Program:
    """Raises Unreadable."""
    program: ast.Program = reader().read(text, Build(file))
    return program


def _said(source: Source, text: str, program: ast.Program, found: tuple[Diagnostic, ...]) -> tuple[Diagnostic, ...]:
    """What is wrong with a text that has been read, after what was wrong with the rest."""
    escapes = islice(bad_escapes(source.name, text), limits.MOST_ERRORS)
    return (*found, *escapes, *version_problems(source, program, broken=bool(found)))


def _unread(problems: tuple[Diagnostic, ...]) -> tuple[ast.Program, tuple[Diagnostic, ...]]:
    return ast.Program(None, (), unread=frozenset({ast.EVERYTHING})), problems


def _comment(source: Source, start: int, end: int) -> ast.Comment:
    line, column = source.place(start)
    return ast.Comment(
        source.text[start:end].rstrip(), not source.line(line)[: column - 1].strip(), span=Span(source.name, start, end)
    )
