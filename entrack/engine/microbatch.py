"""Microbatches: a pass on as many rows at a time as fit into memory, one part after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import torch
from attrs import evolve
from torch import Tensor

from entrack.engine.settings import is_out_of_memory
from entrack.engine.tracing import Read, Trace
from entrack.engine.writes import Write

Rows = slice
T = TypeVar("T")
PAIR_AXES = 3
"""(prompt, token, token read)."""


def in_microbatches(prompts: int, run: Callable[[Rows], Trace]) -> Trace:
    """What `run` gives for all prompts: all at once, or half as many, rounded up, whenever memory runs out."""
    parts = _in_parts(prompts, prompts, run, half=lambda prompts: (prompts + 1) // 2)
    if len(parts) == 1:
        return parts[0]
    values = {site: torch.cat([part.values[site] for part in parts]) for site in parts[0].values}
    return Trace(values, torch.cat([part.logits for part in parts]))


def in_chunks(rows: Tensor, at_once: int, work: Callable[[Tensor], None]) -> None:
    """All rows of a batched pass, at most `at_once` together, or half as many, rounded down, whenever memory runs
    out."""
    _in_parts(len(rows), at_once, lambda part: work(rows[part]), half=lambda rows: rows // 2)


def _in_parts(rows: int, at_once: int, run: Callable[[Rows], T], *, half: Callable[[int], int]) -> list[T]:
    """What `run` gives for each part. A row that does not fit alone raises what torch raised.

    `half` is the caller's: which rows go together decides the last bits of the numbers.
    """
    start, at_once, found = 0, min(at_once, rows), list[T]()
    while start < rows:
        try:
            found.append(run(slice(start, min(start + at_once, rows))))
            start += at_once
        except (RuntimeError, MemoryError) as error:
            if at_once == 1 or not is_out_of_memory(error):
                raise
            at_once = half(at_once)
    return found


def rows_of_set(one: Write, rows: Rows) -> Write:
    axes = one.mask.ndim
    own = None if one.own is None else rows_of(one.own, rows, axes)
    return evolve(one, mask=rows_of(one.mask, rows, axes), values=rows_of(one.values, rows, axes), own=own)


def rows_of_read(one: Read, rows: Rows) -> Read:
    return Read(one.site, None if one.at is None else one.at[rows], one.computed, one.weights)


def rows_of_options(options: Mapping[str, Any], rows: Rows) -> dict[str, Any]:
    """The options of a pass; what is blocked is said prompt by prompt."""
    return {
        name: {layer: rows_of(pairs, rows, PAIR_AXES) for layer, pairs in value.items()} if name == "blocked" else value
        for name, value in options.items()
    }


def rows_of(value: Tensor, rows: Rows, axes: int) -> Tensor:
    """These prompts of a tensor that broadcasts to so many axes, of which the prompt is the first."""
    return value[rows] if value.ndim == axes and len(value) > 1 else value
