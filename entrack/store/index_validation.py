"""Validation of an index database before diskcache opens it, because diskcache trusts what it opens.

diskcache turns rows of a database's Settings into attributes and PRAGMAs, runs its triggers, and SQLite replays a
journal that lies beside it, deleting the file that a journal names as its super-journal. So a database is opened
only when its files, header, schema and settings are exactly those that we write. Anything else is moved aside
and the index made again from the action files, which costs seconds and loses nothing.

SQLite opens files by path. So it is given the path of a folder only when that is a real folder below the store's own,
and when the files in it are real ones with one name, all of which is asked of descriptors.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from urllib.parse import quote

from entrack.store import folders, fs
from entrack.store.location import Location

DATABASE = "cache.db"
DISTRUST = "distrusted"
JOURNAL = DATABASE + "-journal"
FILES = (DATABASE, JOURNAL)
_OF_OTHERS = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")

# No eviction: a store forgets only by `gc`. No WAL: it is unsound in SQLite 3.40 and on network file systems. No
# mmap: a file cut short by others would end the process. No fsync: the index is not worth waiting for.
SETTINGS: dict[str, int | str] = {
    "cull_limit": 0,
    "disk_min_file_size": 1 << 20,
    "disk_pickle_protocol": 5,
    "eviction_policy": "none",
    "size_limit": 1 << 62,
    "sqlite_auto_vacuum": 0,
    "sqlite_cache_size": 1 << 13,
    "sqlite_journal_mode": "delete",
    "sqlite_mmap_size": 0,
    "sqlite_synchronous": 0,
    "statistics": 0,
    "tag_index": 0,
}
_COUNTERS = {"count", "size", "hits", "misses"}
_SCHEMA = "7abcca4627825a97ba12bdc5e4c85ae150636c11a85d900b4a740f866d03163a"


def is_ours(folder: Location, *, to_read: bool = False) -> bool:
    """Whether the index in `folder` may be opened. With `to_read`, nothing is changed to find out.

    Raises `sqlite3.OperationalError` when it is locked for long, or, with `to_read`, was left in the middle of a
    change.
    """
    try:
        if not _files_ours(folder):
            return False
        with connected(folder, to_read=to_read) as connection:
            return schema_digest(connection) == _SCHEMA and _settings_ours(connection)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF in (*_OF_OTHERS, *((sqlite3.SQLITE_READONLY,) if to_read else ())):
            raise
        return False
    except (OSError, sqlite3.Error, ValueError, TypeError, OverflowError):
        return False


@contextmanager
def connected(folder: Location, *, to_read: bool) -> Iterator[sqlite3.Connection]:
    """A connection that changes no row; one `to_read` changes no file either. For a folder whose files are ours."""
    path = f"file:{quote(str(folder / DATABASE))}?mode={'ro' if to_read else 'rw'}"
    with closing(sqlite3.connect(path, uri=True, timeout=10)) as connection:
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA query_only = ON")
        yield connection


def distrusted(folder: Location) -> bool:
    """Whether a writer has left word that this index is to be made again."""
    try:
        return folders.exists(folder / DISTRUST)
    except OSError:  # no real folder
        return False


def reached(folder: Location) -> bool:
    """Whether the path of a folder in a store leads to the folder that is reached from the store's own without
    links."""
    by_path = os.lstat(folder)
    with folders.opened(folder) as fd:
        return os.path.samestat(by_path, fs.fstat(fd))


def schema_digest(connection: sqlite3.Connection) -> str:
    """What stands for all tables, indexes, triggers and views of a database."""
    rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name").fetchall()
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def _files_ours(folder: Location) -> bool:
    with folders.opened(folder) as fd:
        if not set(fs.names(fd)) <= set(FILES) or not reached(folder):
            return False
        return _header_ours(_part(fd, DATABASE, 0, 100)) and _journal_harmless(_part(fd, JOURNAL, -8, 8))


def _header_ours(header: bytes | None) -> bool:
    return header is not None and header[:16] == b"SQLite format 3\0" and header[18:20] == b"\x01\x01"


def _journal_harmless(end: bytes | None) -> bool:
    # One of ours never ends in the record that names a super-journal: https://www.sqlite.org/fileformat.html
    return end != _JOURNAL_MAGIC


def _part(folder: int, name: str, start: int, count: int) -> bytes | None:
    """Some bytes of a regular file with one name; None when it is not there. Raises `OSError` for another thing."""
    try:
        fd = fs.open_read(name, folder)
    except FileNotFoundError:
        return None
    try:
        about = fs.fstat(fd)
        if not stat.S_ISREG(about.st_mode) or about.st_nlink > 1:
            raise OSError("not a file of our own")
        return os.pread(fd, count, max(0, start if start >= 0 else about.st_size + start))
    finally:
        fs.close(fd)


def _settings_ours(connection: sqlite3.Connection) -> bool:
    rows = connection.execute("SELECT key, value FROM Settings LIMIT 100").fetchall()
    counters = {key: value for key, value in rows if key in _COUNTERS}
    settings = {key: value for key, value in rows if key not in _COUNTERS}
    return settings == SETTINGS and all(type(value) is int for value in counters.values())
