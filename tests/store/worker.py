"""A process that uses a store, for the tests that need several, or need one that dies. Says what it has done."""

from __future__ import annotations

import random
import sys
import time
from itertools import count

from store_tools import address, same, tensors

from entrack.store import DiskStore


def write(store: DiskStore, first: int) -> None:
    """Put entries until killed."""
    for number in count(first):
        store.put(address(number), tensors(number), {"number": number})
        print(number, flush=True)


def steps(store: DiskStore, number_of_steps: int) -> None:
    """Do all steps, in an order of our own, and say which of them we computed."""
    order = list(range(number_of_steps))
    random.shuffle(order)
    for number in order:
        with store.computing(address(number)):
            if store.find(address(number)) is None:
                store.put(address(number), tensors(number), {})
                print(number, flush=True)
        if not same(store.load(address(number)), tensors(number)):
            sys.exit(f"step {number} is not what it was")


def hold(store: DiskStore, number: int) -> None:
    """Compute one step for ever."""
    with store.computing(address(number)):
        print("holding", flush=True)
        time.sleep(600)


if __name__ == "__main__":
    {"write": write, "steps": steps, "hold": hold}[sys.argv[1]](DiskStore(sys.argv[2]), int(sys.argv[3]))
