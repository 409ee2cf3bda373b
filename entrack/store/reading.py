"""Read one action or one object and say what was there: it, nothing, or `Damage`. Nothing is changed.

A file that is wrong is damage. A folder that is wrong, or a system that is out of means, is an `OSError`: that is
a matter of the whole store, and no reason to put an entry away.
"""

from __future__ import annotations

import hashlib
from typing import Literal

from entrack.store import files, record
from entrack.store.base import Action, Damage
from entrack.store.layout import Layout

_Wrong = Literal["size", "hash", "action", "unreadable", "not a file"]


def read_action(layout: Layout, address: str) -> Action | Damage | None:
    """The action recorded in the file of `address`."""
    path = layout.action(address)
    data = _read(layout, path, record.MAX_RECORD)
    if not isinstance(data, bytes):
        return Damage(data, path, address=address) if data else None
    try:
        return record.decode(data, address)
    except ValueError:
        return Damage("action", path, address=address)


def read_object(layout: Layout, action: Action) -> bytes | Damage | None:
    """The bytes that `action` promises: their size and SHA-256 were compared with it."""
    path = layout.object(action.object)
    data = _read(layout, path, action.size, exact=True)
    if isinstance(data, bytes) and hashlib.sha256(data).hexdigest() == action.object:
        return data
    wrong = "hash" if isinstance(data, bytes) else data
    return Damage(wrong, path, address=action.address, object=action.object) if wrong else None


def _read(layout: Layout, path: str, limit: int, exact: bool = False) -> bytes | _Wrong | None:
    """The file's bytes, at most `limit`; None when there is no file."""
    try:
        with files.opened_inside(layout.root, *path[len(layout.root) + 1 :].split("/")) as fd:
            size = files.size_of(fd)
            if size > limit or (exact and size != limit):
                return "size" if exact else "action"
            return files.read_exactly(fd, size)
    except FileNotFoundError:
        return None
    except files.NotAFile:
        return "not a file"
    except files.Unreadable:
        return "unreadable"
