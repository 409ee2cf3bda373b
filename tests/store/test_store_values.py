"""Values that are whole and not what they should be, as whoever knows says; and notes that go too deep."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from store_tools import address, same, tensors

from entrack.store import JSON, Action, Damage, DiskStore, MemoryStore
from entrack.store.action_codec import VERSION, decode
from entrack.store.base import MOST_LEVELS, json_bytes

WHY = "`top` is missing"


def test_an_entry_is_put_aside_and_others_with_its_bytes_stay(tmp_path: Path) -> None:
    damage: list[Damage] = []
    with DiskStore(tmp_path / "s", on_damage=damage.append) as store:
        action, other = store.put(address(1), tensors(1), {}), store.put(address(2), tensors(1), {})
        store.quarantine(action, WHY)
        assert store.find(address(1)) is None and store.load(address(1)) is None
        assert same(store.load(other), tensors(1))
        store.quarantine(action, WHY)  # it is there no more: nothing is left to move
        assert same(store.load(store.put(address(1), tensors(2), {})), tensors(2))
    assert [found.kind for found in damage] == ["value", "value"]
    assert (damage[0].address, damage[0].object, damage[0].why) == (address(1), action.object, WHY)
    assert WHY in damage[0].message and address(1) in damage[0].message
    assert damage[0].moved_to is not None and Path(damage[0].moved_to).parent == tmp_path / "s" / "quarantine"


def test_what_another_process_has_just_put_right_stays(tmp_path: Path) -> None:
    damage: list[Damage] = []
    with DiskStore(tmp_path / "s", on_damage=damage.append) as store, DiskStore(tmp_path / "s") as other:
        wrong = store.put(address(1), tensors(1), {})
        right = other.put(address(1), tensors(2), {})
        store.quarantine(wrong, WHY)
        assert store.find(address(1)) == right and damage == []


def test_a_store_that_is_only_read_says_it_and_leaves_it(tmp_path: Path) -> None:
    with DiskStore(tmp_path / "s") as store:
        action = store.put(address(1), tensors(1), {})
    before = {path: path.read_bytes() for path in (tmp_path / "s").rglob("*") if path.is_file()}
    damage: list[Damage] = []
    with DiskStore(tmp_path / "s", on_damage=damage.append, read_only=True) as store:
        store.quarantine(action, WHY)
        assert store.find(address(1)) == action
    assert [(found.kind, found.moved_to) for found in damage] == [("value", None)]
    assert {path: path.read_bytes() for path in (tmp_path / "s").rglob("*") if path.is_file()} == before


def test_in_memory() -> None:
    damage: list[Damage] = []
    store = MemoryStore(on_damage=damage.append)
    action, other = store.put(address(1), tensors(1), {}), store.put(address(2), tensors(1), {})
    store.quarantine(action, WHY)
    assert store.find(address(1)) is None and same(store.load(other), tensors(1))
    assert [(found.kind, found.address, found.why) for found in damage] == [("value", address(1), WHY)]
    store.put(address(1), tensors(2), {})
    store.quarantine(action, WHY)
    assert store.find(address(1)) is not None and len(damage) == 1


def nested(levels: int) -> JSON:
    value: JSON = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("levels", "fine"), [(1, True), (MOST_LEVELS - 1, True), (MOST_LEVELS, False), (500, False), (20_000, False)]
)
def test_a_note_that_goes_too_deep_is_no_record(levels: int, fine: bool) -> None:
    text = b"[" * levels + b"1" + b"]" * levels
    body = b'{"address":"%s","how":{"a":%s},"object":"%s","size":1,"version":%d}' % (
        address(1).encode(),
        text,
        address(2).encode(),
        VERSION,
    )
    check = hashlib.sha256(body).hexdigest().encode()
    data = body.replace(b'"how"', b'"check":"%s","how"' % check, 1)
    if fine:
        assert decode(data, address(1)) == Action(address(1), address(2), 1, {"a": nested(levels)})
        assert json_bytes({"a": nested(levels)})
    else:
        with pytest.raises(ValueError, match="not an action record"):
            decode(data, address(1))
