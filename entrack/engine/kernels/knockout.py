"""Edits of attention: BlockAttention, as what no head may attend to, by layer."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from entrack.engine.context import Context
from entrack.engine.errors import EngineError
from entrack.plan.steps import Batch, BlockAttention

MASKED = ("sdpa", "eager")
"""Attentions that take a mask of their own for every prompt."""


def blocked(context: Context, batch: Batch, edits: Iterable[BlockAttention]) -> dict[int, Tensor]:
    """Bool (prompt, token, token read) by layer. A token that comes after its reader is never attended and left out.

    So a layer that stands here loses something, and one that does not is run as ever. Raises EngineError.
    """
    layers: dict[int, Tensor] = {}
    for edit in edits:
        pairs = [
            (prompt, reader, token)
            for prompt, (reader, read) in enumerate(zip(edit.reader, edit.read, strict=True))
            for token in read
            if token <= reader
        ]
        for layer in range(edit.first, min(edit.last + 1, len(context.layers)) if pairs else edit.first):
            nothing = torch.zeros(
                batch.prompts, batch.length, batch.length, dtype=torch.bool, device=context.model.device
            )
            layers.setdefault(layer, nothing)[tuple(context.tensor(pairs).T)] = True
    if layers and context.model.key.attention not in MASKED:
        raise EngineError(
            f"attention cannot be blocked in a model that is run with {context.model.key.attention}: use sdpa or eager"
        )
    return layers
