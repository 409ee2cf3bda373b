"""Outputs of heads at single tokens set to others: a suffix from the lowest of them on."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from benchmarks.contenders.floor.suffix import Suffix, grouped
from benchmarks.llama import Clean, Llama
from benchmarks.tasks import Done, Interchange, rolled


class Interchanged:
    def __init__(self, contender: Any, task: Interchange) -> None:
        llama = contender.llama
        self.llama, self.task = llama, task
        self.asked = torch.tensor(task.asked, device=llama.device)
        self.clean = Clean(llama, torch.tensor(task.originals, device=llama.device))
        other = Clean(llama, torch.tensor(task.alternates, device=llama.device))
        prompts = torch.arange(len(task.originals), device=llama.device)
        self.alternate = {
            name: torch.stack([z[prompts, at] for z in other.z]) for name, at in task.alternate_positions.items()
        }

    def __call__(self, turn: int) -> Done:
        order, values, total = rolled(list(range(len(self.asked))), turn), {}, 0
        for name, heads in self.task.variants.items():
            sets = [
                (self.task.positions[position], layer, head, self.alternate[position][layer][order, head])
                for position, layer, head in heads
            ]
            logits, token_layers = edited(self.llama, self.clean, sets)
            values[name] = chosen(logits, self.asked)
            total += token_layers
        return Done(values, total / (self.clean.z[0][..., 0, 0].numel() * self.llama.layers), total)


def edited(llama: Llama, clean: Clean, sets: list[tuple[list[int], int, int, Tensor]]) -> tuple[Tensor, int]:
    """Heads (at a token per prompt, layer, head) set to values (prompt, d_head). -> logits (prompt, vocabulary),
    token-layers"""
    places = [(torch.tensor(at, device=llama.device), layer, head, value) for at, layer, head, value in sets]

    def change(layer: int, part: str, prompts: Tensor, since: int, value: Tensor) -> Tensor:
        here = [place for place in places if part == "z" and place[1] == layer]
        value = value.clone() if here else value
        for at, _, head, new in here:
            there = (at[prompts] >= since).nonzero()[:, 0]
            value[:, there, at[prompts][there] - since, head] = new[prompts[there]]
        return value

    starts = torch.stack([at for at, *_ in places]).amin(0)
    suffix = Suffix(llama, clean, grouped(starts), 1, min(layer for _, layer, _, _ in places), change, z_only=True)
    return suffix.logits()[0], suffix.token_layers


def chosen(logits: Tensor, asked: Tensor) -> list[float]:
    """Log probabilities of the asked tokens, prompt by prompt."""
    return logits.log_softmax(-1).gather(-1, asked[:, None])[:, 0].tolist()
