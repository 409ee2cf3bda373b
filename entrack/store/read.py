"""Read one action or one object. The outcome is the value, nothing, or `Damage`. Nothing is changed.

A file that is wrong is damage. A folder that is wrong, or a system that is out of means, is an `OSError`: that is
a matter of the whole store, and no reason to put an entry away.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Literal

from entrack.store import action_codec, folders, fs
from entrack.store.base import Action, Damage
from entrack.store.layout import Layout
from entrack.store.location import Location

_Wrong = Literal["size", "hash", "action", "unreadable", "not a file"]


def read_action(layout: Layout, address: str) -> Action | Damage | None:
    """The action recorded in the file of `address`."""
    place = layout.action(address)
    return _decoded(_read(folders.opened_file(place), action_codec.MAX_RECORD), place, address)


def read_actions(layout: Layout) -> Iterator[Action | Damage]:
    """What every action file says, in order of address. Each folder is opened once."""
    for folder, addresses in layout.action_folders():
        with folders.opened(folder) as fd:
            for address in addresses:
                place = layout.action(address)
                found = _decoded(_read(folders.opened_in(fd, place.name), action_codec.MAX_RECORD), place, address)
                if found is not None:
                    yield found


def _decoded(data: bytes | _Wrong | None, place: Location, address: str) -> Action | Damage | None:
    if not isinstance(data, bytes):
        return Damage(data, place, address=address) if data else None
    try:
        return action_codec.decode(data, address)
    except ValueError:
        return Damage("action", place, address=address)


def records(found: Iterable[Action | Damage]) -> dict[str, bytes | None]:
    """By address, what the action files say; None where one is damaged."""
    return {
        wanted.address: action_codec.encode(wanted) if isinstance(wanted, Action) else None
        for wanted in found
        if wanted.address is not None
    }


def read_object(layout: Layout, action: Action) -> bytes | Damage | None:
    """The bytes that `action` promises: their size and SHA-256 were compared with it."""
    place = layout.object(action.object)
    data = _read(folders.opened_file(place), action.size, exact=True)
    if isinstance(data, bytes) and hashlib.sha256(data).hexdigest() == action.object:
        return data
    wrong = "hash" if isinstance(data, bytes) else data
    return Damage(wrong, place, address=action.address, object=action.object) if wrong else None


def read_in(folder: int, name: str, limit: int, *, exact: bool = False) -> bytes | _Wrong | None:
    """The bytes of a file in a folder that is open, at most `limit`, or exactly as many; None when there is no
    file."""
    return _read(folders.opened_in(folder, name), limit, exact=exact)


def _read(file: AbstractContextManager[int], limit: int, *, exact: bool = False) -> bytes | _Wrong | None:
    """The file's bytes, at most `limit`; None when there is no file."""
    try:
        with file as fd:
            size = fs.fstat(fd).st_size
            if size > limit or (exact and size != limit):
                return "size" if exact else "action"
            return folders.read_exactly(fd, size)
    except FileNotFoundError:
        return None
    except folders.NotAFile:
        return "not a file"
    except folders.Unreadable:
        return "unreadable"
