"""Addresses: a value's canonical bytes, and their SHA-256. The only hashing of values in entrack.

The encoding is typed, so that 1, 1.0, "1", True and None, or 0.0 and -0.0, never meet. Floats are written as hex,
integers as decimal text, and there is no NaN. Frozen attrs values are written as their class name and their fields in
order.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from enum import Enum
from math import isnan
from pathlib import Path
from typing import Any

import attrs

JSON = None | bool | int | float | str | list["JSON"] | dict[str, "JSON"]


class Digested:
    """A large value that keeps the address of its content, so that it is not written out again wherever it is part
    of another."""

    @property
    def digest(self) -> str:
        raise NotImplementedError


def address(value: object) -> str:
    """The 64 hex digits that stand for `value`. Raises TypeError for a value that has no canonical form."""
    return hashlib.sha256(canonical(value)).hexdigest()


def address_and_size(value: object) -> tuple[str, int]:
    """The same, and how many bytes were written out for it."""
    written = canonical(value)
    return hashlib.sha256(written).hexdigest(), len(written)


def canonical(value: object) -> bytes:
    """The bytes that an address is taken of."""
    return json.dumps(_typed(value), separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _typed(value: object) -> Any:
    match value:
        case None:
            return ["none"]
        case bool():
            return ["bool", "true" if value else "false"]
        case Enum():
            return ["enum", type(value).__name__, value.name]
        case int():
            return ["int", str(value)]
        case float():
            if isnan(value):
                raise TypeError("a number that is not a number has no address")
            return ["float", value.hex()]
        case str():
            return ["str", value]
        case bytes():
            return ["bytes", value.hex()]
        case tuple() | list() if value and all(type(item) is int for item in value):
            return ["ints", ",".join(map(str, value))]
        case tuple() | list():
            return ["list", *(_typed(item) for item in value)]
        case frozenset():
            return ["set", *sorted((_typed(item) for item in value), key=json.dumps)]
        case Mapping():
            return ["map", *sorted(([_key(key), _typed(item)] for key, item in value.items()), key=json.dumps)]
    if isinstance(value, Digested):
        return ["digest", type(value).__name__, value.digest]
    cls = type(value)
    if attrs.has(cls):
        fields = [a.name for a in attrs.fields(cls) if a.eq]
        return ["value", type(value).__name__, *([name, _typed(getattr(value, name))] for name in fields)]
    raise TypeError(f"{type(value).__name__} has no canonical form")


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise TypeError("a mapping with an address has names as keys")
    return key
