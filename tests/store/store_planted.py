"""What a stranger may have put into an index: rows that say they are pickles, files to read or remove, settings,
triggers, and other records."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from attrs import evolve
from store_tools import address, same, tensors

from entrack.store import Action, Damage, DiskStore, action_codec, doctor

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


def other_record(folder: Path) -> bytes:
    """A sound record for the address of entry 0, of the object of entry 1: what gave other numbers when rows were
    believed."""
    with DiskStore(folder) as store:
        one, two = (store.find(address(number)) for number in (0, 1))
    assert one is not None and two is not None
    return action_codec.encode(Action(one.address, two.object, two.size, one.how))


def _record(change: Callable[[Action], Action]) -> Callable[[Path], tuple[str, tuple[object, ...]]]:
    def statement(folder: Path) -> tuple[str, tuple[object, ...]]:
        with DiskStore(folder) as store:
            action = store.find(address(0))
        assert action is not None
        return f"UPDATE Cache SET value = ? WHERE key = '{address(0)}'", (action_codec.encode(change(action)),)

    return statement


def _sql(statement: str, *values: object) -> Callable[[Path], tuple[str, tuple[object, ...]]]:
    return lambda _: (statement.replace("ONE", f"'{address(0)}'").replace("TWO", f"'{address(1)}'"), values)


_REST = "raw, store_time, expire_time, access_time, access_count, tag, size, mode, filename, value"
CHANGED: dict[str, Callable[[Path], tuple[str, tuple[object, ...]]]] = {
    "object of another": lambda folder: (
        f"UPDATE Cache SET value = ? WHERE key = '{address(0)}'",
        (other_record(folder),),
    ),
    "object of nobody": _record(lambda action: evolve(action, object=address("nobody"))),
    "size": _record(lambda action: evolve(action, size=action.size + 1)),
    "how": _record(lambda action: evolve(action, how={"device": "another"})),
    "address": _record(lambda action: evolve(action, address=address(2))),
    "key": _sql("UPDATE Cache SET key = ? WHERE key = ONE", address("nobody")),
    "key that is no address": _sql("UPDATE Cache SET key = 'me' WHERE key = ONE"),
    "key of bytes": _sql("UPDATE Cache SET key = CAST(key AS BLOB) WHERE key = ONE"),
    "raw": _sql("UPDATE Cache SET raw = 0 WHERE key = ONE"),
    "store_time": _sql("UPDATE Cache SET store_time = 'now' WHERE key = ONE"),
    "expire_time": _sql("UPDATE Cache SET expire_time = 1 WHERE key = ONE"),
    "access_time": _sql("UPDATE Cache SET access_time = NULL WHERE key = ONE"),
    "access_count": _sql("UPDATE Cache SET access_count = 7 WHERE key = ONE"),
    "tag": _sql("UPDATE Cache SET tag = 'x' WHERE key = ONE"),
    "size of the row": _sql("UPDATE Cache SET size = 7 WHERE key = ONE"),
    "mode": _sql("UPDATE Cache SET mode = 4 WHERE key = ONE"),
    "filename": _sql("UPDATE Cache SET filename = 'x' WHERE key = ONE"),
    "value": _sql("UPDATE Cache SET value = 'text' WHERE key = ONE"),
    "large": _sql("UPDATE Cache SET value = zeroblob(9000000) WHERE key = ONE"),
    "swapped": _sql(
        "UPDATE Cache SET value = (SELECT value FROM Cache AS c WHERE c.key IN (ONE, TWO) AND c.key <> "
        "Cache.key) WHERE key IN (ONE, TWO)"
    ),
    "an address without an action": _sql(
        f"INSERT INTO Cache SELECT NULL, ?, {_REST} FROM Cache WHERE key = ONE", address(99)
    ),
}
"""Changes of one row, or two, each of which `verify` must see. Of the times only that they are times can be told."""
MISSING = {"a row missing": _sql("DELETE FROM Cache WHERE key = ONE"), "all rows missing": _sql("DELETE FROM Cache")}
"""What killed writers leave: no damage."""
