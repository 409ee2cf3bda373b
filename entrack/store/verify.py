"""Check every entry of a store by its digests and report damage. Changes nothing."""

from __future__ import annotations

from collections import defaultdict

from entrack.frozen import frozen
from entrack.store import read
from entrack.store.base import Action, Damage
from entrack.store.disk import DiskStore
from entrack.store.errors import named
from entrack.store.index_check import compared
from entrack.store.layout import Layout
from entrack.store.location import Location


@frozen
class Report:
    """What `verify` found.

    Only `damage` is a fault. Orphans are objects that no action names, temporaries are unfinished files, `unindexed`
    are actions of which the index has no row: that is what killed runs leave, or runs that are writing right now.
    Garbage collection takes the files away; a row that is missing does no harm.
    """

    actions: int
    objects: int
    bytes: int
    damage: tuple[Damage, ...]
    orphans: tuple[str, ...]
    temporaries: tuple[Location, ...]
    unindexed: int = 0

    @property
    def whole(self) -> bool:
        return not self.damage


def verify(store: DiskStore) -> Report:
    """Hash every object once, compare each with the actions that name it, and these with the index."""
    with named("read", store.layout.root):
        return _verified(store.layout)


def _verified(layout: Layout) -> Report:
    found = list(read.read_actions(layout))
    actions = [action for action in found if isinstance(action, Action)]
    damage = [wrong for wrong in found if isinstance(wrong, Damage)]
    by_object: dict[tuple[str, int], list[Action]] = defaultdict(list)
    for action in actions:
        by_object[action.object, action.size].append(action)
    for users in by_object.values():
        damage += _of_object(layout, users)
    index = compared(layout, read.records(found))
    objects, used = [digest for digest, _ in layout.objects()], {action.object for action in actions}
    return Report(
        actions=len(actions),
        objects=len(objects),
        bytes=sum(size for _, size in by_object),
        damage=(*damage, *index.damage),
        orphans=tuple(digest for digest in objects if digest not in used),
        temporaries=tuple(layout.temporaries()),
        unindexed=len(actions) - index.rows if index.looked and not index.damage else 0,
    )


def _of_object(layout: Layout, users: list[Action]) -> list[Damage]:
    """The damage of an object, once for each address that has it."""
    found, path = read.read_object(layout, users[0]), layout.object(users[0].object)
    if isinstance(found, bytes):
        return []
    if found is None:  # garbage collection may have been here since, and taken both
        users = [user for user in users if read.read_action(layout, user.address) == user]
    kind = found.kind if found is not None else "missing object"
    return [Damage(kind, path, address=user.address, object=user.object) for user in users]
