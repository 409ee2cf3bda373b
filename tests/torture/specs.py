"""Texts that nobody meant: shipped specs with some tokens or bits changed give diagnostics in good time, and never an exception."""

from __future__ import annotations

import random
import resource
import time
from pathlib import Path

from mutations import SPECS, mutated, survives

from entrack.source import Source
from torture.tried import Tally, Tried

SECONDS = 2.0
"""Of CPU."""


def mutated_ones(count: int, seed: int, folder: Path) -> Tried:
    """`count` shipped specs with one to eight mutations each."""
    tally, texts, slowest, names = Tally(), {path: path.read_text(encoding="utf-8") for path in SPECS}, 0.0, ""
    for number in range(count):
        chance = random.Random(f"{seed} {number}")
        path = chance.choice(SPECS)
        text, start = mutated(texts[path], chance), time.process_time()
        with tally.case(f"mutation {number} of seed {seed}, {path.name}"):
            survives(Source(str(path), text))
        taken = time.process_time() - start
        if taken > slowest:
            slowest, names = taken, f"{path.name}, mutation {number}"
    tally.figure(f"the slowest took {slowest:.2f} s of CPU ({names})", slowest, SECONDS)
    tally.notes.append(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB at most")
    return tally.tried
