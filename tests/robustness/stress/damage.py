"""Damage of every kind to an entry of a full store: it is found and named, the entry is computed again, and the
results are what they were."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

from store_damage import ACTION, GONE, HARMLESS, OBJECT, Harm, flipped, rewritten

from entrack.store import Damage, DiskStore, verify
from stress.tried import Tally, Tried
from stress.walks import Study


def of_every_kind(count: int, seed: int, folder: Path) -> Tried:
    """`count` times each kind of damage, to an entry chosen by chance."""
    tally, chance, study, full = Tally(), random.Random(seed), Study.made(folder), folder / "full"
    with DiskStore(full) as store:
        study.run(store)
    for number in range(count):
        for kind, harm in {**_anywhere(chance), **OBJECT, **ACTION, **GONE, **HARMLESS}.items():
            place = folder / "harmed"
            shutil.copytree(full, place)
            with tally.case(f"{kind}, {number} of seed {seed}"):
                wrong = _harm(place, harm, chance)
                _check(study, place, kind, wrong)
            shutil.rmtree(place)
    tally.notes.append(f"{tally.cases // max(1, count)} kinds")
    return tally.tried


def _anywhere(chance: random.Random) -> dict[str, Harm]:
    """Damage at a place chosen by chance."""
    return {
        "a bit of an object": lambda o, a, b: flipped(o, chance.randrange(o.stat().st_size)),
        "an object cut short": lambda o, a, b: rewritten(o, o.read_bytes()[: chance.randrange(o.stat().st_size)]),
        "a bit of an action": lambda o, a, b: flipped(a, chance.randrange(a.stat().st_size)),
        "an action cut short": lambda o, a, b: rewritten(a, a.read_bytes()[: chance.randrange(a.stat().st_size)]),
    }


def _harm(folder: Path, harm: Harm, chance: random.Random) -> str:
    """Harm one entry. -> its address"""
    with DiskStore(folder) as store:
        one, two = (store.find(address) for address in chance.sample(sorted(store.addresses()), 2))
        assert one and two
        harm(
            Path(store.layout.object(one.object)),
            Path(store.layout.action(one.address)),
            Path(store.layout.object(two.object)),
        )
    return one.address


def _check(study: Study, folder: Path, kind: str, wrong: str) -> None:
    damage: list[Damage] = []
    with DiskStore(folder, on_damage=damage.append) as store:
        computed = study.run(store)
        assert study.is_in(store), "the results are not what they were"
        report = verify(store)
        assert all(found.kind == "index" for found in report.damage)  # nothing was written, so it is not made again yet
        assert report.actions == len(study.expected)
    of_entries = [found for found in damage if found.kind != "index"]
    if kind in HARMLESS:
        assert computed == 0 and not of_entries, damage
        return
    assert computed >= 1
    assert all(found.address and found.address in found.message for found in of_entries)
    if kind not in GONE:
        assert wrong in {found.address for found in of_entries}, "not said"
        assert all(found.moved_to and (folder / "quarantine") in Path(found.moved_to).parents for found in of_entries)
