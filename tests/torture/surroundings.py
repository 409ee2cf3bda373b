"""The command line in odd surroundings: every command in every one of them, a process each, as a shell starts it."""

from __future__ import annotations

from pathlib import Path

from e2e_surroundings import COMMANDS, SURROUNDINGS, held, make_place
from e2e_world import make_world

from torture.tried import Tally, Tried


def every_command(count: int, seed: int, folder: Path) -> Tried:
    """All commands in all surroundings. It works, or ends with a named error and its status; `--json` gives a document in every case."""
    (folder / "world").mkdir()
    place = make_place(make_world(folder / "world"), folder / "world" / "store")
    tally, refused = Tally(), 0
    for around in SURROUNDINGS:
        for given in COMMANDS:
            with tally.case(f"{given.name}, {around.name}"):
                refused += held(place, given, around).returncode == 3 and given.status == 0
    tally.notes.append(f"{refused} ended with a named error, where a usual world has none")
    return tally.tried
