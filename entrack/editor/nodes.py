"""Going through a program."""

from __future__ import annotations

from collections.abc import Iterator

from entrack.tree import parts

FLAT = frozenset({"span", "name_span", "changes_span"})


def walk(node: object) -> Iterator[object]:
    """A value of a program and all values in it, each before its own parts. Programs are no deeper than brackets are
    allowed to be."""
    if isinstance(node, tuple):
        for part in node:
            yield from walk(part)
    else:
        yield node
        for part in parts(node, FLAT):
            yield from walk(part)
