"""A link in every place of a store: nothing outside the store is changed, whatever is done with it; who only looks
changes nothing at all.

The same with every command: tests/robustness/stress/links.py.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from store_links import World, linked, places, seen
from store_tools import address, same, tensors

from entrack.store import Action, DiskStore, StoreError, StoreReadOnly, collect, doctor, verify

ENTRIES = 3


def fill(folder: Path) -> None:
    with DiskStore(folder) as store:
        for number in range(ENTRIES):
            store.put(address(number), tensors(number), {})


def entry(world: World) -> Action:
    action = DiskStore(world.store).find(address(1))
    assert action is not None
    return action


def read(store: DiskStore) -> None:
    """Never another value than was put."""
    for number in range(ENTRIES):
        found = store.load(address(number))
        assert found is None or same(found, tensors(number))


def write(store: DiskStore) -> None:
    for number in range(ENTRIES + 1):
        with store.computing(address(number)):
            store.put(address(number), tensors(number), {"again": number})


def mend(store: DiskStore) -> None:
    read(store)
    write(store)


LOOKS: dict[str, Callable[[DiskStore], object]] = {
    "read": read,
    "list": lambda store: (list(store.addresses()), store.stats()),
    "verify": verify,
    "dry run": lambda store: collect(store, set(), dry_run=True),
    "doctor": lambda store: doctor(store.layout.root),
}
CHANGES: dict[str, Callable[[DiskStore], object]] = {
    "write": write,
    "mend": mend,
    "index": lambda store: store.index.rebuild(),
    "collect": lambda store: collect(store, {address(0)}, wait=0),
    "collect all": lambda store: collect(store, set(), wait=0),
}


def tried(folder: Path, act: Callable[[DiskStore], object], inspect: bool) -> None:
    """What is done, or its named error."""
    try:
        with DiskStore(folder, on_damage=lambda _: None, inspect=inspect) as store:
            act(store)
    except StoreError as error:
        assert str(folder) in str(error)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.made(tmp_path / "world", fill)


@pytest.mark.parametrize("part", range(4))
def test_a_link_in_every_place(world: World, part: int) -> None:
    outside = world.outside()
    for number, name in enumerate(linked(world, places(entry(world))[part::4])):
        before = seen(world.folder)
        for act in LOOKS.values():
            tried(world.store, act, inspect=True)
        assert seen(world.folder) == before, f"{name}: changed by looking"
        ways = list(CHANGES)
        for way in ways[number % len(ways) :] + ways[: number % len(ways)]:
            tried(world.store, CHANGES[way], inspect=False)
        assert world.outside() == outside, name


def test_the_store_itself_may_be_reached_through_a_link(world: World, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(world.store)
    with DiskStore(tmp_path / "link") as store:
        write(store)
        assert same(store.load(address(ENTRIES)), tensors(ENTRIES)) and verify(store).whole
        collect(store, {address(ENTRIES)})
    assert list(DiskStore(world.store).addresses()) == [address(ENTRIES)] and (tmp_path / "link").is_symlink()


def test_a_store_that_is_only_looked_at_says_so(world: World) -> None:
    store = DiskStore(world.store, inspect=True)
    assert store.writable and not store.changeable
    with pytest.raises(StoreReadOnly):
        store.put(address(9), tensors(9), {})
    with pytest.raises(StoreReadOnly):
        collect(store, set())
    with store.computing(address(9)):
        pass


def test_no_system_call_gets_a_path_below_the_store(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every name is relative to an open folder, but for the way to the store's own; SQLite alone opens by path, and
    is not heard here."""
    heard: list[str] = []
    calls = (
        "open",
        "mkdir",
        "replace",
        "unlink",
        "rmdir",
        "stat",
        "lstat",
        "listdir",
        "chmod",
        "truncate",
        "rename",
        "remove",
        "scandir",
        "utime",
    )
    for call in calls:
        monkeypatch.setattr(os, call, _listening(getattr(os, call), call, str(world.store) + "/", heard))
    with DiskStore(world.store) as store:
        for act in (*LOOKS.values(), *CHANGES.values()):
            act(store)
    monkeypatch.undo()
    assert {line for line in heard if "index" not in line} == set()
    assert {line.split()[0] for line in heard} <= {"stat", "lstat"}, heard


def _listening(real: Callable[..., object], call: str, below: str, heard: list[str]) -> Callable[..., object]:
    def listening(*args: object, **kwargs: object) -> object:
        heard.extend(
            f"{call} {arg}" for arg in args if isinstance(arg, str | os.PathLike) and str(arg).startswith(below)
        )
        return real(*args, **kwargs)

    return listening
