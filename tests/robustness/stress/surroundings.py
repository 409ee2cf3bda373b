"""The command line in odd surroundings: commands in each of them, a process each, as a shell starts it."""

from __future__ import annotations

import random
from pathlib import Path

from e2e_surroundings import COMMANDS, SURROUNDINGS, held, make_place
from e2e_world import make_world

from stress.tried import Tally, Tried


def commands_in_surroundings(count: int, seed: int, folder: Path) -> Tried:
    """`count` pairs of a command and surroundings, drawn without repetition; at most all. It works, or ends with a
    named error and its status; `--json` gives a document in every case."""
    (folder / "world").mkdir()
    place = make_place(make_world(folder / "world"), folder / "world" / "store")
    tally, refused = Tally(), 0
    pairs = [(around, given) for around in SURROUNDINGS for given in COMMANDS]
    for around, given in random.Random(seed).sample(pairs, min(count, len(pairs))):
        with tally.case(f"{given.name}, {around.name}"):
            refused += held(place, given, around).returncode == 3 and given.status == 0
    tally.notes.append(f"{refused} ended with a named error, where a usual world has none")
    return tally.tried
