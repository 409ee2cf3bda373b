"""Frozen values from the outside: their fields, and a copy with every part changed. What walks trees of values walks with these."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

import attrs


def parts(value: object, without: Collection[str] = ()) -> Iterator[object]:
    """The values of the fields of an attrs value, in order; nothing for any other value."""
    cls = type(value)
    if attrs.has(cls):
        for field in attrs.fields(cls):
            if field.name not in without:
                yield getattr(value, field.name)


def rebuilt(value: Any, change: Callable[[object], object], without: Collection[str] = ()) -> Any:
    """The value with `change` made to each field; a tuple with it made to each element; any other value as it is."""
    if isinstance(value, tuple):
        return tuple(change(part) for part in value)
    cls = type(value)
    if not attrs.has(cls):
        return value
    names = [field.name for field in attrs.fields(cls) if field.name not in without]
    return attrs.evolve(value, **{name: change(getattr(value, name)) for name in names})
