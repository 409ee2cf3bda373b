"""The tables that commands show: without lines, headings bold."""

from __future__ import annotations

from collections.abc import Collection

from rich.table import Table


def table(*headings: str, right: Collection[str] = ()) -> Table:
    """A table with these columns; `right` are those of numbers."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        made.add_column(heading, justify="right" if heading in right else "left", overflow="fold")
    return made
