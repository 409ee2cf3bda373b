"""The table of records, as a person reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

COLUMNS = (
    "work",
    "who",
    "seconds",
    "cold",
    "a unit",
    "forwards",
    "token-layers",
    "peak MB",
    "x plain",
    "with zeros",
    "/ floor",
    "differs by",
)


def show(console: Console, records: Iterable[Mapping[str, Any]]) -> None:
    """A row per record; under each piece of work what was sampled."""
    table = Table(box=None, header_style="bold")
    for column in COLUMNS:
        table.add_column(column, justify="left" if column in ("work", "who") else "right", no_wrap=True)
    before, samples = None, dict[tuple[str, str], list[str]]()
    for record in records:
        if record["work"] != before and before is not None:
            table.add_section()
        table.add_row(record["work"] if record["work"] != before else "", *cells(record))
        before = record["work"]
        busy = "" if record["busy"] is None else f"; the GPU worked {record['busy']:.0%} of the time"
        samples.setdefault((record["work"], record["sample"] + busy), []).append(record["who"])
    console.print(table)
    for (work, words), who in samples.items():
        console.print(f"{work}, {', '.join(who)}: {words}", style="dim", highlight=False)


def cells(record: Mapping[str, Any]) -> list[str]:
    spread, zeros = record["spread"], record["counting_zeros"]
    budget = "" if record["budget"] is None else f" of {record['budget'] / 1e6:,.0f}"
    return [
        record["who"],
        f"{record['seconds']:.3g} [{spread['seconds'][0]:.3g}, {spread['seconds'][1]:.3g}]",
        _number(record["first_seconds"] and record["first_seconds"] + record["prepare_seconds"], "{:.3g}"),
        f"{record['seconds'] / record['units']:.2g}",
        _number(record["forwards"], "{:.3g}"),
        _number(record["token_layers"], "{:,.0f}"),
        _number(record["peak_bytes"] and record["peak_bytes"] / 1e6, "{:,.0f}") + budget,
        _ratio(record["ratio_to_plain"], spread["ratio_to_plain"]),
        _number(zeros if zeros != record["ratio_to_plain"] else None, "{:.3g}"),
        _ratio(record["ratio_to_floor"], spread["ratio_to_floor"]),
        _number(record["difference"], "{:.0e}"),
    ]


def _number(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)


def _ratio(middle: float | None, spread: tuple[float, float] | None) -> str:
    return "" if middle is None or spread is None else f"{middle:.3g} [{spread[0]:.3g}, {spread[1]:.3g}]"
