"""The outcomes of a pack: which value each step of the plan came to, and those values that numbers are made of.

A step whose value only other steps were computed from has its digest here and not its bytes. Beside a digest stands
with what it was computed, as far as that says nothing about who computed it, where and when.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NoReturn

from entrack.artifact.archive import Members
from entrack.artifact.errors import PackRefused
from entrack.artifact.names import STEPS
from entrack.execution.read_run_record import read_run_record
from entrack.store.base import JSON, Action, OnWait, Stats, Store, Tensors, json_bytes
from entrack.store.errors import StoreReadOnly
from entrack.store.tensors import decode, encode

KEPT = ("device", "executor", "nnsight", "torch", "transformers")
MOST_LINE = 1 << 12
Objects = Callable[[str], bytes | None]
"""The bytes of a value by its digest; None where they are not kept."""


def object_name(digest: str) -> str:
    return f"outcomes/{digest}.safetensors"


def plain(address: str, action: Action) -> Action:
    """What a step came to, less what is of one machine and one day."""
    how = read_run_record(action.how)
    return Action(address, action.object, action.size, {name: how[name] for name in KEPT if name in how})


def steps_text(actions: Mapping[str, Action]) -> bytes:
    """A line for each step, in the order of their addresses."""
    return b"".join(_line(actions[address]) + b"\n" for address in sorted(actions))


def steps_read(data: bytes) -> dict[str, Action]:
    """The steps that a text lists. Raises PackRefused for any text that `steps_text` would not write."""
    found: dict[str, Action] = {}
    last = ""
    for line in data.splitlines():
        action = _action(line)
        if action is None or action.address <= last:
            raise PackRefused(f"{STEPS} has a line that is none of a step: {line[:80]!r}")
        found[last := action.address] = action
    if steps_text(found) != data:
        raise PackRefused(f"{STEPS} is not written as a pack writes it")
    return found


def _line(action: Action) -> bytes:
    return json_bytes({"address": action.address, "how": action.how, "object": action.object, "size": action.size})


def _action(line: bytes) -> Action | None:
    if len(line) > MOST_LINE:
        return None
    try:
        told = json.loads(line)
        action = Action(told["address"], told["object"], told["size"], told["how"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return action if set(action.how) <= set(KEPT) and _line(action) == line else None


class PackStore:
    """The outcomes of a pack as a store that is only read. Each value is hashed again when it is loaded; `damaged` are
    the digests of those that are not what they should be, or not there; `found` and `loaded` are what was asked for."""

    writable = False

    def __init__(self, actions: Mapping[str, Action], objects: Objects) -> None:
        self._actions, self._objects = actions, objects
        self.found: set[str] = set()
        self.loaded: set[str] = set()
        self.damaged: dict[str, str] = {}

    def find(self, address: str) -> Action | None:
        found = self._actions.get(address)
        if found is not None:
            self.found.add(address)
        return found

    def load(self, wanted: Action | str) -> Tensors | None:
        action = self._actions.get(wanted) if isinstance(wanted, str) else wanted
        if action is None:
            return None
        self.loaded.add(action.object)
        data = self._objects(action.object)
        wrong = "it is not there" if data is None else _wrong(action, data)
        if wrong or data is None:
            self.damaged[action.object] = wrong
            return None
        try:
            return decode(data)
        except ValueError:
            self.damaged[action.object] = "it does not hold tensors"
            return None

    def holds(self, digest: str) -> bool:
        """Whether the bytes of a value are here, and not the digest alone."""
        return self._objects(digest) is not None

    def quarantine(self, action: Action, why: str) -> None:
        self.damaged[action.object] = why

    def put(self, address: str, tensors: Mapping[str, Any], how: Mapping[str, JSON]) -> NoReturn:
        raise StoreReadOnly("a pack's outcomes are only read")

    def computing(self, address: str, on_wait: OnWait | None = None) -> AbstractContextManager[None]:
        return nullcontext()

    def addresses(self) -> Iterator[str]:
        return iter(sorted(self._actions))

    def stats(self) -> Stats:
        return Stats(len(self._actions), sum(action.size for action in self._actions.values()))


class _Over:
    """A store that is asked for all that a class built on this one does not answer itself."""

    writable = True

    def __init__(self, own: Store) -> None:
        self._own = own

    def find(self, address: str) -> Action | None:
        return self._own.find(address)

    def load(self, wanted: Action | str) -> Tensors | None:
        return self._own.load(wanted)

    def quarantine(self, action: Action, why: str) -> None:
        self._own.quarantine(action, why)

    def put(self, address: str, tensors: Mapping[str, Any], how: Mapping[str, JSON]) -> Action:
        return self._own.put(address, tensors, how)

    def computing(self, address: str, on_wait: OnWait | None = None) -> AbstractContextManager[None]:
        return self._own.computing(address, on_wait)

    def addresses(self) -> Iterator[str]:
        return self._own.addresses()

    def stats(self) -> Stats:
        return self._own.stats()


class Recorded(_Over):
    """A store that remembers which values were read, by their digests."""

    def __init__(self, own: Store) -> None:
        super().__init__(own)
        self.loaded: set[str] = set()

    def load(self, wanted: Action | str) -> Tensors | None:
        action = self._own.find(wanted) if isinstance(wanted, str) else wanted
        if action is None:
            return None
        self.loaded.add(action.object)
        return self._own.load(action)


class Layered(_Over):
    """A pack's outcomes, and under them a store of one's own, into which goes what the pack does not have."""

    def __init__(self, pack: PackStore, own: Store) -> None:
        super().__init__(own)
        self._pack = pack

    def find(self, address: str) -> Action | None:
        return self._pack.find(address) or self._own.find(address)

    def load(self, wanted: Action | str) -> Tensors | None:
        action = self.find(wanted) if isinstance(wanted, str) else wanted
        found = self._pack.load(action) if action is not None and self._packed(action) else None
        return self._own.load(action) if found is None and action is not None else found

    def quarantine(self, action: Action, why: str) -> None:
        (self._pack if self._packed(action) else self._own).quarantine(action, why)

    def _packed(self, action: Action) -> bool:
        return self._pack.find(action.address) == action


def members_of(actions: Mapping[str, Action], read: set[str], store: Store) -> Members | str:
    """The outcomes as members: all steps, and the values that were read. The address of one that the store has no more
    instead."""
    made = {STEPS: steps_text(actions)}
    wanted = {action.object: action for action in actions.values() if action.object in read}
    for digest, action in wanted.items():
        tensors = store.load(action)
        data = b"" if tensors is None else encode(tensors)
        if hashlib.sha256(data).hexdigest() != digest:
            return action.address
        made[object_name(digest)] = data
    return made


def _wrong(action: Action, data: bytes) -> str:
    if len(data) != action.size:
        return "it does not have its size"
    return "" if hashlib.sha256(data).hexdigest() == action.object else "it does not have its SHA-256"
