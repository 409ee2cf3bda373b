"""The residual stream before a layer set at one token: for cells of a layer together a suffix from that layer on, each
cell from its own token."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from benchmarks.contenders.floor.suffix import Suffix
from benchmarks.llama import Clean
from benchmarks.tasks import Done, Grid, rolled

TOKENS_AT_ONCE = 1 << 11
"""Tokens that go through a layer together; more would not be faster."""


class Gridded:
    def __init__(self, contender: Any, task: Grid) -> None:
        llama = contender.llama
        self.llama, self.task = llama, task
        self.asked = torch.tensor(task.asked, device=llama.device)
        self.clean = Clean(llama, torch.tensor(task.originals, device=llama.device))
        self.alternate = Clean(llama, torch.tensor(task.alternates, device=llama.device)).residual

    def __call__(self, turn: int) -> Done:
        order, values, self.token_layers = rolled(list(range(len(self.asked))), turn), {}, 0
        for layer in self.task.layers:
            for tokens in self.together():
                found = self.cells(layer, tokens, self.alternate[layer][order]).log_softmax(-1)
                rows = found.gather(-1, self.asked[:, None, None].expand(-1, len(tokens), 1))[..., 0]
                values.update({f"{layer}.{token}": row.tolist() for token, row in zip(tokens, rows.T, strict=True)})
        whole = len(self.asked) * len(self.task.originals[0]) * self.llama.layers
        return Done(values, self.token_layers / whole, self.token_layers)

    def together(self) -> Iterator[list[int]]:
        """Tokens whose cells run together: as many as there is room for, and one at least."""
        tokens, room = list[int](), TOKENS_AT_ONCE
        for token in self.task.tokens:
            takes = len(self.asked) * (len(self.task.originals[0]) - token)
            if tokens and takes > room:
                yield tokens
                tokens, room = [], TOKENS_AT_ONCE
            tokens, room = [*tokens, token], room - takes
        yield tokens

    def cells(self, layer: int, tokens: list[int], alternate: Tensor) -> Tensor:
        """From the alternates' residual stream (prompt, token, d_model). -> logits (prompt, cell, vocabulary)"""
        prompts = torch.arange(len(alternate), device=self.llama.device)
        suffix = Suffix(self.llama, self.clean, [(token, prompts) for token in tokens], 1, layer)
        x = suffix.started(self.clean.residual[layer])
        for token, part in zip(tokens, suffix.parts(x, suffix.tokens), strict=True):
            part.unflatten(0, (len(prompts), -1))[:, 0] = alternate[:, token]
        logits = suffix.logits(x)[0].unflatten(0, (len(prompts), -1))
        self.token_layers += suffix.token_layers
        return logits
