"""Frozen values from the outside: their fields, and a copy with every part changed. What walks trees of values walks
with these."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import cache
from typing import Any

import attrs


def parts(value: object, without: Collection[str] = ()) -> Iterator[object]:
    """The values of the fields of an attrs value, in order; nothing for any other value."""
    cls: type = type(value)
    for name in names(cls):
        if name not in without:
            yield getattr(value, name)


@cache
def names(cls: type) -> tuple[str, ...]:
    """The fields of an attrs class, in order; none of any other class."""
    return tuple(field.name for field in attrs.fields(cls)) if attrs.has(cls) else ()


def rebuilt(value: Any, change: Callable[[object], object], without: Collection[str] = ()) -> Any:
    """The value with `change` made to each field; a tuple with it made to each element; any other value as it is.
    Itself where nothing changes."""
    if isinstance(value, tuple):
        changed = tuple(change(part) for part in value)
        return changed if any(one is not other for one, other in zip(changed, value, strict=True)) else value
    cls: type = type(value)
    made = {name: change(getattr(value, name)) for name in names(cls) if name not in without}
    other = {name: part for name, part in made.items() if part is not getattr(value, name)}
    return attrs.evolve(value, **other) if other else value
