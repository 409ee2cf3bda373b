"""Rules for layers: one, a window from one to another, or all from one on. A window of a loop is clamped to the layers
that there are."""

from __future__ import annotations

from math import isfinite

from entrack.check.scope import Scope
from entrack.syntax import ast

LAST_LAYER = 1023


def window_of(scope: Scope, node: ast.Layers, layers: int | None) -> tuple[int, int] | None:
    """The first and the last layer that are meant, of `layers`, None where that is not known.

    A bound that is computed, such as `k - 2`, is clamped; one that is a number or a name is a layer, or a mistake.
    """
    top = LAST_LAYER if layers is None else layers - 1
    first = _bound(scope, node.first)
    last = first if node.last is None else _bound(scope, node.last)
    if first is None or last is None:
        return None
    if node.last is None and not node.open_end:
        return (first, first) if _exists(scope, node, first, top) else None
    last = top if node.open_end else last
    if last < first or last < 0 or (_computed(node.first) and first > top):
        _nothing(scope, node, first, last)
        return None
    return max(first, 0), min(last, top) if node.last is not None and _computed(node.last) else last


def _bound(scope: Scope, node: ast.Expression) -> int | None:
    if isinstance(node, ast.Reference) and node.name not in scope.names and not scope.may_be_unread(node.name):
        help = f"write a number, or loop over it: `for {node.name} in layers`"
        scope.report("E201", f"no param and no loop is called `{node.name}`", node.span, "used here", help)
        return None
    value = scope.number(node) if _computed(node) else None
    if value is None or not isfinite(value) or value != int(value):
        return None if _computed(node) and value is None else scope.whole(node, "a layer", 0, LAST_LAYER)
    return int(value)


def _computed(node: ast.Expression) -> bool:
    return isinstance(node, ast.Sum | ast.Product | ast.Negative)


def _exists(scope: Scope, node: ast.Layers, layer: int, top: int) -> bool:
    if not _computed(node.first) or 0 <= layer <= top:
        return True
    scope.report(
        "E612",
        f"there is no layer {layer}",
        node.span,
        f"layers are counted from 0 to {top}" if layer > top else "layers are counted from 0",
        "loop over fewer layers; a window, such as `k - 1..k + 1`, is cut off at the ends",
    )
    return False


def _nothing(scope: Scope, node: ast.Layers, first: int, last: int) -> None:
    help = "write the lower layer first" if last < first else "loop over layers whose windows have some of the model's"
    scope.report("E612", f"there are no layers from {first} to {last}", node.span, "", help)
