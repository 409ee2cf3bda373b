"""Pieces of HTML that are made of text which may be anybody's: escaped, and with what nobody sees made visible."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from entrack.report.format import visible
from entrack.report.grid import Entry, Grid

Marks = Callable[[Grid, int, int], str]
"""What a cell's tag says beside its name, by row and column; of the head the row is -1."""


def said(text: str) -> str:
    """A text as it may safely be seen."""
    return escape(visible(text))


def table(grid: Grid, marks: Marks, *, title: bool = True) -> str:
    """A table: names before the numbers are heads of rows, and one that stands for several rows is one over all of
    them."""
    names = _names(grid)
    heads = "".join(
        f'<th scope="col"{marks(grid, -1, column)}>{lines(name)}</th>' if name else "<td></td>"
        for column, name in enumerate(grid.head)
    )
    rows = "".join(f"<tr>{_row(grid, row, names, marks)}</tr>" for row in range(len(grid.rows)))
    words = f"<caption>{escape(grid.title)}</caption>" if title else ""
    return f"<table>{words}<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


def lines(text: str) -> str:
    """Safe text in lines."""
    return "<br>".join(map(escape, text.split("\n")))


def _row(grid: Grid, row: int, names: int, marks: Marks) -> str:
    return "".join(
        _cell(entry, marks(grid, row, column), _height(grid, row, column) if column < names else 0)
        for column, entry in enumerate(grid.rows[row])
        if column >= names or _begins(grid, row, column)
    )


def _cell(entry: Entry, marks: str, rows: int) -> str:
    text = lines(entry) if isinstance(entry, str) else ", ".join(f"<span>{escape(each)}</span>" for each in entry)
    if rows:
        span = f' rowspan="{rows}"' if rows > 1 else ""
        return f'<th scope="{"rowgroup" if rows > 1 else "row"}"{span}{marks}>{text}</th>'
    return f"<td{marks}>{text}</td>"


def _names(grid: Grid) -> int:
    """How many columns, from the left, name a row: those before the numbers, and the first at least."""
    return 1 if grid.good else max(1, min(grid.right, default=1))


def _begins(grid: Grid, row: int, column: int) -> bool:
    """Whether a name stands here, and is not that of the row above."""
    return row == 0 or any(grid.rows[row][: column + 1])


def _height(grid: Grid, row: int, column: int) -> int:
    """How many rows a name is of."""
    last = row + 1
    while last < len(grid.rows) and not _begins(grid, last, column):
        last += 1
    return last - row
