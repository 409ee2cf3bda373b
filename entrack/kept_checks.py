"""Checks that found nothing wrong, kept, so that the same spec is not checked again.

A check is a function of the files that it reads and of our code. Kept are only checks of specs that read texts alone,
and no vectors, and whose models are built in, since whether other models are here is no matter of files that are read;
and only those that had nothing to say. A kept check counts as long as each file is the same file with the same bytes.

This is all that a check needs which has been made before, so it imports next to nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from entrack.address import address, bytes_digest
from entrack.files import beginning
from entrack.kept import NOT_KEPT, Kept, all_code, of_the_user, surroundings

MOST = 16 << 20
"""Bytes of all kept checks."""
MOST_BYTES = 1 << 24
"""Bytes of a file that is read."""
LIBRARIES = ("attrs", "lark", "tokenizers")


def kept_checks() -> Kept:
    """Where checks are kept."""
    return of_the_user("checks", MOST)


def found_sound(kept: Kept, spec: Path) -> bool:
    """Whether a spec was checked before and nothing was wrong with it, and all that was read is the same."""
    what = None if kept == NOT_KEPT else _address(spec)
    data = None if what is None else kept.get(what)
    try:
        return data is not None and all(_said(Path(path)) == said for path, said in json.loads(data).items())
    except (ValueError, AttributeError, OSError):
        return False


def keep_sound(kept: Kept, spec: Path, read: Mapping[Path, str], files: Iterable[Path]) -> None:
    """Keep that nothing is wrong with a spec. `read` are the texts of the files that were read, as they were read;
    `files` are others, and folders, that decided."""
    what = None if kept == NOT_KEPT else _address(spec)
    try:
        if what is not None and all(_is_still(path, text) for path, text in read.items()):
            kept.keep(what, json.dumps({str(path): _said(path) for path in (*read, *files)}).encode())
    except OSError:
        return


def _address(spec: Path) -> str | None:
    libraries = surroundings(*LIBRARIES)
    return None if libraries is None else address(["check", [*libraries], all_code(), str(spec)])


def _said(path: Path) -> list[str]:
    """Which file a path names, and its bytes; of a folder what is in it."""
    if path.is_dir():
        return [os.path.realpath(path), *sorted(f"{each.name} {each.stat().st_size}" for each in os.scandir(path))]
    return [os.path.realpath(path), bytes_digest(beginning(path, MOST_BYTES))]


def _is_still(path: Path, text: str) -> bool:
    """Whether a file says what was read of it, with its line ends as they are or made one."""
    try:
        now = beginning(path, MOST_BYTES).decode("utf-8-sig")
    except ValueError:
        return False
    return text in (now, now.replace("\r\n", "\n").replace("\r", "\n"))
