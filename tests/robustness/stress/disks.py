"""Disks that are full or only to be read: a named error, nothing half-written, and the next run goes on."""

from __future__ import annotations

import random
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from store_tools import WORKER, Shim, address, disk_full, environment, same, tensors

from entrack.store import DiskStore, StoreFull, verify
from stress.children import Tell, in_a_child
from stress.tried import Tally, Tried

ENTRIES = 2


def put_some(folder: Path) -> None:
    with DiskStore(folder) as store:
        for number in range(ENTRIES):
            store.put(address(number), tensors(number), {})


def full_at_every_operation(count: int, seed: int, folder: Path) -> Tried:
    """No space for the k-th operation, for every k; then there is space again. `count` and `seed` say nothing here."""
    tally, named = Tally(), 0
    with pytest.MonkeyPatch.context() as patch:
        operations = Shim(patch, at=0, error=disk_full)
        put_some(folder / "clean")
    for at in range(1, operations.count + 1):
        with tally.case(f"operation {at}"):
            named += _said_full(folder / str(at), lambda patch, at=at: Shim(patch, at, disk_full))  # type: ignore[misc]
            put_some(folder / str(at))
            report = verify(DiskStore(folder / str(at)))
            assert (report.actions, report.damage, report.temporaries) == (ENTRIES, (), ())
    with tally.case("the named error", cases=0):
        assert named > operations.count / 2, "the index may be without space and the store go on, but nothing else"
    return tally.tried


def _said_full(folder: Path, shim: Callable[[pytest.MonkeyPatch], object]) -> bool:
    with pytest.MonkeyPatch.context() as patch:
        shim(patch)
        try:
            put_some(folder)
        except StoreFull as error:
            assert "free some space" in str(error)
            return True
    return False


def files_cut_off(count: int, seed: int, folder: Path) -> Tried:
    """`count` processes whose files the system does not let grow over a size chosen by chance (RLIMIT_FSIZE)."""
    tally, chance = Tally(), random.Random(seed)
    for number in range(count):
        most, place = (
            chance.randrange(chance.choice((300, 6000))),
            folder / str(number),
        )  # values and notes are of some hundred bytes, an index of some thousand
        with tally.case(f"files of at most {most} bytes"):
            child = in_a_child(lambda tell, most=most, place=place: _with_small_files(most, place, tell))  # type: ignore[misc]
            assert not child.trouble, child.trouble
            with DiskStore(place) as store:
                assert verify(store).whole and not verify(store).temporaries
                kept = [int(line) for line in child.told if line.isdigit()]
                assert all(same(store.load(address(entry)), tensors(entry)) for entry in kept)
            put_some(place)
            assert verify(DiskStore(place)).whole
    return tally.tried


def _with_small_files(most: int, folder: Path, tell: Tell) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    with DiskStore(folder) as store:
        for number in range(ENTRIES):
            try:
                store.put(address(number), tensors(number), {})
                tell(str(number))
            except StoreFull as error:
                assert "ulimit" in str(error)


def small_file_systems(count: int, seed: int, folder: Path) -> Tried:
    """`count` real file systems in memory, of a size chosen by chance, filled to the last byte, then freed."""
    tally, chance = Tally(), random.Random(seed)
    if not _mounts(folder):
        return Tried(0, note="not tried: this system lets us mount no file system of our own")
    for number in range(count):
        size = chance.randrange(150, 1500)
        with tally.case(f"{size} KiB, {number} of seed {seed}"):
            done = _inside(folder, f"size={size}k", "fill", str(folder), str(number))
            assert done.returncode == 0 and done.stdout.endswith("whole\n"), done.stderr or done.stdout
    return tally.tried


def only_to_be_read(count: int, seed: int, folder: Path) -> Tried:
    """`count` times a full store on a file system that is mounted read-only: it is read, and refuses the rest at
    once."""
    tally = Tally()
    if not _mounts(folder):
        return Tried(0, note="not tried: this system lets us mount no file system of our own")
    for number in range(count):
        with tally.case(f"{number}"):
            done = _inside(folder, "size=2m", "lock", str(folder), str(number))
            assert done.returncode == 0 and done.stdout.endswith("whole\n"), done.stderr or done.stdout
    return tally.tried


def _mounts(folder: Path) -> bool:
    try:
        return (
            subprocess.run(
                [*_OWN, "mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder)],
                capture_output=True,
                check=False,
                timeout=60,
            ).returncode
            == 0
        )
    except OSError:
        return False


_OWN = ("unshare", "--user", "--map-root-user", "--mount")


def _inside(folder: Path, options: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A worker that sees a small file system at `folder`; nobody else does, and it is gone with the worker."""
    command = 'mount -t tmpfs -o "$1" none "$2" && shift 2 && exec "$@"'
    run = [*_OWN, "sh", "-c", command, "sh", options, str(folder), sys.executable, WORKER, *arguments]
    return subprocess.run(run, capture_output=True, text=True, check=False, env=environment(), timeout=300)
