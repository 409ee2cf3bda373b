"""Substituting: a loop's name in an expression becomes the value of its turn."""

from __future__ import annotations

from typing import TypeVar, cast

from entrack import budget
from entrack.syntax import ast
from entrack.tree import rebuilt

T = TypeVar("T")


def substitute(node: T, name: str, value: int) -> T:
    """`node` with every mention of the bare `name` as the number `value`. Spans stay."""
    return cast(T, _substituted(node, name, value))


def _substituted(node: object, name: str, value: int) -> object:
    if isinstance(node, str | int | None):
        return node
    budget.spend(budget.EXPANDED)
    if isinstance(node, ast.Reference) and node.name == name and not node.rest:
        return ast.Integer(value, span=node.span)
    return rebuilt(node, lambda part: _substituted(part, name, value), without=("span", "name_span"))
