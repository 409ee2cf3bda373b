"""Holes: what stands in a text's braces is where its spans say, so that a message points at it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from entrack.source import Source, Span
from entrack.syntax import ast
from entrack.syntax.holes import parts
from entrack.syntax.parse import parse
from entrack.syntax.unparse import written

ROOT = Path(__file__).parents[2]
SPECS = sorted((ROOT / "specs").rglob("*.et"))


def inside(value: object) -> Iterator[object]:
    """A value and all that it is made of."""
    yield value
    if attrs.has(type(value)) and not isinstance(value, Span):
        value = tuple(getattr(value, field.name) for field in attrs.fields(type(value)))  # type: ignore[arg-type]  # asked just now
    if isinstance(value, tuple):
        for part in value:
            yield from inside(part)


def pointed_at(text: str) -> list[tuple[str, str]]:
    """Of each expression in a hole of a spec: how it is written, and what its span points at."""
    program, problems = parse(Source("spec.et", text))
    assert not problems
    strings = [part for part in inside(program) if isinstance(part, ast.String)]
    nodes = [
        node
        for string in strings
        if "\\" not in text[string.span.start : string.span.end]
        for hole in parts(string)
        for node in inside(hole)
    ]
    found = [node for node in nodes if isinstance(node, ast.Reference | ast.Integer | ast.Sum)]
    return [(written(node), text[node.span.start : node.span.end]) for node in found]


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.name)
def test_of_all_specs(path: Path) -> None:
    assert all(said == there for said, there in pointed_at(path.read_text(encoding="utf-8")))


def test_an_index_in_a_hole() -> None:
    found = pointed_at('entrack 1\ntask t {\n  p = "the {x[a + 1]} of {y[where z == w]}"\n}\n')
    assert found and all(said == there for said, there in found)
    assert {"x[a + 1]", "a + 1", "a", "1"} <= {said for said, _ in found}
