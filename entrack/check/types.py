"""Types of a task's variables, and what the names inside a task stand for."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define, field

from entrack.check.tables import Table
from entrack.frozen import frozen


@frozen
class Type:
    """`base` is word, number, text or row; `many` says that it is a list. `table` is what a row is of, where it could
    be read."""

    base: str
    many: bool = False
    table: Table | None = None

    def __str__(self) -> str:
        names = {"word": "a word", "number": "a number", "text": "a text", "row": "a row", "unknown": "something"}
        return f"a list of {self.base}s" if self.many else names[self.base]


WORD, NUMBER, TEXT = Type("word"), Type("number"), Type("text")


@define
class Names:
    """What the names inside a task stand for. `others` are the name spaces `original` and `alternate`, where they
    exist."""

    types: dict[str, Type]
    others: Mapping[str, Mapping[str, Type]] = field(factory=dict)
    bare: bool = True
    """Whether names may stand without `original.` or `alternate.`."""
