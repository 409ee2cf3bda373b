"""Addresses: a value's canonical text, and its SHA-256. The only hashing of values in entrack.

The text is typed, so that 1, 1.0, "1", True and None, or 0.0 and -0.0, never meet. Floats are written as hex,
integers as decimal text, and there is no NaN.

A value of a class of ours is written by tags that are declared beside the class, not by Python's names for it:

    @tagged("site", "layer part index")
    @frozen
    class Site:
        layer: int
        part: Part
        index: int | None = None

A class or a field that is renamed keeps its tag, and so every address. A field that equals its declared default is left
out, so an optional field that is added later changes no address either; a default that changes does. A class without a
tag has no address.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Hashable, Mapping
from enum import Enum
from functools import cache, cached_property
from itertools import chain
from math import isnan
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar

import attrs

JSON = None | bool | int | float | str | list["JSON"] | dict[str, "JSON"]
T = TypeVar("T", bound=type)
TAG = re.compile(r"[a-z][a-z0-9_-]*")


class Digested:
    """A large value that keeps the address of its content, so that it is not written out again wherever it is part of
    another. Its class has a tag, and no slots."""

    @cached_property
    def digest(self) -> str:
        """The address of its fields."""
        return _sha256(_form_of(type(self)).written(self))


def tagged(tag: str, fields: str = "") -> Callable[[T], T]:
    """Gives a frozen attrs class, or an enumeration, the `tag` that stands for it in addresses.

    `fields` are the tags of the fields that take part in equality, in the order of these, with blanks between. The
    members of an enumeration are written by their values. Raises TypeError for tags that do not fit the class.
    """

    def give(cls: T) -> T:
        cls.__address_form__ = _Form.of(cls, tag, fields.split())  # type: ignore[attr-defined]
        return cls

    return give


def tag_of(cls: type) -> str:
    """The tag of a class. Raises TypeError where it has none."""
    return _form_of(cls).tag


def fields_by_tag(value: object) -> dict[str, Any]:
    """The fields of a value that decide its address, by their tags, also those that equal their defaults."""
    return {field.tag: getattr(value, field.name) for field in _form_of(type(value)).fields}


def of_fields(cls: type, fields: Mapping[str, Any]) -> Any:
    """The value of a class with these fields, by their tags: what `fields_by_tag` gives is what this takes."""
    return cls(**{field.name: fields[field.tag] for field in _form_of(cls).fields})


def address(value: object) -> str:
    """The 64 hex digits that stand for `value`. Raises TypeError for a value that has no canonical form."""
    return _sha256(_written(value))


def address_and_size(value: object) -> tuple[str, int]:
    """The same, and how many bytes its canonical text has."""
    written = _written(value)
    return _sha256(written), len(written)


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def bytes_digest(data: bytes) -> str:
    """SHA-256 of bytes, as `file_digest` has it of a file that says them."""
    return hashlib.sha256(data).hexdigest()


def _sha256(written: str) -> str:
    return hashlib.sha256(written.encode("ascii")).hexdigest()


# --- classes with a tag ------------------------------------------------------------------------------------------


@attrs.frozen
class _Field:
    """A field of a class: its tag, Python's name for it, and its default as it would be written."""

    tag: str
    name: str
    default: str | None

    @classmethod
    def of(cls, tag: str, field: attrs.Attribute[Any]) -> _Field:
        constant = field.default is not attrs.NOTHING and not isinstance(field.default, attrs.Factory)  # type: ignore[arg-type]
        return cls(tag, field.name, _written(field.default) if constant else None)


@attrs.frozen(eq=False)
class _Form:
    """How values of one class are written: `["value",tag,[field tag,value],...]`, in the order of the tags. `fields`
    are in the order in which they are declared."""

    cls: type
    tag: str
    fields: tuple[_Field, ...]

    @classmethod
    def of(cls, owner: type, tag: str, tags: list[str]) -> _Form:
        if not all(map(TAG.fullmatch, (tag, *tags))):
            raise TypeError(f"{owner.__name__}: a tag is lower-case letters, digits, - and _")
        if issubclass(owner, Enum):
            if tags or not all(type(member.value) is str for member in owner):
                raise TypeError(f"{owner.__name__}: the members of an enumeration are written by values that are texts")
            return cls(owner, tag, ())
        counted = [field for field in attrs.fields(owner) if field.eq]  # type: ignore[arg-type]
        if len(counted) != len(tags) or len(set(tags)) != len(tags):
            raise TypeError(f"{owner.__name__} needs a tag of its own for each of its {len(counted)} fields")
        return cls(owner, tag, tuple(map(_Field.of, tags, counted)))

    @cached_property
    def ordered(self) -> tuple[_Field, ...]:
        return tuple(sorted(self.fields, key=lambda field: field.tag))

    @cached_property
    def values(self) -> Callable[[object], tuple[Any, ...]]:
        """The values of the ordered fields."""
        names = [field.name for field in self.ordered]
        return attrgetter(*names) if len(names) > 1 else lambda value: tuple(getattr(value, name) for name in names)

    def written(self, value: object) -> str:
        parts = [f'["value","{self.tag}"']
        for field, part in zip(self.ordered, self.values(value), strict=True):
            text = _written(part)
            if text != field.default:
                parts.append(f'["{field.tag}",{text}]')
        return ",".join(parts) + "]"


def _form_of(cls: type) -> _Form:
    form = getattr(cls, "__address_form__", None)
    if isinstance(form, _Form) and form.cls is cls:
        return form
    raise TypeError(f"{cls.__name__} has no canonical form: it has no tag")


# --- canonical text ----------------------------------------------------------------------------------------------


class _Recent:
    """Texts of values that recur, by what they are of; all forgotten when they come to `most` characters."""

    def __init__(self, most: int) -> None:
        self._most, self._size = most, 0
        self._texts: dict[Hashable, str] = {}

    def text(self, key: Hashable, write: Callable[[], str]) -> str:
        text = self._texts.get(key)
        if text is None:
            text = write()
            if len(text) <= self._most // 16:
                self._keep(key, text)
        return text

    def _keep(self, key: Hashable, text: str) -> None:
        self._size += len(text)
        if self._size > self._most:
            self._texts, self._size = {}, len(text)
        self._texts[key] = text


_RECENT = _Recent(1 << 20)
"""Its keys take several times as much as its texts: some 10 MB in all."""


def _written(value: object) -> str:
    write = _BY_TYPE.get(type(value))
    return _other(value) if write is None else write(value)


def _float(value: float) -> str:
    if isnan(value):
        raise TypeError("a number that is not a number has no address")
    return f'["float","{value.hex()}"]'


def _tuple(value: tuple[Any, ...]) -> str:
    kinds = set(map(type, value))
    if kinds == {int}:
        return f'["ints","{",".join(map(str, value))}"]'
    if kinds == {tuple} and all(value) and set(map(type, chain.from_iterable(value))) == {int}:
        return _rows_of_integers(value)
    numbers = _rows(value, *kinds) if len(kinds) == 1 else None
    return _listed(value) if numbers is None else _RECENT.text(numbers, lambda: _listed(value))


def _rows_of_integers(value: tuple[tuple[int, ...], ...]) -> str:
    """Tokens of prompts, of which a plan has millions: as Python writes them, all at once, and not number by number."""
    said = repr(value).replace(" ", "")
    if ",)" in said:  # a row of one, or one row
        return _listed(value)
    return '["list",["ints","' + said[2:-2].replace("),(", '"],["ints","') + '"]]'


def _rows(value: tuple[Any, ...], kind: type) -> Hashable | None:
    """What a tuple of tuples of numbers and names, or of values such as heads, is known by; None for any other."""
    form = getattr(kind, "__address_form__", None)
    if kind is not tuple and not (isinstance(form, _Form) and form.cls is kind and form.fields):
        return None
    rows = value if form is None else tuple(map(form.values, value))
    kinds = set(map(type, chain.from_iterable(rows)))
    return (form, rows) if kinds and all(map(_tells_apart, kinds)) else None


@cache
def _tells_apart(kind: type) -> bool:
    """Whether a value of this type equals none that is written otherwise, as 1 equals True and 1.0."""
    return kind in (int, str, type(None)) or (issubclass(kind, Enum) and kind.__eq__ is object.__eq__)


def _listed(value: tuple[Any, ...]) -> str:
    return ",".join(['["list"', *map(_written, value)]) + "]"


def _set(value: frozenset[Any]) -> str:
    return ",".join(['["set"', *sorted(map(_written, value))]) + "]"


def _map(value: Mapping[Any, Any]) -> str:
    return ",".join(['["map"', *sorted(f"[{_key(key)},{_written(item)}]" for key, item in value.items())]) + "]"


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise TypeError("a mapping with an address has names as keys")
    return json.dumps(key)


_BY_TYPE: Mapping[type, Callable[[Any], str]] = {
    type(None): lambda value: '["none"]',
    bool: lambda value: f'["bool","{"true" if value else "false"}"]',
    int: lambda value: f'["int","{value}"]',
    float: _float,
    str: lambda value: f'["str",{json.dumps(value)}]',
    bytes: lambda value: f'["bytes","{value.hex()}"]',
    tuple: _tuple,
    list: lambda value: _tuple(tuple(value)),
    frozenset: _set,
    dict: _map,
}


def _other(value: object) -> str:
    """Values with a tag; mappings, and types that are built on those of Python."""
    if isinstance(value, Enum):
        return f'["enum","{tag_of(type(value))}",{json.dumps(value.value)}]'
    if isinstance(value, Digested):
        return f'["digest","{tag_of(type(value))}","{value.digest}"]'
    if attrs.has(type(value)):
        return _form_of(type(value)).written(value)
    if isinstance(value, Mapping):
        return _map(value)
    base = next((base for base in _BY_TYPE if isinstance(value, base)), None)
    if base is None:
        raise TypeError(f"{type(value).__name__} has no canonical form")
    return _BY_TYPE[base](value)
