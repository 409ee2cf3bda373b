"""Indexes in which a stranger has planted something: no planted code is run, no file of ours is removed, every entry is found."""

from __future__ import annotations

import pickle
import random
import shutil
from pathlib import Path

from store_planted import ENTRIES, ROWS, SCHEMA, Canary, check, fill, sql
from store_tools import address

from entrack.store import Damage, trusted
from torture.tried import Tally, Tried


def in_the_index(count: int, seed: int, folder: Path) -> Tried:
    """`count` times each planted row, in a row chosen by chance, and each planted setting or piece of a schema."""
    tally, chance, clean, executed = Tally(), random.Random(seed), fill(folder / "clean"), 0
    canary, victim = folder / "canary", folder / "victim"
    victim.write_bytes(pickle.dumps(Canary(canary)))
    for number in range(count):
        for kind in (*ROWS, *SCHEMA):
            place = folder / "cache"
            shutil.copytree(clean, place)
            with tally.case(f"{kind}, {number} of seed {seed}"):
                try:
                    plant_a_row(place, kind, chance.randrange(ENTRIES), victim) if kind in ROWS else plant_a_setting(place, kind)
                finally:
                    executed += canary.exists()
                    canary.unlink(missing_ok=True)
                assert victim.exists(), "a file was removed"
            shutil.rmtree(place)
    with tally.case("executions", cases=0):
        assert executed == 0, f"{executed} executions"
    tally.notes.append(f"{executed} executions")
    return tally.tried


def plant_a_row(folder: Path, kind: str, row: int, victim: Path) -> None:
    statement, values = ROWS[kind]
    only = ("DELETE FROM Cache WHERE key <> ?", (address(row),))
    sql(folder, only, (statement, values(victim.read_bytes(), str(victim))))
    check(folder)


def plant_a_setting(folder: Path, kind: str) -> None:
    """A database with it is not opened at all."""
    damage: list[Damage] = []
    sql(folder, (SCHEMA[kind], ()))
    assert not trusted.is_ours(str(folder / "index"))
    check(folder, damage)
    assert [wrong.kind for wrong in damage] == ["index"]
