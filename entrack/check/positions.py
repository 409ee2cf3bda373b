"""Rules for positions: that each names a hole, or the end of a text, which the prompt has."""

from __future__ import annotations

from collections.abc import Mapping

from entrack import budget
from entrack.check.expression_types import check_index, is_list
from entrack.check.row_positions import is_placed, text_in
from entrack.check.scope import Scope
from entrack.check.texts import ORDINALS, holes_of, reached_texts
from entrack.check.types import Names
from entrack.diagnostics.suggest import did_you_mean
from entrack.syntax import ast
from entrack.syntax.holes import BadHole, parts

HOLES_OF_A_LINE = 16
"""Holes that are gone through as quickly as a line."""


def check_positions(scope: Scope, items: tuple[ast.Binding | ast.Position, ...], names: Names) -> None:
    """That every position names a hole which the prompt has."""
    bindings = {item.name: item.drawing for item in items if isinstance(item, ast.Binding)}
    reached = set(reached_texts(bindings, "prompt"))
    seen: set[str] = set()
    budget.spend(budget.LOOKED_AT, len(items))
    for item in items:
        if not isinstance(item, ast.Position):
            continue
        if item.name in seen:
            scope.report(
                "E202",
                f"the position `{item.name}` is declared twice",
                item.name_span,
                "again here",
                "rename one of them",
            )
        seen.add(item.name)
        _place(scope, item.place, bindings, reached, names)


def _place(
    scope: Scope, place: ast.Place, bindings: Mapping[str, ast.Drawing], reached: set[str], names: Names
) -> None:
    match place:
        case ast.EndOf(text):
            if text.plain not in reached:
                _no_text(scope, text, bindings, reached)
        case ast.SpanOf(hole) if not hole.rest:
            if hole.name not in reached:
                _no_text(scope, hole, bindings, reached)
        case ast.TextIn(_, within):
            text_in(scope, place, names)
            if within.plain not in reached:
                _no_text(scope, within, bindings, reached)
        case ast.AnyOf(hole) | ast.HolePlace(hole) | ast.SpanOf(hole):
            _hole(scope, hole, bindings, reached, names, several=isinstance(place, ast.AnyOf))


def _no_text(scope: Scope, text: ast.Reference, bindings: Mapping[str, ast.Drawing], reached: set[str]) -> None:
    if {text.name, "prompt"} & scope.unread or "prompt" not in bindings:
        return  # what is wrong has been said already: the prompt cannot be read, or there is none
    if text.name in bindings and text.plain is not None and not text.rest:
        scope.report(
            "E411",
            f"`{text.name}` is not part of the prompt",
            text.span,
            "",
            "put it in a hole of `prompt`, or name one of "
            f"{_names({name for name in reached if isinstance(bindings[name], ast.String | ast.Call)})}",
        )
    else:
        scope.report(
            "E411", f"there is no text `{text.name}` in this task", text.span, "", did_you_mean(text.name, reached)
        )


def _hole(
    scope: Scope,
    hole: ast.Reference,
    bindings: Mapping[str, ast.Drawing],
    reached: set[str],
    names: Names,
    *,
    several: bool,
) -> None:
    if hole.name not in reached:
        _no_text(scope, ast.Reference(hole.name, (), span=hole.span), bindings, reached)
        return
    if is_placed(scope, hole, bindings[hole.name], names):
        return
    inside = {reference.name: reference for reference in _holes(bindings[hole.name])}
    if not isinstance(bindings[hole.name], ast.String | ast.Call | ast.Reference):
        _no_hole(scope, hole, bindings, reached)
        return
    if not hole.rest or not isinstance(hole.rest[0], ast.Dotted):
        scope.report(
            "E412",
            f"`{hole.name}` is a whole text; a position is one hole of it",
            hole.span,
            "",
            f"write `{hole.name}.{next(iter(inside), 'object')}`, or `end of {hole.name}`",
        )
        return
    variable = hole.rest[0]
    if variable.name not in inside and variable.name in _bad_holes(bindings[hole.name]):
        return
    if variable.name not in inside:
        scope.report(
            "E412",
            f"the text `{hole.name}` has no hole for `{variable.name}`",
            variable.span,
            "",
            did_you_mean(variable.name, inside),
        )
        return
    chosen = [part for part in hole.rest[1:] if isinstance(part, ast.Subscript)]
    for part in hole.rest[1:]:
        if isinstance(part, ast.Dotted) and part.name not in ORDINALS:
            scope.report("E412", f"a hole has no part `{part.name}`", part.span, "", f"one of {', '.join(ORDINALS)}")
    for subscript in chosen:
        for item in subscript.items:
            if isinstance(item, ast.Range):
                scope.report("E402", "a position is one element", item.span, "these are several", "write one index")
            else:
                check_index(scope, item, names)
    whole = len(hole.rest) == 1 and _repeated(bindings[hole.name]) and is_list(inside[variable.name], names)
    if whole and not several:
        scope.report(
            "E413",
            f"`{hole.plain}` is many places, one for each element",
            hole.span,
            "",
            f"choose one: `{hole.plain}[asked]`, or `any of {hole.plain}`",
        )


def _no_hole(scope: Scope, hole: ast.Reference, bindings: Mapping[str, ast.Drawing], reached: set[str]) -> None:
    where = [
        f"`{text}.{hole.name}`"
        for text in sorted(reached)
        if isinstance(bindings[text], ast.String | ast.Call) and hole.name in {h.name for h in _holes(bindings[text])}
    ]
    scope.report(
        "E412",
        f"`{hole.name}` is a variable; a position is a hole of a text",
        hole.span,
        "",
        f"write {' or '.join(where)}" if where else "name a text and its hole, such as `prompt.object`",
    )


def _holes(drawing: ast.Drawing) -> list[ast.Reference]:
    """The holes of a text, counted: each position goes through them."""
    found = list(holes_of(drawing))
    budget.spend(budget.LOOKED_AT, 1 + len(found) // HOLES_OF_A_LINE)
    return found


def _bad_holes(drawing: ast.Drawing) -> str:
    """What stands in holes of a text that cannot be read, which has been said."""
    match drawing:
        case ast.String():
            return " ".join(part.text for part in parts(drawing) if isinstance(part, BadHole))
        case ast.Call(_, (ast.String() | ast.Call() as inner, *_)):
            return _bad_holes(inner)
    return ""


def _repeated(drawing: ast.Drawing) -> bool:
    match drawing:
        case ast.Call("join"):
            return True
        case ast.Call("capitalise", (ast.Call() as inner,)):
            return _repeated(inner)
    return False


def _names(names: set[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))
