"""Put what is damaged out of the way, so that it is neither used again nor lost to whoever wants to see it."""

from __future__ import annotations

import os
import secrets

from attrs import evolve

from entrack.store import files
from entrack.store.base import Action, Damage
from entrack.store.layout import Layout
from entrack.store.reading import read_object


def set_aside(layout: Layout, damage: Damage, action: Action | None) -> Damage | None:
    """Move the damaged file, and its action; the damage as it is to be reported.

    None when the file was whole after all: another process had just written it again.
    """
    if action is not None and damage.kind in ("size", "hash") and isinstance(read_object(layout, action), bytes):
        return None
    moved = move_aside(layout, damage.path)
    if action is not None and moved is not None:
        move_aside(layout, layout.action(action.address))
    return evolve(damage, moved_to=moved)


def move_aside(layout: Layout, path: str) -> str | None:
    """Where the file is now; None when it could not be moved: a store that is only read, or another was first."""
    name, end = os.path.splitext(os.path.basename(path))
    target = f"{layout.quarantine}/{name}-{secrets.token_hex(4)}{end}"
    try:
        files.make_folder(layout.quarantine)
        files.replace(path, target)
    except OSError:
        return None
    return target
