"""Frozen values: `attrs.frozen`, with an equality, a hash and a representation that need no code of their own.

attrs writes these three for each class in Python and compiles them when the class is defined, which is most of what it
does then. entrack has some 400 such classes, so that it was a seventh of the time of a short command. Here one function
stands for all classes, and reads the fields as C does. What they say is what attrs says, but for what does not equal
itself: values of one class are equal when their fields are, as tuples are, in which one object equals itself, be it
NaN. attrs compares the fields themselves, and finds NaN in no value equal.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from attrs import frozen as frozen
else:

    def frozen(cls=None, /, **options):
        """The class that `attrs.frozen` gives. One that says itself what is equal, or has an order, is attrs' own, as
        is an exception, which equals itself alone."""
        if cls is None:
            return lambda each: frozen(each, **options)
        if issubclass(cls, BaseException):
            return attrs.frozen(cls, **options)
        if options.keys() & {"eq", "order", "repr"} or vars(cls).keys() & {"__eq__", "__hash__"}:
            return attrs.frozen(cls, **options)
        says_itself = "__repr__" in vars(cls)
        made = attrs.frozen(cls, eq=False, repr=False, **options)
        fields = attrs.fields(made)
        if not says_itself:
            made.__repr__ = _said
        made.__eq__ = _equality(_reader([field.name for field in fields if field.eq]))
        made.__hash__ = _hash(
            _reader([field.name for field in fields if (field.eq if field.hash is None else field.hash)])
        )
        return made


Reader = Callable[[Any], tuple[Any, ...]]


def _reader(names: list[str]) -> Reader:
    """What gives the fields of these names."""
    return attrgetter(*names) if len(names) > 1 else lambda value: tuple(getattr(value, name) for name in names)


def _equality(fields: Reader) -> Callable[[Any, object], bool]:
    def same(self: Any, other: object) -> bool:
        return fields(self) == fields(other) if other.__class__ is self.__class__ else NotImplemented

    return same


def _hash(fields: Reader) -> Callable[[Any], int]:
    return lambda self: hash(fields(self))


def _said(self: Any) -> str:
    said = ", ".join(f"{field.name}={getattr(self, field.name)!r}" for field in attrs.fields(type(self)) if field.repr)
    return f"{type(self).__qualname__.rsplit('>.', 1)[-1]}({said})"
