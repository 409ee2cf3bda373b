"""Rules for positions in prompts of the user's own: by markers in a column, by a column's text, by the number of a word
or token, and by the hole that a column fills."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve

from entrack.check.column_problems import without_marker
from entrack.check.expression_types import check_index, expression_type
from entrack.check.row_columns import ask, column_of, is_column
from entrack.check.scope import Scope
from entrack.check.tables import Table, markers_of
from entrack.check.texts import ORDINALS, holes_of
from entrack.check.types import Names
from entrack.diagnostics.suggest import did_you_mean
from entrack.syntax import ast

UNITS = ("word", "token")
"""What the places of a text are counted in: `prompt.word[3]`."""


def is_placed(scope: Scope, hole: ast.Reference, drawing: ast.Drawing, names: Names) -> bool:
    """Whether a position in a text is one of these; reports what is wrong with it then."""
    if not hole.rest or not isinstance(hole.rest[0], ast.Dotted):
        return False
    first, rest = hole.rest[0], hole.rest[1:]
    holes = {reference.plain or reference.name for reference in holes_of(drawing)}
    if (kind := names.types.get(first.name)) is not None and kind.base == "row" and isinstance(drawing, ast.String):
        _filled(scope, hole, holes)
        return True
    if first.name in UNITS and first.name not in holes and len(rest) == 1 and isinstance(rest[0], ast.Subscript):
        _numbered(scope, hole, first, rest[0], names)
        return True
    marked = marked_column(drawing)
    if marked is not None:
        _marker(scope, first, rest, column_of(marked, names))
        return True
    if isinstance(drawing, ast.Reference) and is_column(drawing, names):
        _not_marked(scope, first, drawing)
        return True
    return False


def marked_column(drawing: ast.Drawing) -> ast.Reference | None:
    """The column whose markers a text has, where it has any."""
    match drawing:
        case ast.Call("marked", (ast.Reference() as column,)):
            return column
        case ast.Call("capitalise", (ast.Call() as inner,)):
            return marked_column(inner)
    return None


def text_in(scope: Scope, place: ast.TextIn, names: Names) -> None:
    """That `row.subject in prompt` names a text to look for."""
    text = without_ordinal(place.text, least_parts(place.text, names.others, is_row=is_column(place.text, names)))[0]
    kind = expression_type(scope, text, names)
    if kind is not None and (kind.many or kind.base not in ("word", "text", "unknown")):
        scope.report("E412", "a text is looked for", text.span, f"this is {kind}", "name a column or another text")


def least_parts(text: ast.Reference, others: Mapping[str, object], *, is_row: bool) -> int:
    """How many names after the first a text needs to be one: one for `original`, one for a row's column."""
    return (text.name in others) + is_row


def without_ordinal(text: ast.Reference, least: int) -> tuple[ast.Reference, int | None]:
    """`row.subject.second` as `row.subject` and which of several it is."""
    last = text.rest[-1] if len(text.rest) > least else None
    if isinstance(last, ast.Dotted) and last.name in ORDINALS:
        return evolve(text, rest=text.rest[:-1]), ORDINALS[last.name]
    return text, None


def _filled(scope: Scope, hole: ast.Reference, holes: set[str]) -> None:
    """`prompt.row.country`: the hole that a column of a row fills."""
    match hole.rest:
        case (ast.Dotted(row), ast.Dotted(column), *rest) if f"{row}.{column}" in holes:
            _ordinals(scope, tuple(rest))
        case _:
            wanted = evolve(hole, rest=hole.rest[:2]).plain or hole.name
            known = [f"{hole.name}.{name}" for name in holes]
            help = did_you_mean(wanted, known)
            scope.report("E412", f"the text `{hole.name}` has no such hole", hole.span, "", help)


def _numbered(scope: Scope, hole: ast.Reference, unit: ast.Dotted, at: ast.Subscript, names: Names) -> None:
    if len(at.items) != 1 or isinstance(at.items[0], ast.Where | ast.Range | ast.ListOf):
        scope.report("E402", "one index stands in brackets", at.span, "", "write one index")
    else:
        check_index(scope, at.items[0], names)
    if unit.name == "token" and hole.name != "prompt":
        help = "write `prompt.token[...]`, or count words"
        scope.report("E412", "tokens are counted in the whole prompt", hole.span, "", help)


def _marker(
    scope: Scope, marker: ast.Dotted, rest: tuple[ast.Dotted | ast.Subscript, ...], column: tuple[Table, str] | None
) -> None:
    """`prompt.subject`: what the marker `[[subject: ...]]` marks."""
    if column is None:
        return
    table, name = column
    known = markers_of(table, name)
    if marker.name not in known:
        message = f"the column `{name}` of `{table.name}` has no marker `{marker.name}`"
        help = did_you_mean(marker.name, known) if known else f"write `[[{marker.name}: the text]]` in it"
        scope.report("E412", message, marker.span, "", help)
        return
    ask(scope, without_marker, table, name, marker.span, marker.name)
    _ordinals(scope, rest)


def _ordinals(scope: Scope, rest: tuple[ast.Dotted | ast.Subscript, ...]) -> None:
    for part in rest:
        if isinstance(part, ast.Subscript) or part.name not in ORDINALS:
            scope.report("E412", "this is no part of a place", part.span, "", f"one of {', '.join(ORDINALS)}")


def _not_marked(scope: Scope, part: ast.Dotted, column: ast.Reference) -> None:
    text = column.plain or column.name
    scope.report(
        "E412",
        f"`{text}` is a text without holes",
        part.span,
        "",
        f"mark the place in the file, `[[{part.name}: ...]]`, and write `marked({text})`; or name a text of the row, "
        f"such as `{column.name}.{part.name} in prompt`",
    )
