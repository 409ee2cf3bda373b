"""Path patching with TransformerLens 4, in the way it is done with its hooks: run_with_cache once, then for each
sender run_with_hooks with every head's z held and the sender's patched, and again with what the receivers read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from benchmarks.contenders import base
from benchmarks.tasks import Done, PathPatch, rolled

NAMES = {"query": "q", "key": "k", "value": "v"}


class Contender(base.Contender):
    def __init__(self, folder: Path, device: str) -> None:
        super().__init__()
        self.model: Any = TransformerBridge.boot_transformers(str(folder), device=device)
        self.device = device
        self.model(
            torch.zeros(1, 1, dtype=torch.int64, device=device)
        )  # the weights are in memory before anything is measured


class Hop:
    def __init__(self, contender: Contender, task: PathPatch) -> None:
        self.model, self.task = contender.model, task
        device, model = contender.device, contender.model
        self.tokens = torch.tensor(task.originals, device=device)
        self.prompts = torch.arange(len(self.tokens))
        self.clean = self.outputs(self.tokens, task.at)
        self.alternate = self.outputs(torch.tensor(task.alternates, device=device), task.alternate_at)
        self.asked = torch.tensor(task.asked, device=device)
        self.reads: dict[str, list[int]] = {}
        sharing = model.cfg.n_heads // model.cfg.n_key_value_heads
        for component, layer, head in task.receivers:
            number = head if component == "query" else head // sharing
            self.reads.setdefault(f"blocks.{layer}.attn.hook_{NAMES[component]}", []).append(number)

    def outputs(self, tokens: Tensor, at: list[int]) -> Tensor:
        """z at one token a prompt. -> (layer, prompt, head, d_head)"""
        _, cache = self.model.run_with_cache(tokens, names_filter=lambda name: name.endswith(("hook_z", "o.hook_in")))
        return torch.stack(
            [cache[f"blocks.{layer}.attn.hook_z"][self.prompts, at] for layer in range(self.model.cfg.n_layers)]
        )

    def __call__(self, turn: int) -> Done:
        order = rolled(list(range(len(self.tokens))), turn)
        senders = self.task.slow_senders()
        values = {f"{layer}.{head}": self.sender(layer, head, self.alternate[:, order]) for layer, head in senders}
        forwards = len(senders) * (2 if self.reads else 1)
        return Done(values, forwards, forwards * self.tokens.numel() * self.model.cfg.n_layers)

    def sender(self, layer: int, head: int, alternate: Tensor) -> list[float]:
        seen: dict[tuple[str, int], Tensor] = {}
        held = [(f"blocks.{i}.attn.hook_z", self.held(i, layer, head, alternate)) for i in range(len(alternate))]
        logits = self.model.run_with_hooks(
            self.tokens, fwd_hooks=[*held, *((name, self.look(name, seen)) for name in self.reads)]
        )
        if self.reads:
            logits = self.model.run_with_hooks(
                self.tokens, fwd_hooks=[(name, self.put(name, seen)) for name in self.reads]
            )
        return logits[:, -1].float().log_softmax(-1).gather(-1, self.asked[:, None])[:, 0].tolist()

    def held(self, index: int, layer: int, head: int, alternate: Tensor) -> Callable[..., Tensor]:
        def change(z: Tensor, hook: Any) -> Tensor:
            z[self.prompts, self.task.at] = self.clean[index]
            if index == layer:
                z[self.prompts, self.task.at, head] = alternate[index, :, head]
            return z

        return change

    def look(self, name: str, seen: dict[tuple[str, int], Tensor]) -> Callable[..., Tensor]:
        def change(value: Tensor, hook: Any) -> Tensor:
            for number in self.reads[name]:
                seen[name, number] = value[self.prompts, self.task.at, number].clone()
            return value

        return change

    def put(self, name: str, seen: dict[tuple[str, int], Tensor]) -> Callable[..., Tensor]:
        def change(value: Tensor, hook: Any) -> Tensor:
            for number in self.reads[name]:
                value[self.prompts, self.task.at, number] = seen[name, number]
            return value

        return change


Contender.makers = {PathPatch: Hop}
