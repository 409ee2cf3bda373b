"""A remote in memory that fails when it is told to, and one that is patient for no longer than a test may take."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

from attrs import define, field

from entrack.store import Store, Tensors
from entrack.store.remote import RemoteStore
from entrack.store.remote_patience import Patience
from entrack.store.remote_place import Beat

HURRIED = Patience(quiet=0.05, connecting=0.05, soon=10.0, pause=0.0)
NO_END = 2.0
"""Seconds for which an operation that hangs goes on after nobody waits for it."""
LARGEST = 10**9


class ServerError(Exception):
    """A web server's answer, with a URL that nobody may see."""

    def __init__(self, status: int) -> None:
        super().__init__(f"{status}, url='https://user:secret@host/x'")
        self.status = status


def hang() -> bytes:
    time.sleep(NO_END)
    return b""


FAULTS: dict[str, Callable[[bytes], bytes]] = {
    "hangs": lambda data: hang(),
    "refuses": lambda data: _raise(ConnectionRefusedError(111, "https://user:secret@host/x")),
    "500": lambda data: _raise(ServerError(500)),
    "forbids": lambda data: _raise(PermissionError(13, "secret")),
    "breaks off": lambda data: _raise(EOFError("secret")),
    "cut short": lambda data: data[: len(data) // 2],
    "empty": lambda data: b"",
    "too long": lambda data: data + bytes(1 << 10),
    "one bit": lambda data: data[:-1] + bytes([data[-1] ^ 1]) if data else b"\0",
    "an error page": lambda data: b"<html>503 Service Unavailable</html>",
    "deep": lambda data: b"[" * 50_000,
}
"""What becomes of a file that is read."""
ON_WRITING = ("hangs", "refuses", "500", "forbids", "breaks off", "full")


def _raise(error: Exception) -> bytes:
    raise error


@define
class FaultyPlace:
    """Files in memory. `faults` are taken one after the other, one for each operation: the name of a fault, or None."""

    files: dict[str, bytes] = field(factory=dict)
    faults: Iterator[str | None] = field(factory=lambda: iter(()))
    asked: list[str] = field(factory=list)
    refuse_writing: str | None = None

    def read(self, name: str, most: int, beat: Beat) -> bytes | None:
        self.asked.append(f"read {name}")
        fault, data = next(self.faults, None), self.files.get(name)
        if fault in FAULTS and (data is not None or fault in ON_WRITING):
            data = FAULTS[fault](data or b"")
        beat()
        return None if data is None else data[: most + 1]

    def size(self, name: str) -> int | None:
        self.asked.append(f"size {name}")
        fault = next(self.faults, None)
        if fault in ON_WRITING and fault in FAULTS:
            FAULTS[fault](b"")
        return len(self.files[name]) if name in self.files else None

    def write(self, name: str, data: bytes) -> None:
        self.asked.append(f"write {name}")
        fault = self.refuse_writing or next(self.faults, None)
        if fault == "full":
            raise OSError(28, "https://user:secret@host/x")
        if fault in ON_WRITING:
            FAULTS[fault](b"")
        self.files[name] = data

    def reopen(self) -> None:
        pass


@define
class Lab:
    """A remote as one machine sees it, and all that was said of it."""

    store: RemoteStore
    said: list[str]

    def has(
        self, address: str, fault: Callable[[Tensors], str] = lambda value: "", most: int = LARGEST
    ) -> Tensors | None:
        """What a run does that looks for an address: the own store, then the remote."""
        own = self.store.load(address)
        there = self.store.elsewhere(address) if own is None else None
        brought = None if there is None else self.store.bring(there, address, most, fault)
        return brought.tensors if brought is not None else own


def lab(
    own: Store, place: FaultyPlace, *, read_only: bool = False, patience: Patience = HURRIED, shown: str = "lab"
) -> Lab:
    said: list[str] = []
    return Lab(
        RemoteStore(
            own,
            lambda: place,
            shown,
            said.append,
            lambda damage: said.append(damage.message),
            read_only=read_only,
            patience=patience,
        ),
        said,
    )


def written(own: Store, place: FaultyPlace, values: Iterable[tuple[str, Tensors]]) -> list[str]:
    """Put values into a store with a remote, and wait. -> what was said"""
    there = lab(own, place)
    with suppress(KeyboardInterrupt), there.store:
        for address, value in values:
            there.store.put(address, value, {})
    return there.said
