"""Damage of every kind is seen, put aside and said; a wrong value is never given."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from store_damage import ACTION, GONE, HARMLESS, OBJECT, Harm, flipped
from store_tools import COUNT, address, same, tensors

from entrack.store import Action, Damage, DiskStore, fs, verify


def harmed(folder: Path, harm: Harm) -> Action:
    """A store with two entries, of which the first is harmed."""
    with DiskStore(folder) as store:
        one, two = (store.put(address(number), tensors(number), {"number": number}) for number in (3, 4))
        paths = store.layout.object(one.object), store.layout.action(one.address), store.layout.object(two.object)
        harm(Path(paths[0]), Path(paths[1]), Path(paths[2]))
    return one


@pytest.mark.parametrize("kind", OBJECT)
def test_a_damaged_object(folder: Path, store: DiskStore, damage: list[Damage], kind: str) -> None:
    action = harmed(folder, OBJECT[kind])
    assert not verify(store).whole
    assert store.load(address(3)) is None
    assert [(wrong.address, wrong.object) for wrong in damage] == [(action.address, action.object)]
    assert damage[0].moved_to is not None and os.path.lexists(damage[0].moved_to)
    assert address(3) in damage[0].message
    assert store.find(address(3)) is None
    store.put(address(3), tensors(3), {})
    assert same(store.load(address(3)), tensors(3))


@pytest.mark.parametrize("kind", ACTION)
def test_a_damaged_action(folder: Path, store: DiskStore, damage: list[Damage], kind: str) -> None:
    harmed(folder, ACTION[kind])
    assert [wrong.kind for wrong in verify(store).damage] == [verify(store).damage[0].kind]
    assert store.find(address(3)) is None
    assert [wrong.address for wrong in damage] == [address(3)]
    store.put(address(3), tensors(3), {})
    assert same(store.load(address(3)), tensors(3))


@pytest.mark.parametrize("kind", GONE)
def test_what_is_missing_is_not_damaged(folder: Path, store: DiskStore, damage: list[Damage], kind: str) -> None:
    action = harmed(folder, GONE[kind])
    assert store.find(address(3)) is None and store.load(address(3)) is None
    assert same(store.load(action), tensors(3)) == (kind == "action missing")
    assert not damage


@pytest.mark.parametrize("kind", HARMLESS)
def test_what_does_not_matter(folder: Path, store: DiskStore, kind: str) -> None:
    harmed(folder, HARMLESS[kind])
    assert same(store.load(address(3)), tensors(3))
    assert same(store.load(address(4)), tensors(4))
    store.put(address(5), tensors(5), {})
    assert same(store.load(address(5)), tensors(5))


@pytest.mark.parametrize("kind", [*OBJECT, *ACTION, *GONE, *HARMLESS])
def test_a_store_that_is_only_read_reports_and_changes_nothing(folder: Path, damage: list[Damage], kind: str) -> None:
    harmed(folder, {**OBJECT, **ACTION, **GONE, **HARMLESS}[kind])
    before = sorted(folder.rglob("*"))
    store = DiskStore(folder, on_damage=damage.append, read_only=True)
    found = store.load(address(3))
    assert found is None or same(found, tensors(3))
    assert bool(damage) == (kind in {**OBJECT, **ACTION})
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO])
def test_a_file_that_cannot_be_read(
    store: DiskStore, damage: list[Damage], monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    action, real = store.put(address(3), tensors(3), {}), fs.open_read

    def denied(name: str, inside: int) -> int:
        if name == action.object:
            raise OSError(code, os.strerror(code))
        return real(name, inside)

    monkeypatch.setattr(fs, "open_read", denied)
    assert store.load(action) is None
    assert [wrong.kind for wrong in damage] == ["unreadable"]


def test_whatever_is_done_to_an_object_it_is_seen(folder: Path, store: DiskStore, damage: list[Damage]) -> None:
    for number in range(4 * COUNT):
        action = store.put(address(number), tensors(number), {})
        flipped(Path(store.layout.object(action.object)), number * 7919 % action.size)
        assert store.load(action) is None
        assert len(damage) == number + 1


def test_an_object_with_the_right_digest_that_is_no_tensors(store: DiskStore, damage: list[Damage]) -> None:
    import hashlib

    data = b"right digest, wrong format"
    action = Action(address(1), hashlib.sha256(data).hexdigest(), len(data), {})
    store.put(address(1), tensors(1), {})
    path = Path(store.layout.object(action.object))
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    assert store.load(action) is None
    assert [wrong.kind for wrong in damage] == ["format"]


def test_putting_again_heals_a_damaged_object(store: DiskStore, damage: list[Damage]) -> None:
    action = store.put(address(3), tensors(3), {})
    flipped(Path(store.layout.object(action.object)), 50)
    store.put(address(3), tensors(3), {})
    assert same(store.load(address(3)), tensors(3)) and not damage
