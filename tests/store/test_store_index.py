"""The index can be deleted, garbage or hostile: nothing is run, nothing else is read or removed, nothing is lost."""

from __future__ import annotations

import os
import pickle
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from store_tools import address, same, tensors

from entrack.store import Damage, DiskStore, doctor, trusted
from entrack.store.index_disk import ForeignRow, IndexDisk

JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")


class Canary:
    """Leaves a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., int], tuple[str, int]]:
        return os.open, (str(self.path), os.O_CREAT | os.O_WRONLY)


@pytest.fixture
def filled(folder: Path) -> Path:
    with DiskStore(folder) as store:
        for number in range(5):
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
            assert all(same(store.load(address(number)), tensors(number)) for number in range(5))
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


@pytest.mark.parametrize("kind", ROWS)
def test_a_planted_row(filled: Path, tmp_path: Path, kind: str) -> None:
    canary, victim = tmp_path / "canary", tmp_path / "victim"
    victim.write_bytes(pickle.dumps(Canary(canary)))
    statement, values = ROWS[kind]
    sql(
        filled,
        ("DELETE FROM Cache WHERE key <> ?", (address(0),)),
        (statement, values(victim.read_bytes(), str(victim))),
    )
    check(filled)
    assert victim.exists() and not canary.exists()


@pytest.mark.parametrize("kind", SCHEMA)
def test_a_planted_schema_or_setting_is_not_opened(filled: Path, damage: list[Damage], kind: str) -> None:
    sql(filled, (SCHEMA[kind], ()))
    assert not trusted.is_ours(str(filled / "index"))
    check(filled, damage)
    assert [wrong.kind for wrong in damage] == ["index"]


def test_a_journal_that_names_a_file_to_be_removed(filled: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    name = str(victim).encode()
    end = b"\0\0\0\1" + name + len(name).to_bytes(4, "big") + sum(name).to_bytes(4, "big") + JOURNAL_MAGIC
    (filled / "index/cache.db-journal").write_bytes(JOURNAL_MAGIC + bytes(504) + end)
    check(filled)
    assert victim.exists()


@pytest.mark.parametrize("kind", ["file", "folder", "hard link", "not a folder"])
def test_an_index_that_is_elsewhere_is_not_followed(filled: Path, tmp_path: Path, kind: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.move(filled / "index", elsewhere)
    if kind == "folder":
        (filled / "index").symlink_to(elsewhere)
    elif kind == "not a folder":
        (filled / "index").write_text("?")
    else:
        (filled / "index").mkdir()
        link = os.symlink if kind == "file" else os.link
        link(elsewhere / "cache.db", filled / "index/cache.db")
    before = (elsewhere / "cache.db").read_bytes()
    check(filled)
    assert (elsewhere / "cache.db").read_bytes() == before


@pytest.mark.parametrize("garbage", [b"", b"garbage", b"SQLite format 3\0" + b"\1" * 99, bytes(4096)])
def test_garbage_is_moved_aside_and_rebuilt(filled: Path, damage: list[Damage], garbage: bytes) -> None:
    (filled / "index/cache.db").write_bytes(garbage)
    check(filled, damage)
    assert [wrong.kind for wrong in damage] == ["index"]
    with closing(sqlite3.connect(filled / "index/cache.db")) as database:
        assert database.execute("SELECT count(*) FROM Cache").fetchone() == (5,)


def test_a_deleted_index_is_rebuilt(filled: Path) -> None:
    shutil.rmtree(filled / "index")
    check(filled)


def test_an_index_that_fails_later(filled: Path) -> None:
    with DiskStore(filled) as store:
        assert store.find(address(0))
        (filled / "index/cache.db").write_bytes(os.urandom(20_000))
        for number in range(5):
            assert same(store.load(address(number)), tensors(number))
        store.put(address(7), tensors(7), {})
        assert not store.index.usable
        assert same(store.load(address(7)), tensors(7))
    check(filled)


def test_an_index_that_disappears(filled: Path) -> None:
    with DiskStore(filled) as store:
        assert store.find(address(0))
        shutil.rmtree(filled / "index")
        store.put(address(7), tensors(7), {})
        assert same(store.load(address(7)), tensors(7))
    check(filled)


def test_rebuilding_on_request(filled: Path) -> None:
    with DiskStore(filled) as store:
        sql(filled, ("DELETE FROM Cache", ()))
        assert store.index.rebuild()
        assert store.index.get(address(3)) is not None


def test_a_path_that_diskcache_would_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENTRACK_CANARY", str(tmp_path / "elsewhere"))
    with DiskStore(tmp_path / "$ENTRACK_CANARY") as store:
        store.put(address(1), tensors(1), {})
        assert same(store.load(address(1)), tensors(1))
    assert not (tmp_path / "elsewhere").exists()


def test_the_disk_class_has_no_way_to_pickle_or_files() -> None:
    disk = IndexDisk("unused")
    for refused in (
        lambda: disk.get(b"key", 0),
        lambda: disk.fetch(4, None, b"", False),
        lambda: disk.fetch(1, "name", None, False),
        lambda: disk.fetch(1, None, b"", True),
        lambda: disk.filename(),
    ):
        with pytest.raises(ForeignRow):
            refused()
    with pytest.raises(TypeError):
        disk.store({"not": "bytes"}, False)
    with pytest.raises(ValueError, match="address"):
        disk.put(("a", "tuple"))
