"""Path patching as arXiv:2402.14811's code does it, written anew from its description: a full forward pass with hooks for each head, two
where there are receivers, the edits made prompt by prompt and head by head in Python, logits at every token."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModelForCausalLM

from benchmarks.tasks import Done, PathPatch, Task, rolled

Change = Callable[[Tensor], None]


class Contender:
    def __init__(self, folder: Path, device: str) -> None:
        self.model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype="auto", attn_implementation="sdpa").to(device).eval()
        self.config, self.device = self.model.config, device
        self.forwards = 0
        self.runs: Any = None

    def forget(self) -> None:
        self.runs = None

    def prepare(self, task: Task) -> None:
        self.runs = MAKERS[type(task)](self, task)

    def run(self, turn: int) -> Done:
        self.forwards = 0
        values = self.runs(turn)
        tokens = self.runs.tokens
        return Done(values, self.forwards, self.forwards * tokens.numel() * self.config.num_hidden_layers)

    def forward(self, tokens: Tensor, before: dict[nn.Module, Change] | None = None, after: dict[nn.Module, Change] | None = None) -> Tensor:
        """Logits at the last token; what goes into or comes out of modules is changed in place, or looked at, (prompt, token, head, d_head)."""
        self.forwards += 1
        with ExitStack() as stack:
            for module, change in (before or {}).items():
                stack.callback(module.register_forward_pre_hook(lambda _, inputs, change=change: (self.changed(inputs[0], change),)).remove)
            for module, change in (after or {}).items():
                stack.callback(module.register_forward_hook(lambda _, inputs, output, change=change: self.changed(output, change)).remove)
            return self.model(tokens, use_cache=False).logits[:, -1].float()

    def changed(self, value: Tensor, change: Change) -> Tensor:
        copy = value.clone()
        change(copy.view(*copy.shape[:-1], -1, self.config.head_dim))
        return copy

    def attention(self, layer: int) -> Any:
        return self.model.model.layers[layer].self_attn

    def outputs(self, tokens: Tensor, at: list[int]) -> Tensor:
        """z of a clean run at one token a prompt. -> (layer, prompt, head, d_head)"""
        seen: dict[int, Tensor] = {}
        layers = range(self.config.num_hidden_layers)
        look = {self.attention(i).o_proj: (lambda value, i=i: seen.__setitem__(i, value[torch.arange(len(at)), at].clone())) for i in layers}
        self.forward(tokens, before=look)
        return torch.stack([seen[i] for i in layers])


class Hop:
    def __init__(self, contender: Contender, task: PathPatch) -> None:
        self.contender, self.task = contender, task
        self.tokens = torch.tensor(task.originals, device=contender.device)
        self.clean = contender.outputs(self.tokens, task.at)
        self.alternate = contender.outputs(torch.tensor(task.alternates, device=contender.device), task.alternate_at)
        self.asked = torch.tensor(task.asked, device=contender.device)

    def __call__(self, turn: int) -> dict[str, list[float]]:
        order = rolled(list(range(len(self.tokens))), turn)
        senders = self.task.senders(self.contender.config.num_attention_heads, few=True)
        return {f"{layer}.{head}": self.sender(layer, head, self.alternate[:, order]) for layer, head in senders}

    def sender(self, layer: int, head: int, alternate: Tensor) -> list[float]:
        seen: dict[tuple[str, int, int], Tensor] = {}
        hold = {self.contender.attention(i).o_proj: self.held(i, layer, head, alternate) for i in range(len(alternate))}
        logits = self.contender.forward(self.tokens, hold, self.receivers(seen, self.look))
        if self.task.receivers:
            logits = self.contender.forward(self.tokens, after=self.receivers(seen, self.put))
        return logits.log_softmax(-1).gather(-1, self.asked[:, None])[:, 0].tolist()

    def held(self, index: int, layer: int, head: int, alternate: Tensor) -> Change:
        def change(z: Tensor) -> None:
            for prompt, token in enumerate(self.task.at):
                for one in range(z.shape[2]):
                    source = alternate if (index, one) == (layer, head) else self.clean
                    z[prompt, token, one] = source[index, prompt, one]

        return change

    def receivers(self, seen: dict[tuple[str, int, int], Tensor], act: Callable[..., None]) -> dict[nn.Module, Change]:
        """What to do at each receiver's projection; several heads of one projection are seen to together."""
        at: dict[nn.Module, list[tuple[str, int, int]]] = {}
        sharing = self.contender.config.num_attention_heads // self.contender.config.num_key_value_heads
        for component, layer, head in self.task.receivers:
            module = getattr(self.contender.attention(layer), f"{component[0]}_proj")
            at.setdefault(module, []).append((component, layer, head if component == "query" else head // sharing))
        return {module: (lambda value, places=places: act(value, places, seen)) for module, places in at.items()}

    def look(self, value: Tensor, places: list[tuple[str, int, int]], seen: dict[tuple[str, int, int], Tensor]) -> None:
        for place in places:
            for prompt, token in enumerate(self.task.at):
                seen[*place, prompt] = value[prompt, token, place[2]].clone()

    def put(self, value: Tensor, places: list[tuple[str, int, int]], seen: dict[tuple[str, int, int], Tensor]) -> None:
        for place in places:
            for prompt, token in enumerate(self.task.at):
                value[prompt, token, place[2]] = seen[*place, prompt]


MAKERS = {PathPatch: Hop}
