"""Arguments of the Python interface, checked against what they may be. Each gives the value as it is used, or raises
ArgumentError, which says its name."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from math import isfinite
from numbers import Integral, Real
from typing import Any, NoReturn, TypeVar

from entrack.errors import ArgumentError, ArgumentTypeError, unknown

Kind = TypeVar("Kind")
LONGEST, LONGEST_PATH = 60, 4096


def instance(value: object, kind: type[Kind], name: str, wanted: str) -> Kind:
    """A value of a kind."""
    return value if isinstance(value, kind) else _wrong_kind(name, wanted, value)


def text(value: object, name: str) -> str:
    return instance(value, str, name, "text")


def flag(value: object, name: str) -> bool:
    return instance(value, bool, name, "True or False")


def path(value: object, name: str) -> str | os.PathLike[str]:
    """A path as text or a `Path`; bytes are none, because diagnostics show it."""
    if isinstance(value, os.PathLike) and isinstance(os.fspath(value), str):
        return value
    return value if isinstance(value, str) else _wrong_kind(name, "a path, as text or a Path", value)


def folder(value: object, name: str) -> str | os.PathLike[str]:
    """A path that the system could have."""
    try:
        said = os.fsencode(path(value, name))
        possible = b"\0" not in said and len(said) < LONGEST_PATH
    except UnicodeEncodeError:
        possible = False
    if not possible:
        raise ArgumentError(f"{name} is a path; no file can have the name {shown(value)}")
    return path(value, name)


def function(value: Kind, name: str) -> Kind:
    return value if callable(value) else _wrong_kind(name, "a function", value)


def whole(value: object, name: str, least: int, most: int) -> int:
    """A whole number from `least` to `most`; numpy's are as good as Python's."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        _wrong_kind(name, "a whole number", value)
    number = int(value)
    if not least <= number <= most:
        raise ArgumentError(f"{name} is a whole number from {least:,} to {most:,}; this is {shown(number)}")
    return number


def number(value: object, name: str, most: int) -> int | float:
    """A finite number no further from 0 than `most`: an int stays one."""
    if isinstance(value, bool) or not isinstance(value, Real):
        _wrong_kind(name, "a number", value)
    found = int(value) if isinstance(value, Integral) else _float(value)
    if not (isinstance(found, int) or isfinite(found)) or abs(found) > most:
        raise ArgumentError(f"{name} is a finite number of at most {len(str(most))} digits; this is {shown(found)}")
    return found


def choice(value: object, name: str, known: Iterable[str]) -> str:
    """One of some words."""
    known = tuple(known)
    if text(value, name) not in known:
        raise unknown(f"{name} is one of {', '.join(map(repr, known))}, not", str(value), known)
    return str(value)


def offering(value: Any, methods: Iterable[str], name: str, wanted: str) -> Any:
    """Something that has these methods."""
    if isinstance(value, type) or not all(callable(getattr(value, method, None)) for method in methods):
        _wrong_kind(name, wanted, value)
    return value


def optional(value: object, held: Callable[..., Kind], *rest: Any) -> Kind | None:
    """None, or what `held` makes of it."""
    return None if value is None else held(value, *rest)


def shown(value: object) -> str:
    """A value in a message: short, whatever it is."""
    if isinstance(value, int) and abs(value) >= 10**18:  # Python refuses to write some
        return "one of more than 18 digits"
    try:
        said = repr(value)
    except Exception:  # a stranger's __repr__
        said = f"a {type(value).__name__}"
    return said if len(said) <= LONGEST else f"{said[:LONGEST]}..."


def _float(value: Real) -> float:
    try:
        return float(value)
    except (OverflowError, ValueError):
        return float("inf")


def _wrong_kind(name: str, wanted: str, value: object) -> NoReturn:
    raise ArgumentTypeError(f"{name} is {wanted}; this is {shown(value)}, of type {type(value).__name__}")
