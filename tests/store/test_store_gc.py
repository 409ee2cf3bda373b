"""Garbage collection keeps what it is told to keep, removes the oldest first, and cleans up after the dead."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_tools import COUNT, address, same, tensors

from entrack.store import Action, Damage, DiskStore, collect, read, verify
from entrack.store.layout import Layout


def filled(store: DiskStore, numbers: range) -> list[str]:
    """Entries, made an hour apart."""
    for number in numbers:
        store.put(address(number), tensors(number), {})
        os.utime(store.layout.action(address(number)), (number * 3600, number * 3600))
    return [address(number) for number in numbers]


def test_roots_are_kept(store: DiskStore) -> None:
    made = filled(store, range(6))
    report = collect(store, {made[1], made[4]})
    assert report.kept == 2 and list(store.addresses()) == sorted([made[1], made[4]])
    assert same(store.load(made[1]), tensors(1)) and store.find(made[0]) is None
    assert report.kept_bytes == store.stats().bytes
    after = verify(store)
    assert after.whole and not after.orphans


def test_a_dry_run_says_the_same_and_does_nothing(folder: Path, store: DiskStore) -> None:
    made = filled(store, range(4))
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    said = collect(store, {made[0]}, dry_run=True)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    done = collect(store, {made[0]})
    assert (said.actions, said.objects, said.freed_bytes) == (done.actions, done.objects, done.freed_bytes)


def test_a_size_removes_the_oldest(store: DiskStore) -> None:
    made = filled(store, range(7, 12))
    newest = sum(action.size for address in made[3:] if (action := store.find(address)))
    assert collect(store, set(), max_size=newest).kept == 2
    assert list(store.addresses()) == sorted(made[3:])
    assert collect(store, set(), max_size=1 << 40).actions == ()


def test_a_root_is_kept_whatever_the_size(store: DiskStore) -> None:
    made = filled(store, range(3))
    assert collect(store, {made[0]}, max_size=0).kept == 1
    assert list(store.addresses()) == [made[0]]


def test_an_object_in_use_elsewhere_stays(store: DiskStore) -> None:
    for number in range(2):
        store.put(address(number), {"x": np.zeros(9)}, {})
    report = collect(store, {address(1)})
    assert report.actions == (address(0),) and report.objects == () and report.freed_bytes == 0
    assert store.load(address(1)) is not None


@given(st.sets(st.integers(0, 9)), st.integers(0, 2000) | st.none())
@settings(max_examples=COUNT, deadline=None)
def test_whatever_is_kept_is_whole(keep: set[int], max_size: int | None) -> None:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder, DiskStore(folder) as store:
        made = filled(store, range(10))
        report = collect(store, {made[number] for number in keep}, max_size)
        assert all(same(store.load(made[number]), tensors(number)) for number in keep)
        assert set(store.addresses()) | set(report.actions) == set(made)
        assert verify(store).whole and not verify(store).orphans
        assert max_size is None or report.kept == len(keep) or report.kept_bytes <= max_size


def test_what_the_dead_left_is_removed(folder: Path, store: DiskStore, damage: list[Damage]) -> None:
    made = filled(store, range(3))
    leftovers = [folder / ".tmp-1-a", Path(store.layout.object(made[0])).parent / ".tmp-2-b"]
    leftovers[1].parent.mkdir(exist_ok=True)
    for path in leftovers:
        path.write_text("half")
    Path(store.layout.action(made[1])).unlink()
    Path(store.layout.object(getattr(store.find(made[2]), "object", ""))).unlink()
    assert len(verify(store).orphans) == 1 and len(verify(store).temporaries) == 2
    report = collect(store, set(made))
    assert report.actions == (made[2],) and len(report.objects) == 1 and len(report.temporaries) == 2
    after = verify(store)
    assert (after.damage, after.orphans, after.temporaries) == ((), (), ())


def test_a_damaged_action_is_put_aside_and_said(store: DiskStore, damage: list[Damage]) -> None:
    made = filled(store, range(2))
    path = Path(store.layout.action(made[0]))
    path.unlink()
    path.write_text("?")
    assert not collect(store, set(made), dry_run=True).dry_run or path.exists()
    collect(store, set(made))
    assert [wrong.address for wrong in damage] == [made[0]] and not path.exists()
    assert verify(store).whole


def test_collecting_meanwhile_is_no_damage(store: DiskStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """`verify` has read the actions, and finds their objects collected, actions and all."""
    made, real = filled(store, range(3)), read.read_object

    def late(layout: Layout, action: Action) -> bytes | Damage | None:
        collect(store, {made[0]})
        return real(layout, action)

    monkeypatch.setattr(read, "read_object", late)
    assert verify(store).whole
