"""Path patching with TransformerLens 4, in the way it is done with its hooks: run_with_cache once, then for each
sender run_with_hooks with every head's z held and the sender's patched, and again with what the receivers read.
Activation patching with its own function for that."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas
import torch
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge
from transformer_lens.patching import generic_activation_patch, layer_pos_patch_setter

from benchmarks.contenders import base
from benchmarks.tasks import Done, Grid, PathPatch, rolled

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


class Gridded:
    """What its `get_act_patch_resid_pre` does, for some cells of the grid."""

    def __init__(self, contender: Contender, task: Grid) -> None:
        self.model, self.task = contender.model, task
        self.tokens, alternates = (
            torch.tensor(tokens, device=contender.device) for tokens in (task.originals, task.alternates)
        )
        self.asked = torch.tensor(task.asked, device=contender.device)
        self.names = {f"blocks.{layer}.hook_resid_pre" for layer, _ in task.few}
        _, cache = self.model.run_with_cache(
            alternates, names_filter=lambda name: name.endswith(("resid_pre", "hook_in"))
        )
        self.alternate = {name: cache[name] for name in self.names}

    def __call__(self, turn: int) -> Done:
        order = rolled(list(range(len(self.tokens))), turn)
        found = generic_activation_patch(
            self.model,
            self.tokens,
            {name: value[order] for name, value in self.alternate.items()},
            self.asked_for,
            layer_pos_patch_setter,
            "resid_pre",
            index_df=pandas.DataFrame(self.task.few, columns=["layer", "pos"]),
            reduce="none",
        )
        cells = zip(self.task.few, found.values.tolist(), strict=True)
        forwards = len(self.task.few)
        return Done(
            {f"{layer}.{token}": values for (layer, token), values in cells},
            forwards,
            forwards * self.tokens.numel() * self.model.cfg.n_layers,
        )

    def asked_for(self, logits: Tensor) -> Tensor:
        """The log probability of the asked token, prompt by prompt."""
        return logits[:, -1].float().log_softmax(-1).gather(-1, self.asked[:, None])[:, 0]


Contender.makers = {PathPatch: Hop, Grid: Gridded}
