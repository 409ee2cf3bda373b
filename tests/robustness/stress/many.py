"""Many entries: the index made again from the actions, and how long opening, a hit and a look at the garbage take."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from store_tools import address, same, tensors

from entrack.store import Damage, DiskStore, collect, fs, verify
from stress.tried import Tally, Tried

REBUILD_10_000, OPEN, HIT, LOOK_100_000 = 10.0, 0.3, 0.002, 20.0
"""Seconds that are promised."""


def filled(folder: Path, entries: int) -> None:
    """A store of `entries`; not made to last, which takes its time and is tried elsewhere."""
    with pytest.MonkeyPatch.context() as patch, DiskStore(folder) as store:
        patch.setattr(fs, "fsync", lambda fd: None)
        for number in range(entries):
            store.put(address(number), tensors(number), {"entry": number})


WRONG: dict[str, Callable[[Path], object]] = {
    "deleted": lambda index: shutil.rmtree(index),
    "empty": lambda index: (index / "cache.db").write_bytes(b""),
    "garbage": lambda index: (index / "cache.db").write_bytes(os.urandom(100_000)),
    "cut short": lambda index: os.truncate(index / "cache.db", 5000),
    "of another store": lambda index: (index / "cache.db").write_bytes(b"SQLite format 3\0" + b"\1" * 99),
}


def index_rebuilt(count: int, seed: int, folder: Path) -> Tried:
    """A store of `count` entries whose index is deleted or made garbage in turn: all entries are found, and the
    index is made again."""
    tally, chance = Tally(), random.Random(seed)
    most = max(1.0, REBUILD_10_000 * count / 10_000)
    filled(folder / "cache", count)
    for kind, harm in WRONG.items():
        damage: list[Damage] = []
        with tally.case(kind):
            harm(folder / "cache" / "index")
            with DiskStore(folder / "cache", on_damage=damage.append) as store:
                with tally.timed(f"{count} entries, index {kind}: made again in", most):
                    store.put(address(0), tensors(0), {"entry": 0})
                report = verify(store)
                assert report.whole and report.unindexed == 0, "a row is missing"
                some = chance.sample(range(count), min(count, 50))
                assert all(same(store.load(address(number)), tensors(number)) for number in some)
            assert [wrong.kind for wrong in damage] == ["index"] * (kind != "deleted")
    tally.notes = tally.notes[:1]
    return tally.tried


def entries(count: int, seed: int, folder: Path) -> Tried:
    """A store of `count` entries: opened, read in a thousand places, and looked at for garbage."""
    tally, chance = Tally(), random.Random(seed)
    filled(folder / "cache", count)
    read = chance.sample(range(count), min(count, 1000))
    with tally.case(f"{count} entries", cases=count), DiskStore(folder / "cache") as store:
        with tally.timed(f"{count} entries: opened in", OPEN):
            assert store.find(address(0))
        with tally.timed("a hit in", HIT, each=len(read)):
            found = [store.load(address(number)) for number in read]
        assert all(same(value, tensors(number)) for value, number in zip(found, read, strict=True))
        with tally.timed("`gc --dry-run` in", LOOK_100_000 * max(0.05, count / 100_000)):
            report = collect(store, {address(number) for number in read}, dry_run=True)
        assert (report.kept, len(report.actions)) == (len(read), count - len(read))
    return tally.tried
