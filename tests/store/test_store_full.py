"""A store that is only read: a named error, nothing partial, and the next run goes on. Full disks, and real ones:
tests/robustness/stress/disks.py."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

import pytest
from store_tools import Shim, address, read_only, same, tensors
from stress.disks import put_some

from entrack.store import DiskStore, StoreReadOnly, StoreUnreadable, collect, fs, verify


def test_a_file_system_that_is_read_only(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_some(folder)
    before = sorted(folder.rglob("*"))
    monkeypatch.setattr(fs, "writable", lambda _: False)
    monkeypatch.setattr(fs, "index_write", lambda _: pytest.fail("the index was written"))
    store, since = DiskStore(folder), time.monotonic()
    assert same(store.load(address(1)), tensors(1))
    assert store.find(address(9)) is None
    with store.computing(address(9)):
        pass
    with pytest.raises(StoreReadOnly, match="another folder"):
        store.put(address(9), tensors(9), {})
    with pytest.raises(StoreReadOnly):
        collect(store, set())
    assert collect(store, set(), dry_run=True).kept == 0
    assert verify(store).whole
    assert sorted(folder.rglob("*")) == before
    assert time.monotonic() - since < 1


def test_a_file_system_that_turns_read_only(folder: Path) -> None:
    put_some(folder)
    for at in range(1, 12):
        with pytest.MonkeyPatch.context() as patch, DiskStore(folder) as store:
            Shim(patch, at, read_only)
            assert same(store.load(address(1)), tensors(1))
            try:
                store.put(address(1), {**tensors(1), "more": tensors(1)["rank"]}, {})
            except StoreReadOnly as error:
                assert "Read-only" in str(error)
        put_some(folder)
        assert verify(DiskStore(folder)).whole


def test_a_store_opened_for_reading(folder: Path) -> None:
    put_some(folder)
    store = DiskStore(folder, read_only=True)
    assert same(store.load(address(1)), tensors(1))
    with pytest.raises(StoreReadOnly):
        store.put(address(9), tensors(9), {})


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_without_permission(folder: Path) -> None:
    put_some(folder)
    folder.chmod(0o555)
    with pytest.raises(StoreReadOnly):
        DiskStore(folder).put(address(9), tensors(9), {})
    assert same(DiskStore(folder).load(address(1)), tensors(1))
    folder.chmod(0)
    with pytest.raises(StoreUnreadable):
        DiskStore(folder)
    folder.chmod(0o755)


def test_a_folder_that_cannot_be_entered(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_some(folder)
    store = DiskStore(folder)

    def denied(name: str, inside: int | None = None) -> int:
        raise PermissionError(13, "Permission denied", name)

    monkeypatch.setattr(fs, "open_folder", denied)
    with pytest.raises(StoreUnreadable, match="owner"):
        store.load(address(0))


def test_interrupted_while_writing(folder: Path) -> None:
    for at in range(1, 40):
        with pytest.MonkeyPatch.context() as patch:
            Shim(patch, at, KeyboardInterrupt)
            with suppress(KeyboardInterrupt):
                put_some(folder)
        assert verify(DiskStore(folder)).whole
    put_some(folder)
    assert not verify(DiskStore(folder)).temporaries
