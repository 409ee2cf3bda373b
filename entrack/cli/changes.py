"""What changed since the last run, for a person: cells with both numbers, claims that turned first, and sites that
came and went."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.console import Group, RenderableType
from rich.text import Text

from entrack.cli.table import table
from entrack.diagnostics.escape import visible
from entrack.report.claims_table import VERDICTS, bound_words, measured_words
from entrack.report.format import decimals_for, estimate
from entrack.report.lookup import free_axes
from entrack.results import Cell, Claim
from entrack.results.changes import CellChange, Changes, ClaimChange, KeptChange

MOST = 12
"""Cells of one measure that are shown; of more, those that changed most."""
STYLES = {True: "green", False: "bold red"}


def changes_view(found: Changes) -> RenderableType:
    """All that changed; nothing where nothing did."""
    return Group(*_claims(found.claims), *_cells(found.cells), *map(_kept, found.kept))


def _claims(changed: Sequence[ClaimChange]) -> Iterator[RenderableType]:
    if not changed:
        return
    rows = table("claim", "before", "now", "must be")
    for change in sorted(changed, key=lambda change: not change.turned):
        now = change.after or change.before
        style = STYLES[change.after.passed] if change.turned and change.after is not None else ""
        bound = bound_words(now) if now is not None else ""
        rows.add_row(Text(visible(change.text)), _claim(change.before), Text(_claim(change.after), style=style), bound)
    yield from (rows, Text())


def _claim(claim: Claim | None) -> str:
    return "-" if claim is None else f"{VERDICTS[claim.verdict]} {measured_words(claim)}"


def _cells(changed: Sequence[CellChange]) -> Iterator[RenderableType]:
    for name, of in groupby(changed, key=lambda change: change.measure.name):
        yield from (*_measure(name, list(of)), Text())


def _measure(name: str, changed: Sequence[CellChange]) -> Iterator[RenderableType]:
    """Those whose digits changed, then how many others there are."""
    cells = [cell for change in changed for cell in (change.before, change.after) if cell is not None]
    decimals = decimals_for(cell.interval for cell in cells)
    seen = [change for change in changed if len(set(_told(change, decimals))) > 1]
    shown = sorted(seen, key=_moved, reverse=True)[:MOST] if len(seen) > MOST else seen
    if shown:
        rows = table(visible(name), "before", "now")
        for change in shown:
            rows.add_row(Text(_labels(change)), *_told(change, decimals))
        yield rows
    if less := len(seen) - len(shown):
        yield Text(f"and {less:,} cells that changed less", style="dim")
    if same := len(changed) - len(seen):
        cells_said = "1 cell" if same == 1 else f"{same:,} cells"
        yield Text(f"{visible(name)}: {cells_said} changed in digits that are not shown", style="dim")


def _told(change: CellChange, decimals: int) -> tuple[str, str]:
    """What a cell was and what it is, with its n where that changed."""
    before, after = change.before, change.after
    counts = before is not None and after is not None and before.n != after.n
    return _cell(before, decimals, counts=counts), _cell(after, decimals, counts=counts)


def _labels(change: CellChange) -> str:
    """The labels that tell a cell from the others of its measure."""
    free = [change.measure.axes.index(axis) for axis in free_axes(change.measure)]
    shown = [change.labels[place] for place in free if place < len(change.labels)]
    return visible(", ".join(shown))


def _cell(cell: Cell | None, decimals: int, *, counts: bool) -> str:
    if cell is None:
        return "-"
    said = estimate(cell.value, cell.interval, decimals)
    return f"{said}, n = {cell.n:,}" if counts else said


def _moved(change: CellChange) -> float:
    """How far a value is from what it was; what is new or gone comes first."""
    if change.before is None or change.after is None:
        return float("inf")
    return abs(change.after.value - change.before.value)


def _kept(change: KeptChange) -> RenderableType:
    said = [
        f"{word} {' '.join(map(str, sites))}" for word, sites in (("new", change.came), ("gone", change.went)) if sites
    ]
    return Text(f"{visible(change.of)}: {'; '.join(said)}")
