"""HTML for notebooks: escaped text in plain tables, without scripts, style sheets or anything fetched."""

from __future__ import annotations

from html import escape

from entrack.report.format import visible
from entrack.report.grid import Entry, Grid
from entrack.report.provenance_lines import provenance_lines
from entrack.report.table_data import grids
from entrack.results import Results

UNBOUNDED = 10_000
"""A browser scrolls, so a table of rows by columns is never given up for being wide."""
COLOURS = {True: "#00664b", False: "#b34700", None: "#6b5900"}


def results_html(results: Results) -> str:
    """Tables of measures, discoveries and claims, and where they came from."""
    tables = "".join(_table(grid) for grid in grids(results, UNBOUNDED))
    lines = "<br>".join(escape(line) for line in provenance_lines(results.provenance))
    return f'<div class="entrack"><h3>{escape(visible(results.title))}</h3>{tables}<p><small>{lines}</small></p></div>'


def _table(grid: Grid) -> str:
    head = "".join(
        f'<th scope="col" style="{_align(grid, place)}">{escape(name)}</th>' for place, name in enumerate(grid.head)
    )
    rows = "".join(f"<tr>{_row(grid, place)}</tr>" for place in range(len(grid.rows)))
    title = f'<caption style="text-align:left"><b>{escape(grid.title)}</b></caption>'
    words = f"<p><small>{_lines(grid.caption)}</small></p>"
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{words}"


def _row(grid: Grid, place: int) -> str:
    colour = f";color:{COLOURS[grid.good[place]]}" if grid.good else ""
    return "".join(
        f'<td style="{_align(grid, column)}{colour if column == 0 else ""}">{_text(entry)}</td>'
        for column, entry in enumerate(grid.rows[place])
    )


def _align(grid: Grid, column: int) -> str:
    return f"text-align:{'right' if column in grid.right else 'left'};vertical-align:top;padding:1px 8px"


def _text(entry: Entry) -> str:
    if isinstance(entry, str):
        return _lines(entry)
    return ", ".join(f'<span style="white-space:nowrap">{escape(each)}</span>' for each in entry)


def _lines(text: str) -> str:
    return "<br>".join(escape(line) for line in text.split("\n"))
