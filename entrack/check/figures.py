"""Rules for figures and tables: what they name must be something that can be shown so."""

from __future__ import annotations

from collections.abc import Mapping

from entrack.check.act_heads import heads_of
from entrack.check.changes import Changes
from entrack.check.claims import Grid
from entrack.diagnostics.suggest import did_you_mean
from entrack.syntax import ast
from entrack.syntax.unparse import written

FIGURES: Mapping[str, tuple[str, ...]] = {
    "bars": ("measure",),
    "curves": ("measure",),
    "scatter": ("measure",),
    "heatmap": ("discovery", "measure"),
    "diagram": ("discovery",),  # a written circuit has no receivers, and results do not carry it
}


ERRORS = ("interval", "sd", "none")


def check_shown(changes: Changes, items: list[ast.Item], measures: Mapping[str, Grid]) -> None:
    """Figures and tables."""
    titles: set[str] = set()
    for item in items:
        if not isinstance(item, ast.Figure | ast.Table):
            continue
        if item.title.value in titles:
            changes.scope.report(
                "E202",
                f"two figures or tables are called {written(item.title)}",
                item.title.span,
                "again here",
                "change the title",
            )
        titles.add(item.title.value)
        if isinstance(item, ast.Figure):
            _figure(changes, item, measures)
        else:
            changes.scope.find(item.of.name, item.of.span, "measure", "discovery")
            _whole(changes, item)


def _figure(changes: Changes, item: ast.Figure, measures: Mapping[str, Grid]) -> None:
    scope = changes.scope
    if item.kind.text not in FIGURES:
        scope.report(
            "E630", f"there is no figure `{item.kind.text}`", item.kind.span, "", did_you_mean(item.kind.text, FIGURES)
        )
        return
    found = scope.find(item.of.name, item.of.span, *FIGURES[item.kind.text])
    _whole(changes, item)
    if isinstance(found, ast.Discover | ast.Circuit) and item.of.rest:
        heads_of(changes, item.of)
    if isinstance(found, ast.Examine) and found.kind == "minimality" and item.kind.text != "bars":
        scope.report(
            "E634",
            f"a minimality cannot be shown as `{item.kind.text}`",
            item.kind.span,
            "each head belongs to one group",
            f"write `bars({item.of.name})`",
        )
    grid = measures.get(item.of.name)
    if (
        item.kind.text == "scatter"
        and grid is not None
        and grid.axes
        and all(len(labels) < 2 for _, labels in grid.axes)
    ):
        scope.report(
            "E634",
            f"`{item.of.name}` has nothing to hold against each other",
            item.of.span,
            "every axis has one label",
            "measure two models or interventions, or show it as bars",
        )
    for word, name in item.options:
        _option(changes, item, word, name, measures.get(item.of.name))


def _whole(changes: Changes, item: ast.Figure | ast.Table) -> None:
    """A figure or table shows all cells of a measure."""
    part = next((part for part in item.of.rest if isinstance(part, ast.Subscript)), None)
    if part is not None:
        changes.scope.report(
            "E623",
            "what is shown is a whole measure",
            part.span,
            "",
            f"write `{item.of.name}`, or declare a measure of these cells alone",
        )


def _option(changes: Changes, item: ast.Figure, word: str, name: ast.Name, measure: Grid | None) -> None:
    if word == "error":
        if name.text not in ERRORS:
            changes.scope.report(
                "E631",
                f"error bars show {', '.join(ERRORS[:-1])} or nothing",
                name.span,
                "",
                did_you_mean(name.text, ERRORS),
            )
    elif measure is not None and measure.axes and name.text not in [axis for axis, _ in measure.axes]:
        changes.scope.report(
            "E631",
            f"`{item.of.name}` has no axis `{name.text}`",
            name.span,
            "",
            did_you_mean(name.text, [axis for axis, _ in measure.axes]),
        )
