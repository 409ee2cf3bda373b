"""The index can be deleted, garbage or hostile: nothing is run, nothing else is read or removed, nothing is lost.

Planted rows and settings: tests/torture/planted.py. Deleted, or garbage: tests/torture/many.py.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from store_planted import JOURNAL_MAGIC, check, fill, sql
from store_tools import address, same, tensors

from entrack.store import DiskStore
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
