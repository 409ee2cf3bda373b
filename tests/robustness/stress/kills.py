"""Runs that are killed: at random times, at every file operation in turn, and by a loss of power.

What was told to be kept is there and right; nothing wrong is there; the next run goes on, and ends with the bytes of a
run that nothing disturbed.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from store_damage import flipped
from store_tools import Killed, Power, Shim, address, same, tensors

from entrack.store import Damage, DiskStore, collect, verify
from stress.children import Tell, die, in_a_child
from stress.tried import Tally, Tried
from stress.walks import Study, telling

ENTRIES = 3


def at_random_times(count: int, seed: int, folder: Path) -> Tried:
    """`count` kills of runs with made-up steps: a run is killed, goes on, is killed again, until one of them comes
    to its end."""
    tally, chance, study = Tally(), random.Random(seed), Study.made(folder)
    seconds = _seconds(study, folder / "timed")
    place, stores, finished = folder / "0", 1, 0
    while tally.cases < count:
        ended = in_a_child(lambda tell, place=place: study.run(telling(place, tell)), chance.uniform(0, seconds))  # type: ignore[misc]
        finished += not ended.killed
        with tally.case(f"kill {tally.cases} of seed {seed}", cases=int(ended.killed)):
            assert not ended.trouble, ended.trouble
            check_a_store(study, place, ended.told)
            if not ended.killed:  # it was quicker than its kill
                _check_against_a_clean_run(study, place)
                place, stores = folder / str(stores), stores + 1
    with tally.case("the last store", cases=0):
        _check_against_a_clean_run(study, place)
    tally.notes.append(f"{stores} stores, {finished} runs were quicker than their kill")
    return tally.tried


def check_a_store(study: Study, folder: Path, told: Sequence[str]) -> None:
    """Everything told is there, and whatever is there is what it must be."""
    damage: list[Damage] = []
    with DiskStore(folder, on_damage=damage.append) as store:
        there = {name: action for name in store.addresses() if (action := store.find(name)) is not None}
        assert set(told) <= set(there), "what was told to be kept is gone"
        assert all(study.expected[name] == action.object for name, action in there.items()), "a wrong value"
        assert all(store.load(action) is not None for action in there.values())
        assert verify(store).whole
    assert not damage, damage[0].message


def _check_against_a_clean_run(study: Study, folder: Path) -> None:
    """The run goes on to its end; after garbage collection no byte differs from a store in which nothing was ever
    killed."""
    with DiskStore(folder) as store:
        before = len(list(store.addresses()))
        assert study.run(store) == len(study.expected) - before, "something that was kept was computed again"
        assert study.is_in(store)
        collect(store, set(study.expected))
        report = verify(store)
        assert (report.actions, report.damage, report.orphans, report.temporaries) == (len(study.expected), (), (), ())
    clean = folder.parent / "timed"
    for kind in ("objects", "actions"):
        assert _bytes_below(folder / kind) == _bytes_below(clean / kind)


def _bytes_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _seconds(study: Study, folder: Path) -> float:
    """How long an undisturbed run takes, in a child as the others are; its store is what the others are compared
    with."""
    start = time.perf_counter()
    assert not in_a_child(lambda tell: study.run(telling(folder, tell))).trouble
    return time.perf_counter() - start


# --- at every file operation -------------------------------------------------------------------------------------


def put_all(folder: Path, tell: Callable[[str], object] = str) -> None:
    with DiskStore(folder) as store:
        for number in range(ENTRIES):
            store.put(address(number), tensors(number), {})
            tell(str(number))


def mend(folder: Path, tell: Tell) -> None:
    """Meet a damaged object, put it aside, and make it again."""
    with DiskStore(folder, on_damage=lambda _: None) as store:
        action = store.find(address(0))
        if action is not None:
            flipped(Path(store.layout.object(action.object)), -1)
            assert store.load(address(0)) is None
        put_all(folder, tell)


def reindex(folder: Path, tell: Tell) -> None:
    with DiskStore(folder) as store:
        store.index.rebuild()


def forget(folder: Path, tell: Tell) -> None:
    """Collect all but one entry."""
    with DiskStore(folder) as store:
        collect(store, {address(0)})


ACTS: dict[str, tuple[Callable[[Path, Tell], object], bool, tuple[int, ...]]] = {
    "putting": (put_all, False, ()),
    "putting where it is": (put_all, True, (0, 1, 2)),
    "mending": (mend, True, (1, 2)),
    "making the index again": (reindex, True, (0, 1, 2)),
    "collecting": (forget, True, (0,)),
}
"""What is done, whether to a store that is filled, and the entries that are there whatever happens."""


def at_every_operation(count: int, seed: int, folder: Path) -> Tried:
    """A process that kills itself at its k-th file operation, for every k; `count` and `seed` say nothing here."""
    tally = Tally()
    for name, (act, filled, safe) in ACTS.items():
        at, ended = 0, False
        while not ended:
            at += 1
            place = folder / f"{name} {at}"
            if filled:
                put_all(place)
            with tally.case(f"{name}, operation {at}"):
                child = in_a_child(lambda tell, at=at, act=act, place=place: _dying_at(at, lambda: act(place, tell)))  # type: ignore[misc]
                assert not child.trouble, child.trouble
                ended = not child.killed
                check_entries(place, {*safe, *map(int, child.told)})
    return tally.tried


def _dead() -> Exception:
    die()
    return AssertionError("nobody comes here")


def _dying_at(at: int, act: Callable[[], object]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        Shim(patch, at, _dead)
        act()


def check_entries(folder: Path, kept: set[int]) -> None:
    """What was kept is there; the rest is there or not; nothing is damaged; the next run goes on, and `gc` tidies
    up."""
    damage: list[Damage] = []
    with DiskStore(folder, on_damage=damage.append) as store:
        assert not [wrong for wrong in verify(store).damage if wrong.address != address(0)]
        loaded = [store.load(address(number)) for number in range(ENTRIES)]
        assert all(found is None or same(found, tensors(number)) for number, found in enumerate(loaded))
        assert all(loaded[number] is not None for number in kept), "what was kept is gone"
        put_all(folder)
        collect(store, {address(number) for number in range(ENTRIES)})
        report = verify(store)
        assert (report.actions, report.damage, report.orphans, report.temporaries) == (ENTRIES, (), (), ())
        assert all(same(store.load(address(number)), tensors(number)) for number in range(ENTRIES))
    assert all(wrong.address == address(0) for wrong in damage), damage


# --- a loss of power ---------------------------------------------------------------------------------------------


def by_loss_of_power(count: int, seed: int, folder: Path) -> Tried:
    """`count` times the power goes at a random operation, and takes what was not made to last; in every second case
    the disk lied about that."""
    tally = Tally()
    for number in range(count):
        honest, chance, place, done = (
            number % 2 == 0,
            random.Random(f"{seed} {number}"),
            folder / str(number),
            list[str](),
        )
        with tally.case(f"loss {number} of seed {seed}, {'an honest' if honest else 'a lying'} disk"):
            with pytest.MonkeyPatch.context() as patch:
                power = Power(patch, honest)
                Shim(patch, chance.randrange(1, 50), Killed)
                with suppress(Killed):
                    put_all(place, done.append)
            power.lose(chance)
            _check_after_a_loss(place, {int(entry) for entry in done}, honest)
    return tally.tried


def _check_after_a_loss(folder: Path, done: set[int], honest: bool) -> None:
    if honest:
        with DiskStore(folder) as store:
            assert verify(store).whole
        return check_entries(folder, done)
    (folder / "format.json").unlink(missing_ok=True)  # such a disk may lose anything, also the format
    with DiskStore(folder, on_damage=lambda _: None) as store:
        loaded = [store.load(address(number)) for number in range(ENTRIES)]
        assert all(found is None or same(found, tensors(number)) for number, found in enumerate(loaded)), (
            "a wrong value"
        )
        put_all(folder)
        assert all(same(store.load(address(number)), tensors(number)) for number in range(ENTRIES))
