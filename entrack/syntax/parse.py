"""Parsing: a `Source` in, a `Program` of what could be read and all syntax errors out.

After an error the item it stands in is passed over (items begin with their word at the start of a line) and reading goes on,
so that one run shows every error of a file.
"""

from __future__ import annotations

import re

from attrs import evolve
from lark import Token
from lark.exceptions import UnexpectedInput

from entrack.diagnostics import Diagnostic
from entrack.source import Source, Span
from entrack.syntax import ast, limits, trouble
from entrack.syntax.build import Build
from entrack.syntax.grammar import parser

ITEM = re.compile(r"^[A-Za-z]\w*\b[ \t]*([A-Za-z_]\w*)?", re.MULTILINE)
MOST_ERRORS = 20


def parse(source: Source) -> tuple[ast.Program, tuple[Diagnostic, ...]]:
    """The program and its syntax errors. `Program.unread` names what stood in the items that could not be read."""
    problems = limits.problems_of(source.name, source.text)
    if problems:
        return ast.Program(None, ()), problems
    found: list[Diagnostic] = []
    unread: set[str] = set()
    text = source.text
    while True:
        try:
            program: ast.Program = Build(source.name).transform(parser().tree(text))
        except UnexpectedInput as failure:
            offset = _offset(failure, text)
            found.append(trouble.explain(failure, Source(source.name, text), offset))
            start, end = _item_round(text, offset)
            unread.update(name for name in ITEM.findall(text[start:end]) if name)
            if len(found) == MOST_ERRORS or not text[start:end].strip():
                return ast.Program(None, (), unread=frozenset(unread)), tuple(found)
            text = text[:start] + re.sub(r"[^\n]", " ", text[start:end]) + text[end:]
            continue
        comments = parser().comments
        kept = tuple(_comment(source, token) for token in comments) if not found else ()
        return evolve(program, comments=kept, unread=frozenset(unread)), (*found, *_version(source, program, bool(found)))


def parse_reference(text: str, file: str, offset: int) -> ast.Reference | None:
    """What stands in a hole of a text at `offset` of the file; None when it is no reference."""
    try:
        reference: ast.Reference = Build(file).transform(parser().tree(text, "reference_only"))
    except UnexpectedInput:
        return None
    return evolve(reference, span=Span(file, offset, offset + len(text)))


def _offset(failure: UnexpectedInput, text: str) -> int:
    position = failure.pos_in_stream
    token = getattr(failure, "token", None)
    if position is None or (isinstance(token, Token) and token.type == "$END"):
        return len(text.rstrip())
    return int(position)


def _item_round(text: str, offset: int) -> tuple[int, int]:
    """The item that an error at `offset` belongs to. An item's own first word is an error of the item before it."""
    starts = [match.start() for match in ITEM.finditer(text)]
    after = [start for start in starts if start > offset]
    if offset not in starts and (offset == 0 or text[offset - 1] == "\n"):
        before = [offset]
    else:
        before = [start for start in starts if start < offset]
        after = [offset, *after] if offset in starts else after
    return (before[-1] if before else 0), (after[0] if after else len(text))


def _comment(source: Source, token: Token) -> ast.Comment:
    start, end = token.start_pos or 0, token.end_pos or 0
    line, column = source.place(start)
    return ast.Comment(str(token).rstrip(), not source.line(line)[: column - 1].strip(), span=Span(source.name, start, end))


def _version(source: Source, program: ast.Program, broken: bool) -> tuple[Diagnostic, ...]:
    if program.version is None and not broken:
        return (Diagnostic("E101", "a spec begins with the version of its language", Span(source.name, 0, 1), "here", "write `entrack 1` as the first line"),)
    if program.version is not None and program.version.number != 1:
        return (Diagnostic("E102", f"this entrack reads version 1 of the language, not {program.version.number}", program.version.span,
                           help="write `entrack 1`, or install a newer entrack"),)  # fmt: skip
    return ()
