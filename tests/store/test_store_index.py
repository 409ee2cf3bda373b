"""The index can be deleted, garbage or hostile: nothing is run, nothing else is read or removed, nothing is lost.

Planted rows and settings: tests/robustness/stress/planted.py. Deleted, or garbage: tests/robustness/stress/many.py.
"""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest
from store_planted import CHANGED, ENTRIES, JOURNAL_MAGIC, MISSING, check, fill, other_record, sql
from store_tools import address, same, tensors

from entrack.store import DiskStore, collect, fs, verify
from entrack.store.index_disk import ForeignRow, IndexDisk


@pytest.fixture
def filled(folder: Path) -> Path:
    return fill(folder)


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


def test_an_index_that_fails_later(filled: Path) -> None:
    with DiskStore(filled) as store:
        store.put(address(6), tensors(6), {})
        (filled / "index/cache.db").write_bytes(os.urandom(20_000))
        store.put(address(7), tensors(7), {})
        assert not store.index.usable
        assert all(same(store.load(address(number)), tensors(number)) for number in (0, 1, 6, 7))
    check(filled)


def test_an_index_that_disappears(filled: Path) -> None:
    with DiskStore(filled) as store:
        store.put(address(6), tensors(6), {})
        shutil.rmtree(filled / "index")
        store.put(address(7), tensors(7), {})
        assert all(same(store.load(address(number)), tensors(number)) for number in (0, 6, 7))
    check(filled)


def test_rows_that_cannot_be_removed_take_the_index_with_them(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row of an action that is gone, or is another now, never stays: that would be a difference nobody made."""

    def full(_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with DiskStore(filled) as store, monkeypatch.context() as patch:
        patch.setattr(fs, "index_write", full)
        collect(store, {address(0)})
    assert not (filled / "index").exists() and verify(store).whole
    with DiskStore(filled) as store, monkeypatch.context() as patch:
        store.put(address(1), tensors(1), {"made": "now"})
        patch.setattr(fs, "index_write", full)
        store.put(address(1), tensors(1), {"made": "later"})
    assert verify(store).whole
    check(fill(filled))


def test_rebuilding_on_request(filled: Path) -> None:
    with DiskStore(filled) as store:
        sql(filled, ("DELETE FROM Cache", ()))
        assert verify(store).unindexed == ENTRIES and verify(store).whole
        assert store.index.rebuild()
        assert verify(store).unindexed == 0 and verify(store).whole


@pytest.mark.parametrize("kind", [*CHANGED, *MISSING])
def test_a_changed_row_changes_no_number(filled: Path, kind: str) -> None:
    sql(filled, {**CHANGED, **MISSING}[kind](filled))
    with DiskStore(filled, on_damage=lambda wrong: pytest.fail(wrong.message)) as store:
        before = verify(store)
        assert {wrong.kind for wrong in before.damage} == ({"index row"} if kind in CHANGED else set())
        assert all(
            "delete the folder" in wrong.message and str(filled / "index") in wrong.message for wrong in before.damage
        )
        assert bool(before.unindexed) == (kind in MISSING)
        assert all(same(store.load(address(number)), tensors(number)) for number in range(ENTRIES))
        assert store.find(address(99)) is None and list(store.addresses()) == sorted(map(address, range(ENTRIES)))
        assert collect(store, set(map(address, range(ENTRIES)))).kept == ENTRIES
        assert verify(store).whole, "collecting makes it again"
    shutil.rmtree(filled / "index")
    assert verify(DiskStore(filled)).whole
    check(filled)


def test_an_action_file_that_was_exchanged_is_seen(filled: Path) -> None:
    """It carries its own digest, so nothing but the index can tell."""
    path = filled / "actions" / address(0)[:2] / f"{address(0)}.json"
    record = other_record(filled)
    path.chmod(0o644)
    path.write_bytes(record)
    assert [(wrong.kind, wrong.address) for wrong in verify(DiskStore(filled)).damage] == [("index row", address(0))]


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
