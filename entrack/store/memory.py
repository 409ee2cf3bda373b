"""The store in memory: the same promises within one process, for tests and for runs that leave nothing behind."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from entrack.store import tensors
from entrack.store.base import JSON, Action, Damage, OnDamage, OnWait, Stats, Tensors, check_address, warn

if TYPE_CHECKING:
    from numpy.typing import NDArray

BEAT = 1.0


class MemoryStore:
    """A `Store` in two dictionaries. Bytes are kept, not arrays: what is loaded can be changed without harm."""

    def __init__(self, on_damage: OnDamage = warn) -> None:
        self.report = on_damage
        self._actions: dict[str, Action] = {}
        self._objects: dict[str, bytes] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._here = threading.local()

    def find(self, address: str) -> Action | None:
        return self._actions.get(check_address(address))

    def load(self, wanted: Action | str) -> Tensors | None:
        action = self.find(wanted) if isinstance(wanted, str) else wanted
        data = self._objects.get(action.object) if action is not None else None
        return tensors.decode(data) if data is not None else None

    def quarantine(self, action: Action, why: str) -> None:
        if self._actions.get(action.address) == action:
            del self._actions[action.address]
            self.report(Damage("value", "in memory", address=action.address, object=action.object, why=why))

    def put(self, address: str, tensors_: Mapping[str, NDArray[Any]], how: Mapping[str, JSON]) -> Action:
        data = tensors.encode(tensors_)
        action = Action(address, hashlib.sha256(data).hexdigest(), len(data), how)
        self._objects[action.object] = data
        self._actions[address] = action
        return action

    @contextmanager
    def computing(self, address: str, on_wait: OnWait | None = None) -> Iterator[None]:
        if getattr(self._here, "held", False):
            raise RuntimeError("`computing` inside `computing` could wait for itself: leave the first one before")
        lock, since = self._locks.setdefault(check_address(address), threading.Lock()), time.monotonic()
        while not lock.acquire(timeout=BEAT):
            if on_wait is not None:
                on_wait(time.monotonic() - since)
        self._here.held = True
        try:
            yield
        finally:
            self._here.held = False
            lock.release()

    def addresses(self) -> Iterator[str]:
        return iter(sorted(self._actions))

    def stats(self) -> Stats:
        return Stats(entries=len(self._actions), bytes=sum(map(len, self._objects.values())))
