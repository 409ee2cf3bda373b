"""Parts of a batch: a full pass on all prompts at once, or on as many as fit into memory, one part after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from entrack.engine.settings import is_out_of_memory
from entrack.engine.tracing import Read, Trace, Write

Rows = slice
PAIR_AXES = 3
"""(prompt, token, token read)."""


def in_microbatches(prompts: int, run: Callable[[Rows], Trace]) -> Trace:
    """What `run` gives for all prompts. Where memory runs out, half as many go together, and half again; one that
    does not fit alone raises."""
    start, at_once, parts = 0, prompts, list[Trace]()
    while start < prompts:
        try:
            parts.append(run(slice(start, min(start + at_once, prompts))))
            start += at_once
        except (RuntimeError, MemoryError) as error:
            if at_once == 1 or not is_out_of_memory(error):
                raise
            at_once = (at_once + 1) // 2
    if len(parts) == 1:
        return parts[0]
    values = {site: torch.cat([part.values[site] for part in parts]) for site in parts[0].values}
    return Trace(values, torch.cat([part.logits for part in parts]))


def rows_of_set(one: Write, rows: Rows) -> Write:
    axes = one.mask.ndim
    own = None if one.own is None else rows_of(one.own, rows, axes)
    return Write(one.site, rows_of(one.mask, rows, axes), rows_of(one.values, rows, axes), own)


def rows_of_read(one: Read, rows: Rows) -> Read:
    return Read(one.site, None if one.at is None else one.at[rows])


def rows_of_options(options: Mapping[str, Any], rows: Rows) -> dict[str, Any]:
    """The options of a pass; what is blocked is said prompt by prompt."""
    return {
        name: {layer: rows_of(pairs, rows, PAIR_AXES) for layer, pairs in value.items()} if name == "blocked" else value
        for name, value in options.items()
    }


def rows_of(value: Tensor, rows: Rows, axes: int) -> Tensor:
    """These prompts of a tensor that broadcasts to so many axes, of which the prompt is the first."""
    return value[rows] if value.ndim == axes and len(value) > 1 else value
