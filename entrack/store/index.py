"""The index: the records of the action files again, in one SQLite database, because one database is faster.

It is a copy and nothing more. It can be missing, deleted or garbage at any time: a database that we did not make is
moved aside and made again from the action files; when one fails later, this process goes on with the action
files, and the next one makes it again. Nothing here raises because of the index.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, suppress
from typing import Protocol, TypeVar

from entrack.store import files, trusted
from entrack.store.base import Damage, OnDamage
from entrack.store.layout import Layout
from entrack.store.quarantine import move_aside

T = TypeVar("T")
Records = Iterable[tuple[str, bytes]]

WAIT = 60.0
_UNFINISHED = f"{files.TEMPORARY}index-"
# Troubles of the moment or of the machine; any other says that the database itself is wrong.
_PASSING = {
    getattr(sqlite3, f"SQLITE_{name}")
    for name in ("BUSY", "LOCKED", "READONLY", "FULL", "IOERR", "CANTOPEN", "INTERRUPT", "NOMEM", "PERM", "AUTH")
}


class Cache(Protocol):
    """What we use of diskcache's `Cache`, which has no types."""

    def get(self, key: str) -> bytes | None: ...
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

    def get(self, address: str) -> bytes | None:
        """The record, not yet checked; None when the index does not know, or is not usable."""
        return self._use(lambda cache: cache.get(address))

    def set(self, address: str, record: bytes) -> None:
        self._use(lambda cache: files.index_write(lambda: cache.set(address, record)))

    def remove(self, addresses: Iterable[str]) -> None:
        self._use(lambda cache: files.index_write(lambda: _remove_all(cache, addresses)))

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

    def _use(self, work: Callable[[Cache], T], renew: bool = False) -> T | None:
        if self._failed:
            return None
        try:
            cache = self._cache or self._open(renew)
            return None if cache is None else work(cache)
        except Exception as error:  # whatever it is, the action files have the truth
            self._give_up(error)
            return None

    def _open(self, renew: bool) -> Cache | None:
        with self._opening:
            if self._cache is None and self._may_write():
                self._cache = self._opened(renew)
            return self._cache

    def _opened(self, renew: bool) -> Cache:
        from entrack.store.index_disk import connect

        folder = self._layout.index
        if os.path.expandvars(folder) != folder:
            raise ValueError("diskcache would read a variable in this path and open another folder")
        with files.file_lock(self._layout.lock("index")).acquire(timeout=WAIT):
            if renew or not files.exists(folder):
                self._make()
            elif not trusted.is_ours(folder):
                self._report(Damage("index", folder, moved_to=move_aside(self._layout, folder)))
                self._make()
            cache: Cache = connect(folder, trusted.SETTINGS)
            return cache

    def _make(self) -> None:
        """Fill a new database elsewhere, then give it the name: it is there complete, or not there."""
        from entrack.store.index_disk import connect

        self._remove_unfinished()
        folder = f"{self._layout.root}/{_UNFINISHED}{secrets.token_hex(4)}"
        cache = connect(folder, trusted.SETTINGS)
        try:
            files.index_write(lambda: _fill(cache, self._records()))
        finally:
            cache.close()
        if files.exists(self._layout.index):
            move_aside(self._layout, self._layout.index)
        files.replace(folder, self._layout.index)

    def _remove_unfinished(self) -> None:
        for name in files.names(self._layout.root):
            if name.startswith(_UNFINISHED):
                files.remove_folder(f"{self._layout.root}/{name}")

    def _give_up(self, error: Exception) -> None:
        self._failed = True
        with suppress(Exception):
            self.close()
        if not _passing(error):
            with suppress(OSError):
                files.close(files.open_new(f"{self._layout.index}/{trusted.DISTRUST}"))


def _fill(cache: Cache, records: Records) -> None:
    with cache.transact():
        for address, record in records:
            cache.set(address, record)


def _remove_all(cache: Cache, addresses: Iterable[str]) -> None:
    with cache.transact():
        for address in addresses:
            cache.delete(address)


def _passing(error: Exception) -> bool:
    from entrack.store.index_disk import Timeout

    code = getattr(error, "sqlite_errorcode", None)
    return isinstance(error, (OSError, Timeout)) or (code is not None and code & 0xFF in _PASSING)
