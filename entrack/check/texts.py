"""Texts of a task: which holes one has, which texts end up in another, and what a drawing depends on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from entrack.syntax import ast
from entrack.syntax.holes import parts
from entrack.tree import parts as parts_of

ORDINALS: Mapping[str, int] = {"first": 0, "second": 1, "third": 2, "fourth": 3, "last": -1}
"""Which of several places, in the order of the text."""


def reached_texts(bindings: Mapping[str, ast.Drawing], name: str) -> Iterator[str]:
    """The texts that end up in a text, itself first."""
    pending, seen = [name], set()
    while pending:
        current = pending.pop()
        if current in seen or current not in bindings:
            continue
        seen.add(current)
        yield current
        pending.extend(reference.name for reference in holes_of(bindings[current]) if not reference.rest)


def holes_of(drawing: ast.Drawing) -> Iterator[ast.Reference]:
    """The holes that a text has by itself, in order."""
    match drawing:
        case ast.String():
            yield from (part for part in parts(drawing) if isinstance(part, ast.Reference))
        case ast.Call("join", (ast.String() as segment, ast.String(), *options)):
            yield from holes_of(segment)
            for _, other in at_use(tuple(options)) or ():
                yield from holes_of(other)
        case ast.Call(_, arguments):
            for argument in arguments[:1]:
                if not isinstance(argument, ast.Named):
                    yield from holes_of(argument)
        case ast.Reference():
            yield drawing


def at_use(options: tuple[object, ...]) -> tuple[tuple[ast.Expression, ast.String], ...] | None:
    """The pairs of `at` and `use` among the options of a `join`; None when there is anything else."""
    pairs = []
    for index, text in zip(options[::2], options[1::2], strict=False):
        match index, text:
            case ast.Named("at", place), ast.Named("use", ast.String() as other):
                pairs.append((place, other))
            case _:
                return None
    return tuple(pairs) if len(options) % 2 == 0 else None


def mentioned(node: object) -> Iterator[str]:
    """Every name that a drawing or text depends on, holes included."""
    if isinstance(node, ast.Reference):
        yield node.name
    if isinstance(node, ast.Name):
        yield node.text
    if isinstance(node, ast.String):
        for hole in holes_of(node):
            yield from mentioned(hole)
    for part in node if isinstance(node, tuple) else parts_of(node, ("span", "name_span")):
        yield from mentioned(part)
