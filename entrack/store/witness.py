"""What a run saw of a store, and whether a store still says the same: read and hashed again, nothing decoded.

A run is a function of its spec, its models, its code, and of what the store answers it. So when all that it asked is
answered with the same bytes again, it finds the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from itertools import groupby
from typing import TYPE_CHECKING, Any

from entrack import interrupts
from entrack.frozen import frozen
from entrack.store import action_codec, folders, read
from entrack.store.base import Action, OnWait, Stats, Tensors
from entrack.store.disk import DiskStore
from entrack.store.location import Location

if TYPE_CHECKING:
    from numpy.typing import NDArray

NOTHING = ""
"""In place of a digest: that no file was there."""


@frozen
class Seen:
    """What was at an address: the digest of its action file, the object that this names, and how many bytes of it were
    read, None where it was not read."""

    address: str
    action: str
    object: str
    size: int | None


class Witness:
    """A store in a folder, which remembers what it was asked and answered. `changed`: something was written or put
    aside, or was not the same twice."""

    def __init__(self, store: DiskStore) -> None:
        self._store = store
        self._found: dict[str, Action | None] = {}
        self._read: set[str] = set()
        self.changed = False

    @property
    def writable(self) -> bool:
        return self._store.writable

    def seen(self) -> list[Seen]:
        """All that was asked, by address."""
        return [self._seen(address, action) for address, action in sorted(self._found.items())]

    def _seen(self, address: str, action: Action | None) -> Seen:
        if action is None:
            return Seen(address, NOTHING, NOTHING, None)
        note = hashlib.sha256(action_codec.encode(action)).hexdigest()
        return Seen(address, note, action.object, action.size if address in self._read else None)

    def find(self, address: str) -> Action | None:
        found = self._store.find(address)
        self.changed |= self._found.setdefault(address, found) != found
        return found

    def load(self, wanted: Action | str) -> Tensors | None:
        action = self.find(wanted) if isinstance(wanted, str) else wanted
        loaded = None if action is None else self._store.load(action)
        self.changed |= loaded is None
        if action is not None:
            self.changed |= self._found.setdefault(action.address, action) != action
            self._read.add(action.address)
        return loaded

    def quarantine(self, action: Action, why: str) -> None:
        self.changed = True
        self._store.quarantine(action, why)

    def put(self, address: str, tensors: Mapping[str, NDArray[Any]], how: Mapping[str, Any]) -> Action:
        self.changed = True
        return self._store.put(address, tensors, how)

    def computing(self, address: str, on_wait: OnWait | None = None) -> AbstractContextManager[None]:
        self.changed = True
        return self._store.computing(address, on_wait)

    def addresses(self) -> Iterator[str]:
        self.changed = True
        return self._store.addresses()

    def stats(self) -> Stats:
        self.changed = True
        return self._store.stats()


def says_the_same(store: DiskStore, seen: Iterable[Seen]) -> bool:
    """Whether a store has what was seen, byte for byte: every action is read and hashed, and so is every value that was
    read then. Changes nothing, and says nothing of damage. Raises OSError."""
    layout, several = store.layout, [*seen]
    there = [each for each in several if each.action != NOTHING]
    return _all(several, lambda each: layout.action(each.address), _same_action) and _all(
        there, lambda each: layout.object(each.object), _same_object
    )


def _all(
    several: Iterable[Seen], place_of: Callable[[Seen], Location], same: Callable[[Seen, int | None, str], bool]
) -> bool:
    """Whether in its place each is the same. Each folder is opened once."""
    placed = sorted(((place_of(each), each) for each in several), key=lambda pair: pair[0].parts)
    for folder, inside in groupby(placed, key=lambda pair: pair[0].folder):
        interrupts.check()
        with _opened(folder) as descriptor:
            if not all(same(each, descriptor, place.name) for place, each in inside):
                return False
    return True


@contextmanager
def _opened(folder: Location) -> Iterator[int | None]:
    """The descriptor of a folder; None where there is none."""
    with ExitStack() as stack:
        try:
            descriptor = stack.enter_context(folders.opened(folder))
        except FileNotFoundError:
            descriptor = None
        yield descriptor


def _same_action(seen: Seen, folder: int | None, name: str) -> bool:
    data = None if folder is None else read.read_in(folder, name, action_codec.MAX_RECORD)
    return _digest(data) == seen.action


def _same_object(seen: Seen, folder: int | None, name: str) -> bool:
    if folder is None or seen.size is None:
        return folder is not None and folders.exists_in(folder, name)
    data = read.read_in(folder, name, seen.size, exact=True)
    return _digest(data) == seen.object


def _digest(data: bytes | str | None) -> str | None:
    """What stands for a file's bytes; None for a file that cannot be read."""
    if data is None:
        return NOTHING
    return hashlib.sha256(data).hexdigest() if isinstance(data, bytes) else None
