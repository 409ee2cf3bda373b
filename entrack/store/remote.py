"""Results that a lab shares: a remote behind a store of one's own, which is asked for what the own store does not have,
and is given what a run computes.

The remote has the layout of a store's folder, without index and locks. Nothing in it is believed: an action is decoded
for the address that it was asked for, an object has its recorded size and SHA-256, a value is what whoever asks for it
expects; else it is refused, said, and computed here. What is sound is put into the own store before anybody sees it,
and from there on it is as if it had been there. No failure of the remote leaves this module: what cannot be had is not
there, and a remote that goes on failing is left alone.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from attrs import evolve

from entrack.frozen import frozen
from entrack.store import action_codec, layout, tensors
from entrack.store.base import JSON, Action, Damage, OnDamage, OnWait, Stats, Store, Tensors, check_address, warn
from entrack.store.remote_connection import Connection, Failed
from entrack.store.remote_patience import Patience
from entrack.store.remote_place import Place, action_name, object_name
from entrack.store.remote_writer import Writer

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from numpy.typing import NDArray

Tell = Callable[[str], None]
Fault = Callable[[Tensors], str]
"""What is wrong with a value, in words; empty where nothing is."""


@frozen
class Brought:
    """A value of the remote that is in the own store now."""

    action: Action
    tensors: Tensors


class RemoteStore:
    """The `Store` of one's own, and a remote behind it. Its methods are those of the own store, but that `put` gives
    the remote a copy, too, in the background; `elsewhere` and `bring` ask the remote.

    Entering does nothing; leaving waits until the remote has what it is to have, unless that is broken off.
    """

    def __init__(
        self,
        own: Store,
        open_place: Callable[[], Place],
        shown: str,
        tell: Tell,
        on_damage: OnDamage = warn,
        *,
        read_only: bool = False,
        patience: Patience | None = None,
    ) -> None:
        """`shown` is what the remote is called, without passwords; `tell` hears of what goes wrong, in the threads of
        the callers."""
        self.own, self.shown, self._tell, self._report = own, shown, tell, on_damage
        self._patience = patience or Patience()
        self._reader = Connection(open_place(), self._patience)
        self._wrong: set[str] = set()
        self._writer = None if read_only else Writer(Connection(open_place(), self._patience), own, self._wrong)
        self._missing: dict[str, float] = {}
        self._is_store: bool | None = None
        self._said = False
        self._looking, self._saying = threading.Lock(), threading.Lock()
        self.brought = 0

    # the own store

    @property
    def writable(self) -> bool:
        return bool(getattr(self.own, "writable", True))

    def find(self, address: str) -> Action | None:
        return self.own.find(address)

    def load(self, wanted: Action | str) -> Tensors | None:
        return self.own.load(wanted)

    def quarantine(self, action: Action, why: str) -> None:
        self.own.quarantine(action, why)

    def put(self, address: str, tensors_: Mapping[str, NDArray[Any]], how: Mapping[str, JSON]) -> Action:
        action = self.own.put(address, tensors_, how)
        if self._writer is not None:
            self._writer.add(action)
        return action

    def computing(self, address: str, on_wait: OnWait | None = None) -> AbstractContextManager[None]:
        return self.own.computing(address, on_wait)

    def addresses(self) -> Iterator[str]:
        return self.own.addresses()

    def stats(self) -> Stats:
        return self.own.stats()

    # the remote

    def elsewhere(self, address: str) -> Action | None:
        """What the remote records at `address`; None also where it cannot be asked."""
        name = action_name(check_address(address))
        if not self._is_asked() or time.monotonic() < self._missing.get(address, 0.0):
            return None
        try:
            data = self._reader.read(name, action_codec.MAX_RECORD)
        except Failed:
            self._say_left_alone()
            return None
        if data is None:
            self._missing[address] = time.monotonic() + self._patience.missing
            return None
        try:
            return action_codec.decode(data, address)
        except ValueError:
            self._refuse(Damage("action", self._path(name), address=address), address, name)
            return None

    def bring(self, action: Action, place: str, most: int, fault: Fault) -> Brought | None:
        """The value of what `elsewhere` gave, put into the own store at `place`; None where it cannot be had or is
        wrong. It is read only if it has at most `most` bytes. Raises StoreError where the own store cannot keep it."""
        try:
            found = self._read_value(action, most, fault)
        except Failed:
            self._say_left_alone()
            return None
        if isinstance(found, Damage):
            names = {action_name(action.address)} | ({object_name(action.object)} if found.kind in _OF_BYTES else set())
            self._refuse(found, action.address, *names)
            return None
        self._reader.health.sound()
        kept = Brought(self.own.put(place, found, action.how), found)
        with self._saying:
            self.brought += 1
        return kept

    def _read_value(self, action: Action, most: int, fault: Fault) -> Tensors | Damage:
        path = self._path(object_name(action.object))
        damage = Damage("value", path, address=action.address, object=action.object)
        if action.size > most:
            return evolve(damage, why=f"it has {action.size} bytes, more than the {most} that it may have")
        data = self._reader.read(object_name(action.object), action.size)
        if data is None:
            return evolve(damage, kind="missing object")
        if len(data) != action.size:
            return evolve(damage, kind="size")
        if hashlib.sha256(data).hexdigest() != action.object:
            return evolve(damage, kind="hash")
        try:
            value = tensors.decode(data)
            if tensors.encode(value) != data:
                return evolve(damage, kind="format")
        except ValueError:
            return evolve(damage, kind="format")
        why = fault(value)
        return evolve(damage, why=why) if why else value

    def _refuse(self, damage: Damage, address: str, *names: str) -> None:
        self._wrong.update(names)
        self._missing[address] = float("inf")
        self._reader.health.wrong()
        self._report(damage)
        self._say_left_alone()

    def _is_asked(self) -> bool:
        """Whether there is a store that can be read; looked at once."""
        if self._reader.health.left_alone:
            self._say_left_alone()
            return False
        if self._is_store is None:
            with self._looking:
                if self._is_store is None:
                    self._look()
        return bool(self._is_store)

    def _look(self) -> None:
        try:
            found = self._reader.read(layout.FORMAT_FILE, layout.MOST_FORMAT)
        except Failed:
            self._say_left_alone()
            return
        wrong = "" if found is None else layout.other_format(found)
        self._is_store = found is not None and not wrong
        if wrong:
            self._tell(f"the remote {self.shown} is left alone: {wrong}")
        elif found is None and self._writer is None:
            self._tell(f"the remote {self.shown} is no store of entrack: it has no {layout.FORMAT_FILE}")

    def _say_left_alone(self) -> None:
        why = self._reader.health.left_alone
        if why and self._is_first():
            if self._writer is not None:
                self._writer.doubt()
            self._tell(f"the remote {self.shown} is left alone for the rest of this run: {why}")

    def _is_first(self) -> bool:
        """Whether it has not been said that the remote is left alone."""
        with self._saying:
            first, self._said = not self._said, True
            return first

    def _path(self, name: str) -> str:
        return f"{self.shown}/{name}"

    # the end

    @property
    def written(self) -> int:
        """Values that the remote was given."""
        return 0 if self._writer is None else self._writer.written

    @property
    def unwritten(self) -> int:
        """Values that it is still to be given."""
        return 0 if self._writer is None else self._writer.left

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._say_failures()
        if self._writer is None:
            return
        try:
            if kind is None or issubclass(kind, Exception):
                self._writer.wait()
        finally:
            self._writer.stop()
            self._say_unwritten(self._writer)

    def _say_failures(self) -> None:
        """What was too little to leave it alone, and is to be known all the same."""
        self._say_left_alone()
        if self._reader.health.last and not self._said:
            self._tell(f"the remote {self.shown} could not always be asked: {self._reader.health.last}")

    def _say_unwritten(self, writer: Writer) -> None:
        if writer.left:
            values = "1 value was" if writer.left == 1 else f"{writer.left} values were"
            self._tell(f"{values} not written to the remote {self.shown}: {writer.why_left}; the own store has them")


_OF_BYTES = ("size", "hash", "format", "missing object")
"""Damage of which the object is to be written again, and not the action alone."""
