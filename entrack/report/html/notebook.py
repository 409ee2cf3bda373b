"""HTML for notebooks: escaped text in plain tables, without scripts or anything fetched.

Colours are for any background (`diagnostics/colours.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from html import escape
from importlib.resources import files

from entrack.report.bounded import Shown, bounded_grids
from entrack.report.grid import Grid
from entrack.report.html.markup import lines, said, table
from entrack.report.provenance_lines import provenance_lines
from entrack.results import Results

VERDICTS = {True: "pass", False: "fail", None: "open"}


def results_html(results: Results) -> str:
    """Tables of measures, discoveries and claims, and, folded, where they came from."""
    below = "<br>".join(escape(line) for line in provenance_lines(results.provenance))
    folded = f'<details class="soft"><summary>where these numbers come from</summary><p>{below}</p></details>'
    title = f'<p class="name">{said(results.title)}</p>' if results.title else ""
    return boxed(f"{title}{tables_html(bounded_grids(results))}{folded}")


def item_html(item: Shown) -> str:
    """The tables of a result, bounded."""
    return results_html(item) if isinstance(item, Results) else boxed(tables_html(bounded_grids(item)))


def tables_html(grids: Iterable[Grid]) -> str:
    """Tables, each between its title and its caption."""
    return "".join(map(_table, grids))


def boxed(inside: str, colours: str = "") -> str:
    """A display by itself, with its style sheet, and what `colours` it has beside."""
    return f'<div class="entrack"><style>{_style_sheet()}{colours}</style>{inside}</div>'


@cache
def _style_sheet() -> str:
    return files("entrack.report.html").joinpath("notebook.css").read_text(encoding="utf-8")


def _table(grid: Grid) -> str:
    title = f'<p class="name">{escape(grid.title)}</p>' if grid.title else ""
    below = f'<p class="soft">{lines(grid.caption)}</p>' if grid.caption else ""
    inside = f'<div class="wide">{table(grid, _marks, title=False)}</div>' if grid.head else ""
    return f"{title}{inside}{below}"


def _marks(grid: Grid, row: int, column: int) -> str:
    if grid.good and row >= 0 and column == 0:
        return f' class="verdict {VERDICTS[grid.good[row]]}"'
    return ' class="number"' if column in grid.right else ""
