"""Many processes and one store, while garbage is collected: each step is computed once, and nobody meets a wrong
value."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from subprocess import Popen

from store_tools import address, start

from entrack.store import Damage, DiskStore, StoreBusy, collect, verify
from stress.tried import Tally, Tried

READERS = 2


def by_many(count: int, seed: int, folder: Path, processes: int = 16, steps: int = 200) -> Tried:
    """`count` rounds of `processes` that do the same `steps`, each in an order of its own; readers hash everything
    all the while."""
    tally = Tally()
    for number in range(count):
        with tally.case(f"round {number}"):
            collected, looked = _round(folder / str(number), processes, steps)
            tally.notes = [
                f"{processes} processes, {steps} steps; in the last round {collected} collections, {looked} "
                "verifications"
            ]
    return tally.tried


def by_a_few(count: int, seed: int, folder: Path) -> Tried:
    """The same, small."""
    return by_many(count, seed, folder, processes=8, steps=25)


def _round(folder: Path, processes: int, steps: int) -> tuple[int, int]:
    """-> how often garbage was collected, and how often everything was hashed"""
    wanted, collections = {address(number) for number in range(steps)}, 0
    folder.mkdir()
    readers = [start("watch", folder / "cache", 0) for _ in range(READERS)]
    workers = [start("steps", folder / "cache", steps) for _ in range(processes)]
    damage: list[Damage] = []
    with DiskStore(folder / "cache", on_damage=damage.append) as store:
        while any(worker.poll() is None for worker in workers):
            with suppress(StoreBusy):
                collect(store, wanted, wait=0)
                collections += 1
            time.sleep(0.02)
        (folder / "stop").touch()
        computed = sorted(int(line) for said in map(_said, workers) for line in said.split())
        assert computed == list(range(steps)), f"{len(computed)} computations of {steps} steps"
        looked = sum(int(said) for said in map(_said, readers))
        collect(store, wanted)
        report = verify(store)
        assert report.whole and report.actions == steps and not damage, (report, damage)
    return collections, looked


def _said(process: Popen[str]) -> str:
    said, trouble = process.communicate(timeout=300)
    assert process.returncode == 0 and not trouble, (process.returncode, said, trouble)
    return said
