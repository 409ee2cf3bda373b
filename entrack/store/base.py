"""What a store is: bytes by address, with a note of how they were made.

An address is the digest of everything that decides a result; it is computed elsewhere and arrives as 64 hex
digits. A store never looks inside it.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from attrs import Attribute, field

from entrack.address import is_address
from entrack.frozen import frozen
from entrack.store.errors import (
    StoreBusy,
    StoreError,
    StoreFull,
    StoreReadOnly,
    StoreTooNew,
    StoreTooOld,
    StoreUnreadable,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "JSON",
    "Action",
    "Damage",
    "OnDamage",
    "OnWait",
    "Stats",
    "Store",
    "StoreBusy",
    "StoreError",
    "StoreFull",
    "StoreReadOnly",
    "StoreTooNew",
    "StoreTooOld",
    "StoreUnreadable",
    "Tensors",
    "check_address",
    "json_bytes",
    "warn",
]

JSON: TypeAlias = bool | int | float | str | Sequence["JSON"] | Mapping[str, "JSON"] | None
Tensors: TypeAlias = "dict[str, NDArray[Any]]"
OnWait: TypeAlias = Callable[[float], None]

MOST_LEVELS = 8
"""Of a note: what is deeper is none of ours, and not every reader could follow."""


def json_bytes(value: JSON) -> bytes:
    """The one way we write JSON: sorted keys, no spaces, ASCII, no NaN. Raises `ValueError` or `TypeError`."""
    return json.dumps(value, sort_keys=True, allow_nan=False, separators=(",", ":")).encode("ascii")


def check_address(value: object) -> str:
    """`value` if it is 64 lower-case hex digits, else `ValueError`: nothing else may become a path."""
    if isinstance(value, str) and is_address(value):
        return value
    raise ValueError(f"not an address (64 lower-case hex digits): {value!r:.80}")


def _address_valid(_: object, __: Attribute[str], value: str) -> None:
    check_address(value)


def _size_valid(_: object, __: Attribute[int], value: int) -> None:
    if type(value) is not int or value < 0:
        raise ValueError(f"not a size in bytes: {value!r:.80}")


def _plain(how: Mapping[str, JSON]) -> dict[str, JSON]:
    plain: dict[str, JSON] = json.loads(json_bytes(dict(how)))
    if _depth(plain) > MOST_LEVELS:
        raise ValueError(f"a note of how a result was made has over {MOST_LEVELS} levels")
    return plain


def _depth(value: JSON) -> int:
    """Levels of lists and mappings, one inside the other; never looks deeper than it must."""
    levels, level = 0, [value]
    while level and levels <= MOST_LEVELS:
        inside = [
            each.values() if isinstance(each, Mapping) else each for each in level if isinstance(each, Mapping | list)
        ]
        levels, level = levels + bool(inside), [part for parts in inside for part in parts]
    return levels


@frozen
class Action:
    """That `address` was computed, and gave the object with this digest and size.

    `how` (versions, device, time, host kind, kernel) is recorded and shown; it is never matched against. It is
    copied through JSON, so what is put is equal to what is found.
    """

    address: str = field(validator=_address_valid)
    object: str = field(validator=_address_valid)
    size: int = field(validator=_size_valid)
    how: Mapping[str, JSON] = field(factory=dict, converter=_plain, hash=False)


@frozen
class Damage:
    """One thing that is not as it was written, and where it was moved to (None: it could not be moved)."""

    kind: Literal[
        "size", "hash", "format", "action", "unreadable", "not a file", "missing object", "index", "index row", "value"
    ]
    path: str = field(converter=str)
    address: str | None = None
    object: str | None = None
    moved_to: str | None = None
    why: str = ""
    """What is wrong with a value, as whoever knows its form says."""

    @property
    def message(self) -> str:
        entry = f"entry {self.address}" if self.address else "store"
        after = f"; moved to {self.moved_to}" if self.moved_to else ""
        why = f": {self.why}" if self.why else ""
        return f"damage in the {entry}: {_WORDS[self.kind]}{why} ({self.path}){after}"


_WORDS = {
    "size": "the object does not have its recorded size",
    "hash": "the object does not have its recorded SHA-256",
    "format": "the object does not hold tensors we can read",
    "action": "the action file is not one we wrote for this address",
    "unreadable": "the system cannot read the file",
    "not a file": "a symbolic link, folder or device stands where a file belongs",
    "missing object": "the action is there, its object is not",
    "value": "the value is not what this step gives",
    "index": "the index is not one that we made; the action files are what counts, and the next write makes it again",
    "index row": "the index says something else than the action files, which are what counts; delete the folder, "
    "it is made again",
}

OnDamage: TypeAlias = Callable[[Damage], None]


def warn(damage: Damage) -> None:
    """What is done with damage when nobody asked to be told."""
    warnings.warn(damage.message, RuntimeWarning, stacklevel=2)


@frozen
class Stats:
    """How many addresses a store answers, and how many bytes its objects take."""

    entries: int
    bytes: int


def lock_of(address: str) -> str:
    """The name of the lock that `computing` takes: some addresses share one, so that a folder has few."""
    return address[:3]


class Store(Protocol):
    """Results by address. All methods may be called by many threads and processes at once."""

    def find(self, address: str) -> Action | None:
        """What is known at `address`; None when nothing is, or when its object is gone."""

    def load(self, wanted: Action | str) -> Tensors | None:
        """The tensors, checked on every read; None when missing or damaged: then compute them again."""

    def quarantine(self, action: Action, why: str) -> None:
        """Put an entry aside, and report it as damage: its bytes are whole and its value is not what its step gives;
        `why` says what is wrong.

        A store that cannot be written reports it and leaves it. Other entries with the same bytes stay.
        """

    def put(self, address: str, tensors: Mapping[str, NDArray[Any]], how: Mapping[str, JSON]) -> Action:
        """Keep the tensors under `address`. Equal tensors are equal bytes, and are kept once."""

    def computing(self, address: str, on_wait: OnWait | None = None) -> AbstractContextManager[None]:
        """Hold the right to compute `address`. Look again inside: another process may just have done it."""

    def addresses(self) -> Iterator[str]:
        """Every address with a recorded action, in order."""

    def stats(self) -> Stats:
        """Entries and bytes."""
