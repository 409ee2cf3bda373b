"""Tables: rows of texts under the names of columns, read from CSV and JSON Lines.

A row keeps its place in the file, so that a problem points at its line. All that is wrong with a table is said at once,
up to `SHOWN` rows of each kind.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path, PurePath

from attrs import field

from entrack import budget
from entrack.check.csv_columns import MOST_LINE, MOST_ROWS
from entrack.check.files import PARQUET, Files
from entrack.check.unreadable import Unreadable
from entrack.diagnostics import Diagnostic, Label
from entrack.frozen import frozen
from entrack.source import Source, Span
from entrack.syntax import ast
from entrack.syntax.unparse import written as written_as

SHOWN = 20
"""Bad rows of one kind that are pointed at; the others are counted."""
LOOK = 256
"""Rows after which it is looked whether there are too many."""
MOST_COLUMNS = budget.COLUMNS.most
MOST_CELLS = budget.CELLS_READ.most
MARKER = re.compile(r"\[\[([A-Za-z_]\w*): ?((?:(?!\[\[|\]\]).)*)\]\]", re.ASCII | re.DOTALL)
"""`[[subject: the Eiffel Tower]]`: a name, and the text that it marks."""
LINE = re.compile(r"[^\n]*\n?")
WHOLE = re.compile(r"-?[0-9]{1,18}")
Cell = str | None


@frozen(eq=False)
class Table:
    """Columns of one length. `starts[i]` is where row i begins in its `source`."""

    name: str
    source: Source = field(repr=False)
    columns: Mapping[str, Sequence[Cell]] = field(repr=False)
    starts: Sequence[int] = field(repr=False)
    _markers: dict[str, tuple[frozenset[str], ...]] = field(factory=dict, init=False, repr=False)

    def __len__(self) -> int:
        return len(self.starts)

    def span(self, row: int) -> Span:
        """Where a row stands: its first line."""
        return _line(self.source, self.starts[row])

    def place(self, row: int) -> str:
        """A row as a reader looks it up: its file and line."""
        return f"{self.name}:{self.source.place(self.starts[row])[0]}"

    def markers(self, column: str) -> tuple[frozenset[str], ...]:
        """The names of the markers in a column, row by row."""
        if column not in self._markers:
            budget.spend(budget.SEARCHED, sum(len(cell or "") for cell in self.columns[column]))
            seen: dict[frozenset[str], frozenset[str]] = {}
            each = (frozenset(_names_in(cell or "")) for cell in self.columns[column])
            self._markers[column] = tuple(seen.setdefault(names, names) for names in each)
        return self._markers[column]


@frozen
class Row:
    """A row of a table, as the value of a variable."""

    table: Table = field(repr=False)
    number: int

    def __getitem__(self, column: str) -> str:
        """The text in a column that has been checked to have one in every row."""
        return self.table.columns[column][self.number] or ""


Bad = tuple[int, str]
"""Where a row begins, and what is wrong with it."""
Reader = Callable[[Source, str, Span, list[Bad]], tuple[Mapping[str, Sequence[Cell]], Sequence[int]]]


def table_key(table: ast.String | ast.Call) -> str:
    """How a table is kept: its file as seen from the file it is named in."""
    return beside(table.span.file, table.value if isinstance(table, ast.String) else written_as(table))


@lru_cache(maxsize=1 << 10)
def beside(file: str, written: str) -> str:
    """A file as seen from the file that it is named in."""
    return str(PurePath(file).parent / written)


def absent_table(name: str) -> Table:
    """In place of a table that is not on this machine."""
    return Table(name, Source(name, ""), {}, ())


def read_table(
    files: Files, written: str, span: Span, downloaded: Path | None = None
) -> tuple[Table | None, tuple[Diagnostic, ...]]:
    """The table of a file beside the spec, or of one that was `downloaded`, and what is wrong with it: None where its
    rows cannot be read."""
    try:
        source = files.text(written, span) if downloaded is None else files.outside(downloaded, written, span)
        return files.once(("table", files.identity(source.name)), span, lambda: _table(source, written, span))
    except Unreadable as trouble:
        return None, (trouble.problem,)


def _table(source: Source, written: str, span: Span) -> tuple[Table | None, tuple[Diagnostic, ...]]:
    read = READERS.get(PurePath(written).suffix.lower())
    if read is None:
        help = f"name a file that ends in {', '.join(READERS)}"
        raise Unreadable(Diagnostic("E213", f"rows are not read from `{written}`", span, "by its name", help))
    budget.spend(budget.SEARCHED, len(source.text))
    bad: list[Bad] = []
    columns, starts = read(source, written, span, bad)
    if not starts and not bad:
        raise Unreadable(Diagnostic("E213", f"`{written}` has no rows", span, help="write a row under its header"))
    table = Table(PurePath(written).name, source, columns, starts)
    return table, bad_rows(source, bad, span, written)


def bad_rows(source: Source, bad: Iterable[Bad], span: Span, written: str) -> tuple[Diagnostic, ...]:
    """A diagnostic for each of the first bad rows, at its line, and one that counts the others."""
    found = sorted(bad)
    shown = [
        Diagnostic(
            "E441",
            what,
            _line(source, start),
            "in this row",
            "correct the row, or delete it",
            (Label(span, "read here"),),
        )
        for start, what in found[:SHOWN]
    ]
    if len(found) > SHOWN:
        message = f"`{written}` has {len(found) - SHOWN:,} more bad rows"
        shown.append(Diagnostic("E441", message, span, "", "correct those that are shown first"))
    return tuple(shown)


def _line(source: Source, start: int) -> Span:
    end = source.text.find("\n", start)
    return Span(source.name, start, max(start + 1, end if end >= 0 else len(source.text)))


# --- CSV ---------------------------------------------------------------------------------------------------------


def _csv(
    source: Source, written: str, span: Span, bad: list[Bad]
) -> tuple[Mapping[str, Sequence[Cell]], Sequence[int]]:
    """Comma-separated values with a header line. Cells are taken as they stand. Raises Unreadable."""
    import csv

    at = [0]
    rows = csv.reader(_counted(source, written, span, at), strict=True)
    start = 0
    try:
        names = [name.strip() for name in next(rows, [])]
        _good_names(names, written, span)
        cells: list[list[str]] = []
        starts: list[int] = []
        start = at[0]
        for row in rows:
            if row and _fits(row, names, start, bad):
                cells.append(row)
                starts.append(start)
                if len(starts) % LOOK == 0:
                    _not_too_many(len(starts), len(names), written, span)
            start = at[0]
        _not_too_many(len(starts), len(names), written, span)
    except csv.Error as error:
        label = f"in the row that begins on line {source.text.count(chr(10), 0, start) + 1}"
        help = "save it as comma-separated values with a header line; a text with commas or quotes in it is quoted"
        raise Unreadable(Diagnostic("E213", f"`{written}` is no CSV table: {error}", span, label, help)) from None
    columns = zip(*cells, strict=True) if cells else [()] * len(names)
    return dict(zip(names, columns, strict=True)), starts


def _counted(source: Source, written: str, span: Span, at: list[int]) -> Iterator[str]:
    """The lines of a text; `at` has where the next one begins."""
    for line, end in _lines(source.text, written, span):
        at[0] = end
        yield line


def _lines(text: str, written: str, span: Span) -> Iterator[tuple[str, int]]:
    """The lines of a text with their ends, and where each ends. Raises Unreadable for one that is too long."""
    for number, match in enumerate(LINE.finditer(text), 1):
        if match.end() - match.start() > MOST_LINE:
            message = f"line {number} of `{written}` has more than {MOST_LINE:,} characters"
            raise Unreadable(Diagnostic("E213", message, span, help="keep only the columns that the spec needs"))
        if match.end() > match.start():
            yield match.group(), match.end()


def _fits(row: list[str], names: list[str], start: int, bad: list[Bad]) -> bool:
    if len(row) == len(names):
        return True
    bad.append((start, f"{len(row)} value{'s' * (len(row) != 1)} for {len(names)} columns"))
    return False


def _good_names(names: list[str], written: str, span: Span) -> None:
    twice = next((name for name, many in Counter(names).items() if many > 1), None)
    if not any(names):
        raise Unreadable(Diagnostic("E213", f"`{written}` has no header line", span, help="name the columns in it"))
    if twice is not None:
        message = f"`{written}` has two columns `{twice[:40]}`"
        raise Unreadable(Diagnostic("E213", message, span, help="rename one of them"))


def _not_too_many(rows: int, columns: int, written: str, span: Span) -> None:
    """Raises Unreadable for a table that is too large."""
    for many, most, what in (
        (rows, MOST_ROWS, "rows"),
        (columns, MOST_COLUMNS, "columns"),
        (rows * columns, MOST_CELLS, "cells"),
    ):
        if many > most:
            message = f"`{written}` has more than {most:,} {what}"
            raise Unreadable(Diagnostic("E213", message, span, help="keep only what the spec needs"))


# --- JSON Lines --------------------------------------------------------------------------------------------------


def _json_lines(
    source: Source, written: str, span: Span, bad: list[Bad]
) -> tuple[Mapping[str, Sequence[Cell]], Sequence[int]]:
    """An object a line. Texts are taken as they are, numbers as they are written; anything else is no text. Raises
    Unreadable."""
    columns: dict[str, list[Cell]] = {}
    starts: list[int] = []
    start = 0
    for line, end in _lines(source.text, written, span):
        found = _object(line, start, bad) if line.strip() else None
        if found is not None:
            _not_too_many(len(starts) + 1, len(columns.keys() | found.keys()), written, span)
            for name in found.keys() - columns.keys():
                columns[name] = [None] * len(starts)
            starts.append(start)
            for name, column in columns.items():
                column.append(found.get(name))
        start = end
    return columns, starts


def _object(line: str, start: int, bad: list[Bad]) -> dict[str, Cell] | None:
    try:
        found = json.loads(line, parse_int=str, parse_float=str, parse_constant=lambda _: None)
    except (ValueError, RecursionError) as error:
        bad.append((start, f"this line is no JSON: {str(error)[:100]}"))
        return None
    if not isinstance(found, dict):
        bad.append((start, "this line is no JSON object"))
        return None
    return {name: value if isinstance(value, str) else None for name, value in found.items()}


READERS: Mapping[str, Reader] = {".csv": _csv, ".jsonl": _json_lines, PARQUET: _json_lines}
"""By the end of a file's name."""


def is_whole(cell: Cell) -> bool:
    return cell is not None and WHOLE.fullmatch(cell) is not None


def markers_of(table: Table, name: str) -> frozenset[str]:
    """The markers that some row of a column has."""
    return frozenset().union(*set(table.markers(name)))


def _names_in(cell: str) -> Iterable[str]:
    return (match[1] for match in MARKER.finditer(cell)) if "[[" in cell else ()
