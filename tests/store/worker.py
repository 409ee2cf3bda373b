"""A process that uses a store, for the tests that need several, or need one in a world of its own. Says what it has
done."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

from store_tools import address, same, tensors

from entrack.store import DiskStore, StoreFull, StoreReadOnly, collect, verify


def steps(store: DiskStore, number_of_steps: int) -> None:
    """Do all steps, in an order of our own, and say which of them we computed. Now and then, leave what nobody
    wants."""
    order = list(range(number_of_steps))
    random.shuffle(order)
    for number in order:
        with store.computing(address(number)):
            if store.find(address(number)) is None:
                store.put(address(number), tensors(number), {})
                print(number, flush=True)
        if not same(store.load(address(number)), tensors(number)):
            sys.exit(f"step {number} is not what it was")
        if number % 10 == 0:
            store.put(address(("litter", os.getpid(), number)), {"litter": tensors(number)["effect"] + os.getpid()}, {})


def watch(store: DiskStore, _: int) -> None:
    """Hash everything again and again, until there is a file called `stop`."""
    times = 0
    while not Path(store.layout.root).with_name("stop").exists():
        report = verify(store)
        if not report.whole:
            sys.exit(f"{report.damage}")
        times += 1
    print(times)


def hold(store: DiskStore, number: int) -> None:
    """Compute one step for ever."""
    with store.computing(address(number)):
        print("holding", flush=True)
        time.sleep(600)


def fill(store: DiskStore, seed: int) -> None:
    """Fill the file system that the store is on, look, make room, and go on."""
    ballast = Path(store.layout.root).parent / "ballast"
    ballast.write_bytes(bytes(100_000))
    full = _put_until_full(store, seed)
    report = verify(store)
    assert report.whole and not report.temporaries and report.actions >= full - seed, report
    assert all(same(store.load(address(number)), tensors(number)) for number in range(seed, full))
    ballast.unlink()
    store.put(address(full), tensors(full), {})
    collect(store, {address(full)})
    assert same(store.load(address(full)), tensors(full)) and verify(store).whole and not verify(store).orphans
    print("whole")


def _put_until_full(store: DiskStore, first: int) -> int:
    for number in count(first):
        try:
            store.put(address(number), tensors(number), {})
        except StoreFull as error:
            assert "free some space" in str(error)
            return number
    raise AssertionError("nobody comes here")


def lock(store: DiskStore, seed: int) -> None:
    """Fill a store, have its file system mounted read-only, and use it."""
    root = Path(store.layout.root)
    for number in range(seed, seed + 5):
        store.put(address(number), tensors(number), {})
    store.close()
    subprocess.run(["mount", "-o", "remount,ro", str(root.parent)], check=True, timeout=60)
    since, again = time.monotonic(), DiskStore(root)
    assert all(same(again.load(address(number)), tensors(number)) for number in range(seed, seed + 5))
    assert again.find(address("missing")) is None and verify(again).whole
    assert _refused(lambda: again.put(address(seed + 9), tensors(0), {})) and _refused(lambda: collect(again, set()))
    with again.computing(address(seed + 9)):
        pass
    assert time.monotonic() - since < 1, "no waiting for a lock that cannot come"
    print("whole")


def _refused(act: Callable[[], object]) -> bool:
    try:
        act()
    except StoreReadOnly as error:
        return "folder" in str(error) or "cannot be written" in str(error)
    return False


if __name__ == "__main__":
    folder = Path(sys.argv[2])
    ways = {"steps": steps, "watch": watch, "hold": hold, "fill": fill, "lock": lock}
    inner = folder / "cache" if sys.argv[1] in ("fill", "lock") else folder
    with DiskStore(inner) as opened:
        ways[sys.argv[1]](opened, int(sys.argv[3]))
