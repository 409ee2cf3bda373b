"""The store on a disk: objects by digest, actions by address, and an index that decides nothing and can be thrown away.

What holds at every moment, whoever is killed and whenever the power goes: a name under `objects/` or `actions/` is
a whole file or no file. The object is made to last before its action is, the action before its index row; so an
action that can be found has its object. A row of another record is removed before the action is written; so a row says
what the action file says, or is missing. Every read compares size and SHA-256.

Who reads changes nothing: `find` and `load` touch no index, and put aside what is damaged only where a run may write.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from entrack.store import action_codec, folders, fs, layout, locks, read, tensors
from entrack.store.base import JSON, Action, Damage, OnDamage, OnWait, Stats, Tensors, check_address, warn
from entrack.store.errors import StoreReadOnly, named
from entrack.store.index import Index
from entrack.store.quarantine import set_aside

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from numpy.typing import NDArray


class DiskStore:
    """A `Store` in a folder, which is made on the first write. POSIX systems only: it needs flock and O_NOFOLLOW."""

    def __init__(
        self,
        folder: str | os.PathLike[str],
        on_damage: OnDamage = warn,
        *,
        read_only: bool = False,
        inspect: bool = False,
    ) -> None:
        """Raises `StoreTooNew`, `StoreTooOld` or `StoreUnreadable`; creates and opens nothing.

        `read_only` is for a store that is not ours to change: `writable` says so. With `inspect` nothing is changed
        either, and `writable` says what it would for a run: for commands that only look at what a run would do.
        """
        self.layout = layout.Layout(os.path.abspath(os.fspath(folder)))
        self.report, self._read_only, self._inspect = on_damage, read_only, inspect
        self.index = Index(self.layout, self._has_index, self._records, on_damage)
        with named("read", self.layout.root):
            layout.check_format(self.layout)

    def find(self, address: str) -> Action | None:
        with named("read", self.layout.root):
            action = read.read_action(self.layout, check_address(address))
            if isinstance(action, Damage):
                self.put_aside(action)
                return None
            return action if action is not None and self._has_object(action) else None

    def load(self, wanted: Action | str) -> Tensors | None:
        action = self.find(wanted) if isinstance(wanted, str) else wanted
        if action is None:
            return None
        with named("read", self.layout.root):
            found = self._decoded(action)
            if isinstance(found, Damage):
                self.put_aside(found, action)
                return None
            return found

    def quarantine(self, action: Action, why: str) -> None:
        with named("read", self.layout.root):
            there, path = read.read_action(self.layout, action.address), self.layout.action(action.address)
            if there is None or there == action:
                self.put_aside(Damage("value", path, address=action.address, object=action.object, why=why))
            elif self.changeable:  # another process has just written it again
                self.index.remove([action.address])

    def put(self, address: str, tensors_: Mapping[str, NDArray[Any]], how: Mapping[str, JSON]) -> Action:
        check_address(address)
        self._refuse_unwritable()
        data = tensors.encode(tensors_)
        action = Action(address, hashlib.sha256(data).hexdigest(), len(data), how)
        note = action_codec.encode(action)
        with self.writing():
            self._keep_object(action, data)
            if read.read_action(self.layout, address) not in (None, action):
                self.index.remove([address])
            layout.write(self.layout.action(address), note)
            self.index.set(address, note)
        return action

    @contextmanager
    def computing(self, address: str, on_wait: OnWait | None = None) -> Iterator[None]:
        """One process at a time computes an address; see `locks`. A store that is only read has nothing to hold."""
        check_address(address)
        if not self.changeable:
            yield
            return
        with named("write", self.layout.root):
            layout.make_root(self.layout)
        with locks.step(self.layout, address, on_wait), locks.shared(self.layout, on_wait):
            yield

    def addresses(self) -> Iterator[str]:
        with named("read", self.layout.root):
            yield from self.layout.addresses()

    def stats(self) -> Stats:
        with named("read", self.layout.root):
            total = sum(size for _, size in self.layout.objects())
            return Stats(entries=sum(1 for _ in self.layout.addresses()), bytes=total)

    def close(self) -> None:
        """Let go of the index. The store can be used again; it is then opened again."""
        self.index.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def writable(self) -> bool:
        """Whether `put` may be tried: not where the store, or the folder it would be made in, cannot be written."""
        return not self._read_only and fs.writable(folders.nearest_folder(self.layout.root))

    @property
    def changeable(self) -> bool:
        """Whether this store, as it was opened, may change anything on the disk."""
        return not self._inspect and self.writable

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Make sure that the store is there, and keep garbage collection out. For the short time of a write."""
        with named("write", self.layout.root):
            layout.make_root(self.layout)
        with locks.shared(self.layout), named("write", self.layout.root):
            layout.write_format(self.layout)
            yield

    def put_aside(self, damage: Damage, action: Action | None = None) -> None:
        """Move what is damaged to `quarantine/` where that can be done, and say so; it is then computed again."""
        told: Damage | None = damage
        if self.changeable:
            self.index.remove([damage.address] if damage.address else [])
            told = set_aside(self.layout, damage, action)
        if told is not None:
            self.report(told)

    def _refuse_unwritable(self) -> None:
        if not self.changeable:
            raise StoreReadOnly(
                f"the store {self.layout.root} is opened or mounted for reading only: "
                "its results can be used, to add some choose another folder"
            )

    def _keep_object(self, action: Action, data: bytes) -> None:
        # An object that is there is trusted only if its bytes are these: a damaged one is written again.
        if read.read_object(self.layout, action) != data:
            layout.write(self.layout.object(action.object), data)

    def _decoded(self, action: Action) -> Tensors | Damage | None:
        data = read.read_object(self.layout, action)
        try:
            return tensors.decode(data) if isinstance(data, bytes) else data
        except ValueError:
            place = self.layout.object(action.object)
            return Damage("format", place, address=action.address, object=action.object)

    def _has_object(self, action: Action) -> bool:
        return folders.exists(self.layout.object(action.object))

    def _has_index(self) -> bool:
        return self.changeable and folders.exists(self.layout.format)

    def _records(self) -> Iterator[tuple[str, bytes]]:
        for action in read.read_actions(self.layout):
            if isinstance(action, Action):
                yield action.address, action_codec.encode(action)
