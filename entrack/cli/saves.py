"""Files that a person edits, looked at again and again: which were saved, and when that is over.

Editors write a file anew in its place, or another one that they then give its name, and some empty it first; so what is
looked at is what stands under a name, and a save is over when nothing has changed for a moment and no file is empty.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterable
from pathlib import Path

POLL, SETTLED, PATIENCE = 0.2, 0.1, 1.0
"""Seconds: between two looks, without a change until a save is over, and for which a file may be empty or gone."""
Stamp = tuple[int, int, int]
"""When it was written (ns since 1970), bytes, and which file it is."""


class Saves:
    """What is looked at, and how it stood when work on it began."""

    def __init__(self, paths: Iterable[Path], sleep: Callable[[float], None] = time.sleep) -> None:
        self._stamps: dict[Path, Stamp | None] = {path: stamp(path) for path in paths}
        self._began = time.time_ns()
        self._sleep = sleep

    def begin(self) -> None:
        """From here on a change is a save: what is there now is what is worked on."""
        self._began = time.time_ns()
        self._stamps = {path: stamp(path) for path in self._stamps}

    def look_at(self, paths: Iterable[Path]) -> None:
        """These, and no others. What was written since `begin` may have been read before that: it counts as saved."""
        self._stamps = {path: self._stamps[path] if path in self._stamps else self._first(path) for path in paths}

    def changed(self) -> tuple[Path, ...]:
        """What is not as it was."""
        return tuple(path for path, before in self._stamps.items() if stamp(path) != before)

    def next_save(self) -> tuple[Path, ...]:
        """Until something is saved, and the save is over. -> what changed"""
        while not self.changed():
            self._sleep(POLL)
        self.settle()
        return self.changed()

    def settle(self) -> None:
        """Until a save that has begun is over."""
        waited = 0.0
        before = self._now()
        while True:
            self._sleep(SETTLED)
            waited += SETTLED
            now = self._now()
            whole = all(each is not None and each[1] > 0 for each in now.values())
            if now == before and (whole or waited >= PATIENCE):
                return
            before = now

    def _now(self) -> dict[Path, Stamp | None]:
        return {path: stamp(path) for path in self._stamps}

    def _first(self, path: Path) -> Stamp | None:
        found = stamp(path)
        return None if found is None or found[0] >= self._began else found


def stamp(path: Path) -> Stamp | None:
    """How something stands under a name; None where there is nothing. A folder is not empty."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, max(found.st_size, stat.S_ISDIR(found.st_mode)), found.st_ino
