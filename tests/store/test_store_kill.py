"""A run that dies loses nothing finished and leaves nothing wrong: whenever, wherever, however."""

from __future__ import annotations

import random
import time
from contextlib import suppress
from pathlib import Path

import pytest
from store_tools import COUNT, Killed, Power, Shim, address, same, start, tensors

from entrack.store import Damage, DiskStore, collect, verify

ENTRIES = 3


def put_all(folder: Path, done: list[int]) -> None:
    store = DiskStore(folder)
    for number in range(ENTRIES):
        store.put(address(number), tensors(number), {})
        done.append(number)


def check_all(folder: Path, done: list[int], damage: list[Damage]) -> None:
    """What was said to be finished is there; the rest is there or not; the next run goes on; `gc` cleans up."""
    with DiskStore(folder, on_damage=damage.append) as store:
        assert all(same(store.load(address(number)), tensors(number)) for number in done)
        loaded = [store.load(address(number)) for number in range(ENTRIES)]
        assert all(found is None or same(found, tensors(number)) for number, found in enumerate(loaded))
        put_all(folder, [])
        collect(store, {address(number) for number in range(ENTRIES)})
        report = verify(store)
        assert (report.actions, report.damage, report.orphans, report.temporaries) == (ENTRIES, (), (), ())


def operations(folder: Path) -> int:
    with pytest.MonkeyPatch.context() as patch:
        shim = Shim(patch, at=0, error=RuntimeError)
        put_all(folder, [])
    return shim.count


def test_killed_at_every_operation(tmp_path: Path, damage: list[Damage]) -> None:
    total = operations(tmp_path / "clean")
    assert total > 30
    for at in range(1, total + 1):
        done: list[int] = []
        with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
            Shim(patch, at, Killed)
            put_all(tmp_path / str(at), done)
        check_all(tmp_path / str(at), done, damage)
    assert not damage


def test_killed_while_collecting(tmp_path: Path, damage: list[Damage]) -> None:
    for at in range(1, 12):
        put_all(tmp_path / str(at), [])
        with pytest.MonkeyPatch.context() as patch, DiskStore(tmp_path / str(at)) as store:
            Shim(patch, at, Killed)
            with suppress(Killed):
                collect(store, {address(0)})
        assert all(wrong.kind != "missing object" for wrong in verify(store).damage)
        check_all(tmp_path / str(at), [0], damage)


@pytest.mark.parametrize("honest", [True, False])
def test_loss_of_power(tmp_path: Path, damage: list[Damage], honest: bool) -> None:
    for seed in range(5 * COUNT):
        folder, done, chance = tmp_path / str(seed), list[int](), random.Random(seed)
        with pytest.MonkeyPatch.context() as patch:
            power = Power(patch, honest)
            Shim(patch, chance.randrange(1, 50), Killed)
            with suppress(Killed):
                put_all(folder, done)
        power.lose(chance)
        if honest:
            check_all(folder, done, damage)
            assert not damage
        else:  # such a disk may lose anything, also the format; it must not make us give a wrong value
            (folder / "format.json").unlink(missing_ok=True)
            check_all(folder, [], [])


def test_killed_at_random_times(folder: Path, damage: list[Damage]) -> None:
    first, done = 0, list[int]()
    for _ in range(COUNT):
        writer = start("write", folder, first)
        time.sleep(0.25 + random.random() / 4)
        writer.kill()
        said, trouble = writer.communicate()
        done += [int(line) for line in said.split()]
        assert not trouble
        first = max(done, default=-1) + 1
    with DiskStore(folder, on_damage=damage.append) as store:
        assert all(same(store.load(address(number)), tensors(number)) for number in done)
        assert verify(store).whole and not damage
        collect(store, set(store.addresses()))
        assert not verify(store).orphans and not verify(store).temporaries
