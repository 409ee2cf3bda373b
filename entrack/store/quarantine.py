"""Quarantine of damaged entries: moved aside, so that they are not used again and can still be inspected."""

from __future__ import annotations

import os
import secrets

from attrs import evolve

from entrack.store import folders
from entrack.store.base import Action, Damage
from entrack.store.layout import Layout
from entrack.store.location import Location
from entrack.store.read import read_object


def set_aside(layout: Layout, damage: Damage, action: Action | None) -> Damage | None:
    """Move the damaged file, and its action; the damage as it is to be reported.

    None when the file was whole after all: another process had just written it again.
    """
    if action is not None and damage.kind in ("size", "hash") and isinstance(read_object(layout, action), bytes):
        return None
    moved = move_aside(layout, _place(layout, damage))
    if action is not None and moved is not None:
        move_aside(layout, layout.action(action.address))
    return evolve(damage, moved_to=moved)


def move_aside(layout: Layout, place: Location) -> str | None:
    """Where it is now; None when it could not be moved: a store that is only read, no real quarantine, or another
    was first."""
    name, end = os.path.splitext(place.name)
    target = layout.quarantine / f"{name}-{secrets.token_hex(4)}{end}"
    try:
        folders.make_folder(layout.quarantine)
        folders.move(place, target)
    except OSError:
        return None
    return str(target)


def _place(layout: Layout, damage: Damage) -> Location:
    """Of the object, or of the action: of a value that its step does not give, whose bytes other entries may have
    too."""
    return (
        layout.object(damage.object)
        if damage.object and damage.kind != "value"
        else layout.action(damage.address or "")
    )
