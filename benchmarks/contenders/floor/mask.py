"""A mask's training step: a suffix forward and back from the lowest head of the group, and Adam."""

from __future__ import annotations

import time
from typing import Any

import torch
from torch import Tensor

from benchmarks.contenders.floor.suffix import Suffix, grouped
from benchmarks.llama import Clean
from benchmarks.tasks import Done, Mask, rolled


class Masked:
    def __init__(self, contender: Any, task: Mask) -> None:
        llama = contender.llama
        self.llama, self.task = llama, task
        self.at, self.target = (torch.tensor(values, device=llama.device) for values in (task.at, task.target))
        self.clean = Clean(llama, torch.tensor(task.originals, device=llama.device))
        other = Clean(llama, torch.tensor(task.alternates, device=llama.device))
        prompts = torch.arange(len(task.originals), device=llama.device)
        self.alternate = {(layer, head): other.z[layer][prompts, task.alternate_at, head] for layer, head in task.heads}

    def __call__(self, turn: int) -> Done:
        self.token_layers = 0
        alternate = {head: z[rolled(list(range(len(z))), turn)] for head, z in self.alternate.items()}
        start = time.perf_counter()
        losses = self.steps(self.task.many, alternate)
        if self.llama.device.startswith("cuda"):
            torch.cuda.synchronize()
        seconds = time.perf_counter() - start
        total = 3 * self.token_layers
        return Done(
            {"loss": losses[: self.task.steps]},
            total / (self.clean.z[0][..., 0, 0].numel() * self.llama.layers),
            total,
            seconds,
            self.task.many,
        )

    def steps(self, count: int, alternate: dict[tuple[int, int], Tensor]) -> list[float]:
        mask = torch.ones(len(self.task.heads), device=self.llama.device, requires_grad=True)
        adam, losses = torch.optim.Adam([mask], lr=self.task.rate), []
        for _ in range(count):
            with torch.no_grad():
                mask.clamp_(0, 1)
            with torch.enable_grad():
                logits = self.mixed(mask, alternate)
                loss = self.task.sparsity * (1 - mask).sum() - logits.gather(1, self.target[:, None]).mean()
                (mask.grad,) = torch.autograd.grad(loss, mask)
            adam.step()
            losses.append(float(loss.detach()))
        return losses

    def mixed(self, mask: Tensor, alternate: dict[tuple[int, int], Tensor]) -> Tensor:
        """-> logits (prompt, vocabulary)"""

        def change(layer: int, part: str, prompts: Tensor, since: int, value: Tensor) -> Tensor:
            here = [(i, head) for i, (at, head) in enumerate(self.task.heads) if part == "z" and at == layer]
            mixed = value.clone() if here else value
            for i, head in here:
                own = value[:, :, self.at[prompts[0]] - since, head]
                mixed[:, :, self.at[prompts[0]] - since, head] = (
                    mask[i] * own + (1 - mask[i]) * alternate[layer, head][prompts]
                )
            return mixed

        suffix = Suffix(
            self.llama, self.clean, grouped(self.at), 1, min(layer for layer, _ in self.task.heads), change, z_only=True
        )
        logits = suffix.logits()[0]
        self.token_layers += suffix.token_layers
        return logits
