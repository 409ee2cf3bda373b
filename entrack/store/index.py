"""The index: a copy of the action files' records in one SQLite database.

It is a copy and nothing more: no value is found or taken because of a row, the action file decides. `index_check` holds
the two against each other. It can be missing, deleted or garbage at any time: who writes moves a database that we did
not make aside, and makes it again from the action files; when one fails later, this process goes on without, and the
next one makes it again. Nothing here raises because of the index, and who only reads never opens it to write.
"""

from __future__ import annotations

import os
import re
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, suppress
from typing import Protocol, TypeVar

from entrack.store import folders, fs, index_validation, locks
from entrack.store.base import Damage, OnDamage
from entrack.store.layout import Layout
from entrack.store.location import Location
from entrack.store.quarantine import move_aside

T = TypeVar("T")
Records = Iterable[tuple[str, bytes]]

WAIT = 60.0
_UNFINISHED = re.compile(re.escape(f"{folders.TEMPORARY}index-") + r"[0-9a-f]{8}\Z")
# Troubles of the moment or of the machine; any other says that the database itself is wrong.
_PASSING = {
    getattr(sqlite3, f"SQLITE_{name}")
    for name in ("BUSY", "LOCKED", "READONLY", "FULL", "IOERR", "CANTOPEN", "INTERRUPT", "NOMEM", "PERM", "AUTH")
}


class Cache(Protocol):
    """What we use of diskcache's `Cache`, which has no types."""

    def set(self, key: str, value: bytes) -> bool: ...
    def delete(self, key: str) -> bool: ...
    def transact(self) -> AbstractContextManager[None]: ...
    def close(self) -> None: ...


class Index:
    """Records by address. Where `may_write` says no, nothing is opened: diskcache cannot open without writing."""

    def __init__(
        self, layout: Layout, may_write: Callable[[], bool], records: Callable[[], Records], report: OnDamage
    ) -> None:
        self._layout, self._may_write, self._records, self._report = layout, may_write, records, report
        self._cache: Cache | None = None
        self._failed = False
        self._opening = threading.RLock()

    def set(self, address: str, record: bytes) -> None:
        self._use(lambda cache: fs.index_write(lambda: cache.set(address, record)))

    def remove(self, addresses: Sequence[str]) -> None:
        """After this no row of these addresses is left: where they cannot be removed, the whole index is."""
        done = self._use(lambda cache: fs.index_write(lambda: _remove_all(cache, addresses)))
        if done is None and addresses and self._may_write():
            with suppress(OSError):
                folders.remove_folder(self._layout.index, (*index_validation.FILES, index_validation.DISTRUST))

    def rebuild(self) -> bool:
        """Make the database again from the action files; whether that went well."""
        with self._opening:
            self.close()
            self._failed = False
            return self._use(lambda _: True, renew=True) or False

    @property
    def usable(self) -> bool:
        """False once it has failed: this process then goes on with the action files."""
        return not self._failed

    def close(self) -> None:
        cache, self._cache = self._cache, None
        if cache is not None:
            cache.close()

    def _use(self, work: Callable[[Cache], T], *, renew: bool = False) -> T | None:
        if self._failed:
            return None
        try:
            cache = self._cache or self._open(renew=renew)
            return None if cache is None else work(cache)
        except Exception as error:  # whatever it is, the action files have the truth
            self._give_up(error)
            return None

    def _open(self, *, renew: bool) -> Cache | None:
        with self._opening:
            if self._cache is None and self._may_write():
                self._cache = self._opened(renew=renew)
            return self._cache

    def _opened(self, *, renew: bool) -> Cache:
        place = self._layout.index
        with locks.index(self._layout, WAIT):
            if renew or not folders.exists(place):
                self._make()
            elif not index_validation.is_ours(place):
                moved = move_aside(self._layout, place)
                self._report(Damage("index", place, moved_to=moved))
                if moved is None:
                    raise OSError("what stands in the place of the index cannot be moved")
                self._make()
            return _connect(place)

    def _make(self) -> None:
        """Fill a new database elsewhere, then give it the name: it is there complete, or not there."""
        self._remove_unfinished()
        place = self._layout.top / f"{folders.TEMPORARY}index-{secrets.token_hex(4)}"
        folders.make_folder(place)
        cache = _connect(place)
        try:
            fs.index_write(lambda: _fill(cache, self._records()))
        finally:
            cache.close()
        if folders.exists(self._layout.index):
            move_aside(self._layout, self._layout.index)
        folders.move(place, self._layout.index)

    def _remove_unfinished(self) -> None:
        for name in filter(_UNFINISHED.match, folders.listed(self._layout.top)):
            with suppress(NotADirectoryError):  # a file, or a link, which nobody follows
                folders.remove_folder(self._layout.top / name, index_validation.FILES)

    def _give_up(self, error: Exception) -> None:
        self._failed = True
        with suppress(Exception):
            self.close()
        if not _passing(error):
            with suppress(OSError), folders.opened(self._layout.index) as folder:
                fs.close(fs.open_new(index_validation.DISTRUST, folder))


def _connect(place: Location) -> Cache:
    """diskcache on a folder whose files are ours, or that is empty. It opens by path, so the path must lead there."""
    from entrack.store.index_disk import connect

    path = str(place)
    if os.path.expandvars(path) != path:
        raise ValueError("diskcache would read a variable in this path and open another folder")
    if not index_validation.reached(place):
        raise OSError("the path of the index leads elsewhere")
    cache: Cache = connect(path, index_validation.SETTINGS)
    return cache


def _fill(cache: Cache, records: Records) -> None:
    with cache.transact():
        for address, record in records:
            cache.set(address, record)


def _remove_all(cache: Cache, addresses: Iterable[str]) -> bool:
    with cache.transact():
        for address in addresses:
            cache.delete(address)
    return True


def _passing(error: Exception) -> bool:
    from entrack.store.index_disk import Timeout

    code = getattr(error, "sqlite_errorcode", None)
    return isinstance(error, (OSError, Timeout)) or (code is not None and code & 0xFF in _PASSING)
