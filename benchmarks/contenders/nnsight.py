"""Activation patching with nnsight, as its users write it: a trace per cell, in which the value is put into the
layer's input, and the logits are read at the last token."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nnsight
import torch
from nnsight import TransformersModel
from torch import Tensor

from benchmarks.contenders import base
from benchmarks.tasks import Done, Grid, rolled


class Contender(base.Contender):
    def __init__(self, folder: Path, device: str) -> None:
        super().__init__()
        self.model: Any = TransformersModel(
            str(folder), task="text-generation", device_map=device, dtype="auto", dispatch=True
        )
        self.device = device
        with self.model.trace(torch.zeros(1, 1, dtype=torch.int64, device=device)):
            pass  # the weights are in memory before anything is measured


class Gridded:
    def __init__(self, contender: Contender, task: Grid) -> None:
        self.model, self.task = contender.model, task
        self.tokens = torch.tensor(task.originals, device=contender.device)
        self.asked = torch.tensor(task.asked, device=contender.device)
        self.alternate = self.residual(torch.tensor(task.alternates, device=contender.device))

    def residual(self, tokens: Tensor) -> Any:
        """The input of each layer. -> (prompt, token, d_model) by layer"""
        with self.model.trace(tokens):
            found = nnsight.save([layer.input for layer in self.model.model.layers])
        return found

    def __call__(self, turn: int) -> Done:
        order = rolled(list(range(len(self.tokens))), turn)
        values = {
            f"{layer}.{token}": self.cell(layer, token, self.alternate[layer][order]) for layer, token in self.task.few
        }
        layers = self.model.config.num_hidden_layers
        return Done(values, len(values), len(values) * self.tokens.numel() * layers)

    def cell(self, layer: int, token: int, alternate: Tensor) -> list[float]:
        with self.model.trace(self.tokens):
            self.model.model.layers[layer].input[:, token] = alternate[:, token]
            logits = self.model.lm_head.output[:, -1].save()
        return logits.float().log_softmax(-1).gather(-1, self.asked[:, None])[:, 0].tolist()


Contender.makers = {Grid: Gridded}
