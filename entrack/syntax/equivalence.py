"""Held against what was read: a formatted text says what the program says, and has its comments, or it is not given
out."""

from __future__ import annotations

from entrack.diagnostics import errors
from entrack.source import Source
from entrack.syntax import ast
from entrack.syntax.parse import parse


class Miswritten(Exception):
    """The formatter wrote another program than it was given, a mistake in entrack, or a text over the limits of a
    spec. The message says which."""


def held_against(program: ast.Program, written: Source) -> None:
    """Raises Miswritten where `written` does not stand for `program` with all its comments, in their order."""
    again, problems = parse(written)
    wrong = errors(problems)
    if wrong and wrong[0].code.startswith("E7"):
        raise Miswritten(f"{written.name} is not formatted: what would be written breaks a limit: {wrong[0].message}")
    if wrong:
        raise Miswritten(_said(written, f"it could not be read again ({wrong[0].message})", wrong[0].span.start))
    if again != program:
        raise Miswritten(_said(written, "it would say something else", _first_difference(program, again)))
    if _words_of_comments(again) != _words_of_comments(program):
        raise Miswritten(_said(written, "its comments would change", 0))


def _said(written: Source, why: str, offset: int) -> str:
    where = f", near line {written.place(offset)[0]} of what was written" if offset else ""
    return (
        f"{written.name} is not formatted: {why}{where}. This is a mistake in entrack, not in the spec; "
        "please report it with the spec"
    )


def _first_difference(program: ast.Program, again: ast.Program) -> int:
    pairs = zip(program.items, again.items, strict=False)
    return next((new.span.start for old, new in pairs if old != new), 0)


def _words_of_comments(program: ast.Program) -> list[str]:
    """Several comments may end up on one line, and blanks at the end of a line go."""
    return " ".join(comment.text for comment in program.comments).split()
