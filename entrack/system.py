"""Facts of the machine that a plan may ask for without torch."""

from __future__ import annotations

import os
from pathlib import Path

LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Where Linux says how much memory a container may take: control groups of version 2, and of version 1."""


def machine_memory() -> int:
    """Bytes of memory that the machine has, free or not, or those of them that its container may take."""
    return min((os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), *filter(None, map(_limit, LIMITS))))


def _limit(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):  # there is no such file, or it says `max`
        return None


def free_memory() -> int:
    """Bytes of memory that are free now, or half of what the machine has where it does not say."""
    meminfo = Path("/proc/meminfo")
    if meminfo.is_file():
        for line in meminfo.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return machine_memory() // 2


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
