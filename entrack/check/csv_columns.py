"""One column of a CSV file with a header line: from a text to its values."""

from __future__ import annotations

import re
from collections.abc import Iterator

from entrack import budget
from entrack.check.unreadable import Unreadable, few
from entrack.diagnostics import Diagnostic, nearest
from entrack.diagnostics.suggest import Suggestion
from entrack.source import Source, Span

MOST_ROWS = budget.ROWS.most
MOST_LINE = 1 << 20
ENDS = r"\n\r\v\f\x1c-\x1e\x85\u2028\u2029"
LINE = re.compile(rf"([^{ENDS}]*)(?:\r\n|[{ENDS}]|\Z)")
"""Lines are taken one by one: a list of them may be many times larger than the file."""


def csv_column(source: Source, written: str, name: str, span: Span) -> tuple[str, ...]:
    """The values of a column, one a row. Raises Unreadable."""
    import csv

    budget.spend(budget.SEARCHED, len(source.text))
    try:
        rows = csv.reader(_lines(source.text, written, span), strict=True)
        columns = next(rows, [])
        if name not in columns:
            raise Unreadable(_no_column(written, name, columns, span))
        place = columns.index(name)
        values = tuple(_value(row, place, number, written, name, span) for number, row in enumerate(rows, 2) if row)
    except csv.Error as error:
        raise Unreadable(
            Diagnostic(
                "E213",
                f"`{written}` is no CSV table: {error}",
                span,
                help="save it as comma-separated values with a header line",
            )
        ) from None
    if not values or not all(values):
        raise Unreadable(
            Diagnostic(
                "E213",
                f"the column `{name}` of `{written}` has empty values",
                span,
                help="fill them, or delete the lines",
            )
        )
    return values


def _lines(text: str, written: str, span: Span) -> Iterator[str]:
    """The lines of a table, as `str.splitlines` gives them. Raises Unreadable for one that is too long: a row takes
    many times its characters."""
    for number, match in enumerate(LINE.finditer(text), 1):
        if match.start() == len(text):
            return
        if match.end() - match.start() > MOST_LINE:
            raise Unreadable(
                Diagnostic(
                    "E213",
                    f"line {number} of `{written}` has more than {MOST_LINE:,} characters",
                    span,
                    help="keep only the columns that the spec needs",
                )
            )
        yield match.group(1)


def _no_column(written: str, name: str, columns: list[str], span: Span) -> Diagnostic:
    near = nearest(name, columns)
    return Diagnostic(
        "E213",
        f"`{written}` has no column `{name}`",
        span,
        f"its columns: {few(columns)}",
        Suggestion.of(
            f"did you mean `{near}`?" if near else "the first line of the file names the columns", name, columns
        ),
    )


def _value(row: list[str], place: int, number: int, written: str, name: str, span: Span) -> str:
    if number > MOST_ROWS + 1:
        raise Unreadable(
            Diagnostic(
                "E213",
                f"`{written}` has more than {MOST_ROWS:,} rows",
                span,
                help="keep only the rows that the spec needs",
            )
        )
    if len(row) <= place:
        raise Unreadable(
            Diagnostic(
                "E213",
                f"line {number} of `{written}` has no value for `{name}`",
                span,
                help="fill it, or delete the line",
            )
        )
    return row[place].strip()
