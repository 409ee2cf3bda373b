"""HTML for notebooks: escaped text in plain tables, without scripts, style sheets or anything fetched."""

from __future__ import annotations

from html import escape

from entrack.report.grid import Grid
from entrack.report.html.markup import lines, said, table
from entrack.report.provenance_lines import provenance_lines
from entrack.report.table_data import grids
from entrack.results import Results

UNBOUNDED = 10_000
"""A browser scrolls, so a table of rows by columns is never given up for being wide."""
COLOURS = {True: "#00664b", False: "#b34700", None: "#6b5900"}


def results_html(results: Results) -> str:
    """Tables of measures, discoveries and claims, and where they came from."""
    tables = "".join(_table(grid) for grid in grids(results, UNBOUNDED))
    below = "<br>".join(escape(line) for line in provenance_lines(results.provenance))
    return f'<div class="entrack"><h3>{said(results.title)}</h3>{tables}<p><small>{below}</small></p></div>'


def _table(grid: Grid) -> str:
    title = f"<p><b>{escape(grid.title)}</b></p>"
    return f"{title}{table(grid, _style, title=False)}<p><small>{lines(grid.caption)}</small></p>"


def _style(grid: Grid, row: int, column: int) -> str:
    colour = f";color:{COLOURS[grid.good[row]]}" if grid.good and row >= 0 and column == 0 else ""
    weight = ";font-weight:normal" if row >= 0 else ""
    side = "right" if column in grid.right else "left"
    return f' style="text-align:{side};vertical-align:top;padding:1px 8px{weight}{colour}"'
