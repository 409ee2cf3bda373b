"""Rows of a batched pass: as many together as the schedule says, fewer when memory is out."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from entrack.engine.errors import OutOfMemory
from entrack.engine.settings import is_out_of_memory


def in_chunks(rows: Tensor, at_once: int, work: Callable[[Tensor], None]) -> None:
    """All rows, at most `at_once` together, and half as many whenever they did not fit into memory. Raises
    OutOfMemory."""
    start = 0
    while start < len(rows):
        try:
            work(rows[start : start + at_once])
            start += at_once
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if at_once == 1:
                raise OutOfMemory("one prompt with one change does not fit into memory") from error
            at_once = max(1, min(at_once, len(rows)) // 2)
