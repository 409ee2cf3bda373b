"""Is an index database one that we made? Asked before diskcache opens it, because diskcache believes what it opens.

diskcache turns rows of a database's Settings into attributes and PRAGMAs, runs its triggers, and SQLite replays a
journal that lies beside it, deleting the file that a journal names as its super-journal. So a database is opened
only when its files, header, schema and settings are exactly those that we write. Anything else is moved aside
and the index made again from the action files, which costs seconds and loses nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import stat
from contextlib import closing
from urllib.parse import quote

from entrack.store import files

DATABASE = "cache.db"
DISTRUST = "distrusted"
_JOURNAL = DATABASE + "-journal"
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


def is_ours(folder: str) -> bool:
    """Whether the index in `folder` may be opened. Raises `sqlite3.OperationalError` when it is locked for long."""
    try:
        return _files_ours(folder) and _content_ours(os.path.join(folder, DATABASE))
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise
        return False
    except (OSError, sqlite3.Error, ValueError, TypeError, OverflowError):
        return False


def schema_digest(connection: sqlite3.Connection) -> str:
    """What stands for all tables, indexes, triggers and views of a database."""
    rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name").fetchall()
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def _files_ours(folder: str) -> bool:
    if not stat.S_ISDIR(files.lstat(folder).st_mode) or not set(files.names(folder)) <= {DATABASE, _JOURNAL}:
        return False
    return _header_ours(os.path.join(folder, DATABASE)) and _journal_harmless(os.path.join(folder, _JOURNAL))


def _header_ours(path: str) -> bool:
    header = _part(path, 0, 100)
    return header is not None and header[:16] == b"SQLite format 3\0" and header[18:20] == b"\x01\x01"


def _journal_harmless(path: str) -> bool:
    # One of ours never ends in the record that names a super-journal: https://www.sqlite.org/fileformat.html
    return _part(path, -8, 8) != _JOURNAL_MAGIC


def _part(path: str, start: int, count: int) -> bytes | None:
    """Some bytes of a regular file with one name; None when it is not there. Raises `OSError` for another thing."""
    try:
        fd = files.open_read(path)
    except FileNotFoundError:
        return None
    try:
        about = os.fstat(fd)
        if not stat.S_ISREG(about.st_mode) or about.st_nlink > 1:
            raise OSError("not a file of our own")
        return os.pread(fd, count, max(0, start if start >= 0 else about.st_size + start))
    finally:
        files.close(fd)


def _content_ours(path: str) -> bool:
    with closing(sqlite3.connect(f"file:{quote(path)}?mode=rw", uri=True, timeout=10)) as connection:
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA query_only = ON")
        return schema_digest(connection) == _SCHEMA and _settings_ours(connection)


def _settings_ours(connection: sqlite3.Connection) -> bool:
    rows = connection.execute("SELECT key, value FROM Settings LIMIT 100").fetchall()
    counters = {key: value for key, value in rows if key in _COUNTERS}
    settings = {key: value for key, value in rows if key not in _COUNTERS}
    return settings == SETTINGS and all(type(value) is int for value in counters.values())
