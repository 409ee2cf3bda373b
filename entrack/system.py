"""Facts of the machine that a plan may ask for without torch."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from entrack.frozen import frozen

MOST_DIGITS = 20
"""Of a number that the kernel says: 64 bits."""
MEMINFO = Path("/proc/meminfo")
OWN_GROUPS = Path("/proc/self/cgroup")
"""Lines `number:controllers:path`, with no controllers for version 2: where in each hierarchy this process is."""


@frozen
class Controls:
    """Where Linux says how much memory a control group may take and takes: the folder of its root, the name of the
    controller, and the files and the line of `memory.stat` that say the most, what is taken, and what of that the
    kernel gives back when it is wanted (the cache of files)."""

    root: Path
    controller: str
    most: str
    taken: str
    given_back: str


CONTROLS = (
    Controls(Path("/sys/fs/cgroup"), "", "memory.max", "memory.current", "inactive_file"),
    Controls(
        Path("/sys/fs/cgroup/memory"),
        "memory",
        "memory.limit_in_bytes",
        "memory.usage_in_bytes",
        "total_inactive_file",
    ),
)
"""Control groups of version 2, and of version 1."""


def machine_memory() -> int:
    """Bytes of memory that the machine has, free or not, or those of them that its container may take."""
    limits = (_bytes(each.root / each.most) for each in CONTROLS)
    return min((os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), *filter(None, limits)))


def free_memory() -> int:
    """Bytes of memory that are free now, of the machine, its container and the job that this process is in, whatever
    has least; half of what the machine has where it does not say."""
    available = _line(MEMINFO, "MemAvailable:")
    here = machine_memory() // 2 if available is None else available * 1024
    return min((here, *(free for each in CONTROLS for free in _free_in(each))))


def _free_in(controls: Controls) -> Iterator[int]:
    """What is free in each control group around this process that has a limit."""
    for folder in _groups(controls):
        most, taken = _bytes(folder / controls.most), _bytes(folder / controls.taken)
        if most is not None and taken is not None:
            given_back = _line(folder / "memory.stat", controls.given_back) or 0
            yield max(0, most - max(0, taken - given_back))


def _groups(controls: Controls) -> Iterator[Path]:
    """The folders of the groups that this process is in, from the root on. A container sees its own group as the root,
    whatever it says that the path is."""
    yield (folder := controls.root)
    for name in _own_path(controls.controller):
        folder = folder / name
        yield folder


def _own_path(controller: str) -> Sequence[str]:
    for line in _lines(OWN_GROUPS):
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if controller in controllers.split(",") and path:
            return [name for name in path.split("/") if name not in ("", "..")]
    return ()


def _bytes(path: Path) -> int | None:
    """The number in a file; None where there is no such file, or it says `max` or anything else."""
    return _number("".join(_lines(path)))


def _line(path: Path, name: str) -> int | None:
    """The number after a name at the beginning of a line; None where there is none."""
    rows = (line.split() for line in _lines(path))
    return next((_number(row[1]) for row in rows if row[:1] == [name] and len(row) > 1), None)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else None


def _lines(path: Path) -> Sequence[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ()


def default_memory() -> int:
    """Bytes that a run may take beside the models' weights where nobody says how much: half of what the machine has.

    Not of what is free: the same machine should give the same bits.
    """
    return machine_memory() // 2


def address_space() -> float:
    """Bytes that this process may map (`ulimit -v`); infinite where nothing limits it."""
    import resource

    most = resource.getrlimit(resource.RLIMIT_AS)[0]
    return float("inf") if most == resource.RLIM_INFINITY else float(most)
