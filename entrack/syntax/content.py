"""What a program says, as plain lists and values: for the address of a spec, which is recorded and finds nothing."""

from __future__ import annotations

from typing import Any

import attrs


def content(node: Any) -> Any:
    """The constructs of the grammar by their names, with all that takes part in their equality; no spans, comments or
    layout."""
    if isinstance(node, tuple):
        return [content(part) for part in node]
    if not attrs.has(type(node)):
        return node
    fields = (field.name for field in attrs.fields(type(node)) if field.eq)
    return [type(node).__name__, *([name, content(getattr(node, name))] for name in fields)]
