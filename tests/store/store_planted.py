"""What a stranger may have put into an index: rows that say they are pickles, files to read or remove, settings, triggers."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from store_tools import address, same, tensors

from entrack.store import Damage, DiskStore, doctor

JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")
ENTRIES = 5


class Canary:
    """Leaves a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., int], tuple[str, int]]:
        return os.open, (str(self.path), os.O_CREAT | os.O_WRONLY)


def fill(folder: Path) -> Path:
    with DiskStore(folder) as store:
        for number in range(ENTRIES):
            store.put(address(number), tensors(number), {})
    return folder


def sql(folder: Path, *statements: tuple[str, tuple[object, ...]]) -> None:
    with closing(sqlite3.connect(folder / "index/cache.db")) as database, database:
        for statement, values in statements:
            database.execute(statement, values)


def check(folder: Path, damage: list[Damage] | None = None) -> None:
    """Two runs: everything is found in both, and after the second the index is sound."""
    for _ in range(2):
        with DiskStore(folder, on_damage=(damage if damage is not None else []).append) as store:
            assert all(same(store.load(address(number)), tensors(number)) for number in range(ENTRIES))
            store.put(address(0), tensors(0), {})
            assert store.load(address(99)) is None
    assert {check.name: check.good for check in doctor(folder)}["index"]


ROWS: dict[str, tuple[str, Callable[[bytes, str], tuple[object, ...]]]] = {
    "pickled value": ("UPDATE Cache SET mode = 4, value = ?", lambda evil, _: (evil,)),
    "pickled key": ("UPDATE OR REPLACE Cache SET raw = 0, key = ?", lambda evil, _: (evil,)),
    "pickle in a file": ("UPDATE Cache SET mode = 4, value = NULL, filename = ?", lambda _, path: (path,)),
    "a file to read": ("UPDATE Cache SET mode = 2, value = NULL, filename = ?", lambda _, path: (path,)),
    "a file to remove": ("UPDATE Cache SET filename = ?", lambda _, path: (path,)),
    "text": ("UPDATE Cache SET value = 'text'", lambda *_: ()),
    "a number": ("UPDATE Cache SET value = 7", lambda *_: ()),
    "nothing": ("UPDATE Cache SET value = NULL", lambda *_: ()),
    "expired": ("UPDATE Cache SET expire_time = 1", lambda *_: ()),
    "of another": ("UPDATE Cache SET value = (SELECT value FROM Cache ORDER BY key LIMIT 1)", lambda *_: ()),
    "large": ("UPDATE Cache SET value = zeroblob(9000000)", lambda *_: ()),
}
SCHEMA = {
    "setting of a folder": "INSERT INTO Settings VALUES ('_directory', '/nowhere')",
    "setting of a method": "INSERT INTO Settings VALUES ('get', 1)",
    "a pragma": "INSERT INTO Settings VALUES ('sqlite_temp_store_directory', '/nowhere')",
    "eviction": "UPDATE Settings SET value = 'least-recently-used' WHERE key = 'eviction_policy'",
    "size limit": "UPDATE Settings SET value = 1 WHERE key = 'size_limit'",
    "write-ahead log": "UPDATE Settings SET value = 'wal' WHERE key = 'sqlite_journal_mode'",
    "trigger": "CREATE TRIGGER t AFTER INSERT ON Cache BEGIN DELETE FROM Cache; END",
    "view": "CREATE VIEW v AS SELECT 1",
    "no table": "DROP TABLE Cache",
    "no settings": "DROP TABLE Settings",
    "wal mode": "PRAGMA journal_mode = wal",
}
