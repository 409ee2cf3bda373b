"""Results as plain lists, and back: all of them, exactly, for whoever keeps results and trusts what was kept.

A list begins with a number that says what it is: a tuple, a list, a mapping, a member of an enumeration, or a value of
one of our classes, with all its fields. Only classes in the table can be named, so nothing that is read can be code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any

import attrs

TUPLE, LIST, MAP, MEMBER, OURS = range(5)
"""What a list is: of a class, OURS and its place in the table."""
PLAIN = (str, int, float, bool, type(None))


class Coder:
    """Values of the classes of a table, and of Python's own, as plain lists. Fields that are functions are left out."""

    def __init__(self, *classes: type) -> None:
        self._classes = classes
        self._places = {each: place for place, each in enumerate(classes)}
        self._fields = [_names(each) for each in classes]

    def written(self, value: Any) -> Any:
        """A value as plain lists, texts and numbers. Raises TypeError for what is none of these."""
        if type(value) in PLAIN:
            return value
        match value:
            case Enum():
                return [MEMBER, self._places[type(value)], value.value]
            case tuple():
                return [TUPLE, *map(self.written, value)]
            case list():
                return [LIST, *map(self.written, value)]
            case Mapping():
                return [MAP, *(self.written(part) for item in value.items() for part in item)]
        place = self._places.get(type(value))
        if place is None:
            raise TypeError(f"{type(value).__name__} is not kept")
        return [OURS + place, *(self.written(getattr(value, name)) for name in self._fields[place])]

    def read(self, written: Any) -> Any:
        """The value. Raises ValueError, TypeError or LookupError for what was not written by `written`."""
        if type(written) is not list:
            return written
        kind, *parts = written
        if kind == MEMBER:
            place, value = parts
            return self._classes[place](value)
        values = [self.read(part) if type(part) is list else part for part in parts]
        make = _MADE.get(kind)
        return make(values) if make is not None else self._value(kind - OURS, values)

    def _value(self, place: int, values: Sequence[Any]) -> Any:
        return self._classes[place](**dict(zip(self._fields[place], values, strict=True)))


_MADE: Mapping[int, Callable[[list[Any]], Any]] = {
    TUPLE: tuple,
    LIST: list,
    MAP: lambda parts: dict(zip(parts[::2], parts[1::2], strict=True)),
}


def _names(cls: type[Any]) -> list[str]:
    return [] if issubclass(cls, Enum) else [field.name for field in attrs.fields(cls) if field.name != "html"]
