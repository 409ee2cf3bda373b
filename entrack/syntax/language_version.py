"""Which version of the language a spec is written in."""

from __future__ import annotations

from entrack.diagnostics import Diagnostic
from entrack.source import Source, Span
from entrack.syntax import ast


def version_problems(source: Source, program: ast.Program, *, broken: bool) -> tuple[Diagnostic, ...]:
    if program.version is None and not broken:
        return (
            Diagnostic(
                "E101",
                "a spec begins with the version of its language",
                Span(source.name, 0, 1),
                "here",
                "write `entrack 1` as the first line",
            ),
        )
    if program.version is not None and program.version.number != 1:
        return (
            Diagnostic(
                "E102",
                f"this entrack reads version 1 of the language, not {program.version.number}",
                program.version.span,
                help="write `entrack 1`, or install a newer entrack",
            ),
        )
    return ()
