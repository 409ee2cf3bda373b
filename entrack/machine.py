"""Facts of the machine that a plan may ask for without torch."""

from __future__ import annotations

import os


def machine_memory() -> int:
    """Bytes of memory that the machine has, free or not."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
