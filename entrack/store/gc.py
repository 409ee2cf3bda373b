"""Garbage collection: remove entries that are no longer wanted. Only on request, and reported.

The order is the reverse of writing, and each part is made to last before the next begins: index rows, then
actions, then objects. So whenever this is killed, no action is left whose object is gone. It holds the store's
gate alone, so no entry is half-written and no computation is under way: every temporary file is then a dead one,
and every object that no action names is an orphan.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable

from entrack import interrupts
from entrack.frozen import frozen
from entrack.store import folders, layout, locks, read
from entrack.store.base import Action, Damage
from entrack.store.disk import DiskStore
from entrack.store.errors import StoreReadOnly, named
from entrack.store.index_check import compared
from entrack.store.location import Location

WAIT = 10.0


@frozen
class GcReport:
    """What was removed, or would be; `kept` addresses of `kept_bytes` stay."""

    actions: tuple[str, ...]
    objects: tuple[str, ...]
    temporaries: tuple[Location, ...]
    freed_bytes: int
    kept: int
    kept_bytes: int
    dry_run: bool


def collect(
    store: DiskStore, keep: Collection[str], max_size: int | None = None, wait: float = WAIT, *, dry_run: bool = False
) -> GcReport:
    """Remove all but the addresses in `keep`; with `max_size` only as many, oldest first, as bring objects below it.

    An address in `keep` goes only when its object is gone already. Damaged action files are put in quarantine and
    reported. Raises `StoreBusy` when the store is still being written to after `wait` seconds.
    """
    if not dry_run and not store.changeable:
        raise StoreReadOnly(f"the store {store.layout.root} cannot be written, so nothing can be removed from it")
    with named("read" if dry_run else "write", store.layout.root):
        if not layout.check_format(store.layout):
            return GcReport((), (), (), 0, 0, 0, dry_run)
        if dry_run:
            return _chosen(store, _surveyed(store, dry_run=dry_run), frozenset(keep), max_size, dry_run=dry_run)
        layout.make_root(store.layout)
        with locks.alone(store.layout, wait):
            actions = _surveyed(store, dry_run=dry_run)
            report = _chosen(store, actions, frozenset(keep), max_size, dry_run=dry_run)
            _remove(store, report)
            _mend_index(store, actions, frozenset(report.actions))
            return report


def _chosen(
    store: DiskStore, actions: list[Action], keep: frozenset[str], max_size: int | None, *, dry_run: bool
) -> GcReport:
    where = store.layout
    sizes = dict(where.objects())
    gone = _unwanted(actions, sizes, keep, max_size)
    used = {action.object for action in actions if action.address not in gone}
    objects = tuple(digest for digest in sizes if digest not in used)
    return GcReport(
        actions=tuple(sorted(gone)),
        objects=objects,
        temporaries=tuple(where.temporaries()),
        freed_bytes=sum(sizes[digest] for digest in objects),
        kept=len(actions) - len(gone),
        kept_bytes=sum(sizes[digest] for digest in used),
        dry_run=dry_run,
    )


def _surveyed(store: DiskStore, *, dry_run: bool) -> list[Action]:
    """The sound actions, oldest first."""
    found = []
    for action in read.read_actions(store.layout):
        interrupts.check()
        found.append(action)
    if not dry_run:
        for wrong in found:
            if isinstance(wrong, Damage):
                store.put_aside(wrong)
    made, actions = store.layout.made(), [action for action in found if isinstance(action, Action)]
    return sorted(actions, key=lambda action: (made.get(action.address, 0), action.address))


def _unwanted(
    actions: list[Action], sizes: dict[str, int], keep: frozenset[str], max_size: int | None
) -> frozenset[str]:
    """The addresses to remove, of actions given oldest first."""
    gone = {action.address for action in actions if action.object not in sizes}
    users = Counter(action.object for action in actions if action.address not in gone)
    total = sum(sizes[digest] for digest in users)
    for action in actions:
        if action.address in keep or action.address in gone or (max_size is not None and total <= max_size):
            continue
        gone.add(action.address)
        users[action.object] -= 1
        total -= 0 if users[action.object] else sizes[action.object]
    return frozenset(gone)


def _remove(store: DiskStore, report: GcReport) -> None:
    store.index.remove(report.actions)
    _forget(store.layout.action(address) for address in report.actions)
    _forget(store.layout.object(digest) for digest in report.objects)
    _forget(report.temporaries)


def _mend_index(store: DiskStore, actions: list[Action], gone: frozenset[str]) -> None:
    """Make the index again where it says something else than the actions that stay: nobody has written since they
    were read."""
    if compared(store.layout, read.records(action for action in actions if action.address not in gone)).damage:
        store.index.rebuild()


def _forget(places: Iterable[Location]) -> None:
    """Remove files, and return when that would survive a loss of power."""
    by_folder: defaultdict[Location, list[str]] = defaultdict(list)
    for place in places:
        by_folder[place.folder].append(place.name)
    for folder, gone in by_folder.items():
        interrupts.check()
        folders.forget(folder, gone)
