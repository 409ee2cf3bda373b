"""Indexes in which a stranger has planted something: no planted code is run, no file of ours is removed, every entry
is found."""

from __future__ import annotations

import pickle
import random
import shutil
from pathlib import Path

from store_planted import CHANGED, ENTRIES, MISSING, ROWS, SCHEMA, Canary, check, fill, sql
from store_tools import address

from entrack.store import Damage, DiskStore, index_validation, verify
from entrack.store.layout import Layout
from stress.tried import Tally, Tried


def in_the_index(count: int, seed: int, folder: Path) -> Tried:
    """`count` times each planted row, in a row chosen by chance, each planted setting or piece of a schema, and each
    other record."""
    tally, chance, clean, executed = Tally(), random.Random(seed), fill(folder / "clean"), 0
    canary, victim = folder / "canary", folder / "victim"
    victim.write_bytes(pickle.dumps(Canary(canary)))
    for number in range(count):
        for kind in (*ROWS, *SCHEMA, *CHANGED, *MISSING):
            place = folder / "cache"
            shutil.copytree(clean, place)
            with tally.case(f"{kind}, {number} of seed {seed}"):
                try:
                    plant(place, kind, chance.randrange(ENTRIES), victim)
                finally:
                    executed += canary.exists()
                    canary.unlink(missing_ok=True)
                assert victim.exists(), "a file was removed"
            shutil.rmtree(place)
    with tally.case("executions", cases=0):
        assert executed == 0, f"{executed} executions"
    tally.notes.append(f"{executed} executions")
    return tally.tried


def plant(folder: Path, kind: str, row: int, victim: Path) -> None:
    if kind in ROWS:
        plant_a_row(folder, kind, row, victim)
    elif kind in SCHEMA:
        plant_a_setting(folder, kind)
    else:
        plant_another_record(folder, kind)


def plant_another_record(folder: Path, kind: str) -> None:
    """It changes no value, and is seen where the index is held against the entries."""
    sql(folder, {**CHANGED, **MISSING}[kind](folder))
    with DiskStore(folder) as store:
        assert {wrong.kind for wrong in verify(store).damage} == ({"index row"} if kind in CHANGED else set())
    check(folder)


def plant_a_row(folder: Path, kind: str, row: int, victim: Path) -> None:
    statement, values = ROWS[kind]
    only = ("DELETE FROM Cache WHERE key <> ?", (address(row),))
    sql(folder, only, (statement, values(victim.read_bytes(), str(victim))))
    check(folder)


def plant_a_setting(folder: Path, kind: str) -> None:
    """A database with it is not opened at all."""
    damage: list[Damage] = []
    sql(folder, (SCHEMA[kind], ()))
    assert not index_validation.is_ours(Layout(str(folder)).index)
    check(folder, damage)
    assert [wrong.kind for wrong in damage] == ["index"]
