"""Opening: what it refuses, what it leaves alone, what it imports. How long it takes:
tests/robustness/stress/many.py."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from store_tools import ROOT, address, same, tensors

from entrack.store import (
    DiskStore,
    StoreTooNew,
    StoreTooOld,
    StoreUnreadable,
    collect,
    doctor,
    verify,
)


def test_looking_creates_nothing(folder: Path) -> None:
    store = DiskStore(folder)
    assert store.find(address(1)) is None and store.load(address(1)) is None
    assert list(store.addresses()) == [] and store.stats().entries == 0
    assert verify(store).whole and collect(store, set()).kept == 0
    assert doctor(folder)[0].good
    assert not folder.exists()


def test_the_first_write_makes_a_store(folder: Path) -> None:
    store = DiskStore(folder / "deep" / "er")
    action = store.put(address(1), tensors(1), {})
    root = folder / "deep" / "er"
    assert (root / "format.json").read_text() == '{"entrack_store":2}\n'
    assert (root / "CACHEDIR.TAG").read_bytes().startswith(b"Signature: 8a477f597d28d172789f06886806bc55")
    assert (root / "objects" / action.object[:2] / action.object).stat().st_mode & 0o777 == 0o444


def test_a_store_can_be_moved(folder: Path, store: DiskStore) -> None:
    store.put(address(1), tensors(1), {})
    store.close()
    moved = folder.rename(folder.with_name("moved è $HOME"))
    assert same(DiskStore(moved).load(address(1)), tensors(1))


def test_a_later_version_is_refused(folder: Path, store: DiskStore) -> None:
    store.put(address(1), tensors(1), {})
    (folder / "format.json").write_text('{"entrack_store": 3}')
    with pytest.raises(StoreTooNew, match="newer entrack"):
        DiskStore(folder)
    assert not doctor(folder)[0].good


def test_an_earlier_version_is_refused_and_left_as_it_is(folder: Path, store: DiskStore) -> None:
    store.put(address(1), tensors(1), {})
    store.close()
    (folder / "format.json").write_text('{"entrack_store":1}\n')
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    ways: tuple[dict[str, Any], ...] = ({}, {"read_only": True}, {"inspect": True})
    for options in ways:
        with pytest.raises(StoreTooOld, match=r"an earlier entrack made it; .* choose another folder"):
            DiskStore(folder, **options)
    with pytest.raises(StoreTooOld):  # which was opened before an earlier entrack put its store there
        store.put(address(2), tensors(2), {})
    assert "format 1" in doctor(folder)[0].advice and not doctor(folder)[0].good
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"entrack_store": "1"}', '{"entrack_store": 0}', "[" * 4000])
def test_a_damaged_format_is_refused_with_advice(folder: Path, store: DiskStore, text: str) -> None:
    store.put(address(1), tensors(1), {})
    (folder / "format.json").write_text(text)
    with pytest.raises(StoreUnreadable, match="delete that one file"):
        DiskStore(folder)
    (folder / "format.json").unlink()
    again = DiskStore(folder)
    assert same(again.load(address(1)), tensors(1))
    again.put(address(2), tensors(2), {})
    assert (folder / "format.json").exists()


def test_a_file_is_not_a_store(folder: Path) -> None:
    folder.write_text("?")
    with pytest.raises(StoreUnreadable, match="folder"):
        DiskStore(folder)


def test_a_folder_with_other_things_is_left_alone(folder: Path) -> None:
    folder.mkdir()
    (folder / "thesis.tex").write_text("?")
    with pytest.raises(StoreUnreadable, match="empty folder"):
        DiskStore(folder).put(address(1), tensors(1), {})
    assert os.listdir(folder) == ["thesis.tex"]


@pytest.mark.parametrize("part", ["objects", "actions"])
def test_a_link_out_of_the_store_is_not_followed(folder: Path, store: DiskStore, tmp_path: Path, part: str) -> None:
    store.put(address(1), tensors(1), {})
    (folder / part).rename(tmp_path / "elsewhere")
    (folder / part).symlink_to(tmp_path / "elsewhere")
    store.index.close()
    (folder / "index/cache.db").unlink()
    with pytest.raises(StoreUnreadable, match="link"):
        DiskStore(folder, on_damage=lambda _: None).load(address(1))
    with pytest.raises(StoreUnreadable, match="link"):
        store.put(address(2), tensors(2), {})


def test_importing_is_light() -> None:
    heavy = "numpy diskcache safetensors filelock torch pickle"
    code = f"import sys, entrack.store; sys.exit(' '.join(m for m in '{heavy}'.split() if m in sys.modules) or 0)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_nothing_but_files_touches_the_disk() -> None:
    for path in sorted((ROOT / "entrack/store").glob("*.py")):
        text = path.read_text()
        assert "import pickle" not in text and "import torch" not in text
        if path.name not in ("fs.py", "doctor.py", "index_validation.py"):
            assert not any(f"os.{call}(" in text for call in ("open", "replace", "unlink", "mkdir", "rename", "remove"))
