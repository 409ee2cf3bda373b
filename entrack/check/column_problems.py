"""What is asked of a column of a table: that it is there, with a text in every row; that these are numbers; that their
markers are closed. A table, a column and the span where it is used in, what is wrong out, row by row."""

from __future__ import annotations

from entrack.check.tables import MARKER, Cell, Table, bad_rows, is_whole
from entrack.check.unreadable import few
from entrack.diagnostics import Diagnostic, nearest
from entrack.diagnostics.suggest import Suggestion
from entrack.source import Span


def column_problems(table: Table, name: str, span: Span) -> tuple[Diagnostic, ...]:
    """That a table has a column, with a text in every row."""
    column = table.columns.get(name)
    if column is None:
        near = nearest(name, list(table.columns))
        label = f"its columns: {few(list(table.columns))}"
        help = f"did you mean `{near}`?" if near else "the first line of the file names the columns"
        help = Suggestion.of(help, name, table.columns)
        return (Diagnostic("E213", f"`{table.name}` has no column `{name}`", span, label, help),)
    empty = ((table.starts[row], f"this row has no `{name}`") for row, cell in enumerate(column) if not cell)
    return bad_rows(table.source, empty, span, table.name)


def number_problems(table: Table, name: str, span: Span) -> tuple[Diagnostic, ...]:
    """That a column has a whole number in every row."""
    cells = enumerate(table.columns[name])
    bad = (
        (table.starts[row], f"`{_short(cell)}` is no whole number")
        for row, cell in cells
        if cell and not is_whole(cell)
    )
    return bad_rows(table.source, bad, span, table.name)


def marker_problems(table: Table, name: str, span: Span) -> tuple[Diagnostic, ...]:
    """That every marker in a column is one: `[[name: text]]`, closed, and with a text."""
    cells = enumerate(table.columns[name])
    bad = ((table.starts[row], what) for row, cell in cells if (what := _bad_marker(cell or "")))
    return bad_rows(table.source, bad, span, table.name)


def _bad_marker(cell: str) -> str:
    if "[[" not in cell and "]]" not in cell:
        return ""
    if any(not text.strip() for _, text in MARKER.findall(cell)):
        return "a marker marks no text"
    left = MARKER.sub("", cell)
    if "[[" in left:
        return f"a marker is not closed, or has no name: `{_short(left[left.index('[[') :])}`"
    return "a marker that was not opened is closed" if "]]" in left else ""


def without_marker(table: Table, name: str, span: Span, marker: str) -> tuple[Diagnostic, ...]:
    """That a column has a marker in every row."""
    rows = enumerate(table.markers(name))
    missing = f"`{name}` has no marker `[[{marker}: ...]]` in this row"
    bad = ((table.starts[row], missing) for row, markers in rows if marker not in markers)
    return bad_rows(table.source, bad, span, table.name)


def _short(text: Cell) -> str:
    return "" if text is None else text if len(text) <= 40 else f"{text[:40]}..."
