"""Frozen values: `attrs.frozen`, finished when the first is made.

entrack has some 400 such classes, and a short command makes values of half of them. What attrs does for a class, among
it to write its `__init__` in Python and compile it, takes six times as long as the class itself, and was a seventh of
the time of such a command. So `frozen` gives a class with the slots that it will have, and asks attrs for all the rest
when a value is made of it, or its fields are asked for.

One function also stands for the equality, the hash and the representation of all classes, and reads the fields as C
does. What they say is what attrs says, but for what does not equal itself: values of one class are equal when their
fields are, as tuples are, in which one object equals itself, be it NaN. attrs compares the fields themselves, and finds
NaN in no value equal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from operator import attrgetter
from threading import RLock
from types import CellType
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
        if options.keys() - {"kw_only"} or any(map(_is_attrs_own, vars(cls).items())):
            return _whole(cls, options)
        return _Unfinished(cls, options).cls


Reader = Callable[[Any], tuple[Any, ...]]
ASKED = ("__attrs_attrs__", "__setstate__", "__init__")
"""What is looked for on a class before there is a value of it: the fields, and the two that make one."""
OF_THE_CLASS = ("ClassVar", "typing.ClassVar")
"""How the type of what is no field begins, as attrs has it."""
FINISHING = RLock()


def _is_attrs_own(named: tuple[str, object]) -> bool:
    """Whether attrs makes something else of what stands in a class."""
    name, value = named
    return isinstance(value, cached_property) or name in ("__slots__", "__setattr__", "__getstate__", *ASKED)


def _whole(cls: type, options: dict[str, Any]) -> type:
    """The class that attrs makes, with our equality, hash and representation."""
    says_itself = "__repr__" in vars(cls)
    made: Any = attrs.frozen(cls, eq=False, repr=False, **options)
    fields = attrs.fields(made)
    if not says_itself:
        made.__repr__ = _said
    made.__eq__ = _equality(_reader([field.name for field in fields if field.eq]))
    made.__hash__ = _hash(_reader([field.name for field in fields if (field.eq if field.hash is None else field.hash)]))
    return made  # type: ignore[no-any-return]


class _Unfinished:
    """A class with the slots of its fields, and with what finishes it in place of what attrs gives it first."""

    def __init__(self, plain: type, options: dict[str, Any]) -> None:
        self._plain: type | None = plain
        self._options = options
        names = [name for name, said in plain.__annotations__.items() if not str(said).startswith(OF_THE_CLASS)]
        own = {name: value for name, value in vars(plain).items() if name not in (*names, "__dict__", "__weakref__")}
        above = plain.__mro__[1:-1]
        taken = {name for base in above for name in getattr(base, "__slots__", ())}
        slots = [name for name in names if name not in taken]
        if not any("__weakref__" in vars(base) for base in above):
            slots.append("__weakref__")
        own |= {name: _Asked(self, name) for name in ASKED} | {"__slots__": tuple(slots)}
        self.cls = type(plain)(plain.__name__, plain.__bases__, own)
        for cell in _cells(own.values()):
            if _holds(cell, plain):
                cell.cell_contents = self.cls

    def finish(self) -> None:
        """Give the class what attrs gives the plain one."""
        with FINISHING:
            if self._plain is not None:
                made, own = vars(_whole(self._plain, self._options)), vars(self.cls)
                for name in [*(name for name in made if name not in own), *ASKED]:
                    setattr(self.cls, name, made[name])
                self._plain = None


class _Asked:
    """Stands for an attribute of a class that is not finished, and finishes it when it is looked for."""

    def __init__(self, of: _Unfinished, name: str) -> None:
        self._of, self._name = of, name

    def __get__(self, value: object, cls: type) -> Any:
        self._of.finish()
        found = vars(self._of.cls)[self._name]  # a class below may have another, which `super()` does not mean
        return found.__get__(value, cls) if hasattr(found, "__get__") else found


def _cells(values: Iterable[object]) -> Iterator[CellType]:
    """The cells in which functions keep what they know of their class: `super()` reads it there."""
    for value in values:
        function = getattr(value, "__func__", None) or getattr(value, "fget", None) or value
        yield from getattr(function, "__closure__", None) or ()


def _holds(cell: CellType, cls: type) -> bool:
    try:
        return cell.cell_contents is cls
    except ValueError:  # empty
        return False


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
