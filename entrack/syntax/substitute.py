"""Substituting: a loop's name becomes the value of its turn, and an intervention's parameters its arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar, cast

from attrs import evolve

from entrack import budget
from entrack.source import Span
from entrack.syntax import ast
from entrack.tree import rebuilt

T = TypeVar("T")
Value = int | float | str
"""A number, such as that of a layer, head or token, or a factor; or the name of a position."""


def substitute(node: T, name: str, value: Value) -> T:
    """`node` with every mention of the bare `name` as the number, or the name, `value`. Spans stay."""
    return cast(T, _substituted(node, name, value))


def label_of(value: Value) -> str:
    """How a value is written, as a label too."""
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def filled(act: ast.Act, arguments: Mapping[str, ast.Expression]) -> ast.Act:
    """An act of an intervention with the arguments in the place of its parameters, where these are numbers, vectors or
    positions. What stands for sites, prompts or sources is looked up where it is used."""
    return _filled(act, arguments) if arguments else act


def _substituted(node: object, name: str, value: Value) -> object:
    if isinstance(node, str | int | None):
        return node
    budget.spend(budget.EXPANDED)
    if isinstance(node, ast.Reference) and node.name == name and not node.rest:
        return ast.Reference(value, span=node.span) if isinstance(value, str) else _number(value, node.span)
    if isinstance(node, ast.Name) and node.text == name:
        if isinstance(value, int) and value >= 0:
            return ast.Integer(value, span=node.span)
        return ast.Name(label_of(value), span=node.span)
    return rebuilt(node, lambda part: _substituted(part, name, value), without=("span", "name_span"))


def _number(value: float, span: Span) -> ast.Expression:
    if value < 0:
        return ast.Negative("-", _number(-value, span), span=span)
    return ast.Integer(value, span=span) if isinstance(value, int) else ast.Number(label_of(value), span=span)


def _filled(node: T, arguments: Mapping[str, ast.Expression]) -> T:
    """Down to where a number, a vector or a position stands."""
    changed: object = node
    match node:
        case ast.Set(target) | ast.Freeze(target):
            changed = evolve(node, target=_filled(target, arguments))
        case ast.At(what, where):
            changed = evolve(node, what=_filled(what, arguments), where=_put(where, arguments))
        case ast.Sites() | ast.Layers():
            changed = _put(node, arguments)
        case ast.Block(reader, read, layers):
            reader, read, layers = _put(reader, arguments), _put(read, arguments), _put(layers, arguments)
            changed = evolve(node, reader=reader, read=read, layers=layers)
        case ast.Add(vector, target) | ast.Project(vector, target):
            changed = evolve(node, vector=_put(vector, arguments), target=_filled(target, arguments))
        case ast.Noise(sd, target):
            changed = evolve(node, sd=_put(sd, arguments), target=_filled(target, arguments))
        case ast.Scale(target, factor):
            changed = evolve(node, target=_filled(target, arguments), factor=_put(factor, arguments))
    return cast(T, changed)


def _put(node: T, arguments: Mapping[str, ast.Expression]) -> T:
    """Arguments in the place of every mention of a parameter."""
    return cast(T, _replaced(node, arguments))


def _replaced(node: object, arguments: Mapping[str, ast.Expression]) -> object:
    if isinstance(node, str | int | None):
        return node
    budget.spend(budget.EXPANDED)
    if isinstance(node, ast.Reference) and not node.rest and node.name in arguments:
        return arguments[node.name]
    if isinstance(node, ast.Name) and node.text in arguments:
        argument = arguments[node.text]
        if isinstance(argument, ast.Reference) and not argument.rest:
            return ast.Name(argument.name, span=argument.span)
        return argument if isinstance(argument, ast.Integer) else node
    return rebuilt(node, lambda part: _replaced(part, arguments), without=("span", "name_span"))
