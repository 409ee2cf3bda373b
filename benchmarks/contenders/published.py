"""Experiments as arXiv:2402.14811's code does them, written anew from its description: a full forward pass with
hooks for each head or variant, two for a head where there are receivers, the edits made prompt by prompt and head by
head in Python, logits at every token."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModelForCausalLM

from benchmarks.contenders import base
from benchmarks.tasks import Circuits, Done, Interchange, Mask, PathPatch, Placed, rolled

Change = Callable[[Tensor], None]
Seen = dict[tuple[str, int, int, int], Tensor]
"""What was read, by component, layer, head and prompt: (d_head)."""


class Contender(base.Contender):
    def __init__(self, folder: Path, device: str) -> None:
        super().__init__()
        model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype="auto", attn_implementation="sdpa")
        self.model = model.to(device).eval().requires_grad_(False)
        self.config, self.device = self.model.config, device
        self.forwards = 0
        self.model(
            torch.zeros(1, 1, dtype=torch.int64, device=device)
        )  # the weights are in memory before anything is measured

    def done(self, values: dict[str, list[float]], tokens: Tensor, times: int = 1, **more: Any) -> Done:
        """With what was run since the last time; `times` counts the way back of a gradient."""
        forwards, self.forwards = times * self.forwards, 0
        return Done(values, forwards, forwards * tokens.numel() * self.config.num_hidden_layers, **more)

    def forward(
        self,
        tokens: Tensor,
        before: dict[nn.Module, Change] | None = None,
        after: dict[nn.Module, Change] | None = None,
    ) -> Tensor:
        """Logits at the last token; what goes into or comes out of modules is changed in place, or looked at,
        (prompt, token, head, d_head)."""
        self.forwards += 1
        with ExitStack() as stack:
            for module, change in (before or {}).items():
                stack.callback(
                    module.register_forward_pre_hook(
                        lambda _, inputs, change=change: (self.changed(inputs[0], change),)
                    ).remove
                )
            for module, change in (after or {}).items():
                stack.callback(
                    module.register_forward_hook(
                        lambda _, inputs, output, change=change: self.changed(output, change)
                    ).remove
                )
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
        look: dict[nn.Module, Change] = {self.attention(i).o_proj: partial(self._see, seen, i, at) for i in layers}
        self.forward(tokens, before=look)
        return torch.stack([seen[i] for i in layers])

    @staticmethod
    def _see(seen: dict[int, Tensor], layer: int, at: list[int], value: Tensor) -> None:
        seen[layer] = value[torch.arange(len(at)), at].clone()


class Hop:
    def __init__(self, contender: Contender, task: PathPatch) -> None:
        self.contender, self.task = contender, task
        self.tokens = torch.tensor(task.originals, device=contender.device)
        self.clean = contender.outputs(self.tokens, task.at)
        self.alternate = contender.outputs(torch.tensor(task.alternates, device=contender.device), task.alternate_at)
        self.asked = torch.tensor(task.asked, device=contender.device)

    def __call__(self, turn: int) -> Done:
        alternate, self.contender.forwards = self.alternate[:, rolled(list(range(len(self.tokens))), turn)], 0
        values = {f"{layer}.{head}": self.sender(layer, head, alternate) for layer, head in self.task.slow_senders()}
        return self.contender.done(values, self.tokens)

    def sender(self, layer: int, head: int, alternate: Tensor) -> list[float]:
        seen: Seen = {}
        hold = {self.contender.attention(i).o_proj: self.held(i, layer, head, alternate) for i in range(len(alternate))}
        logits = self.contender.forward(self.tokens, hold, self.receivers(seen, self.look))
        if self.task.receivers:
            logits = self.contender.forward(self.tokens, after=self.receivers(seen, self.put))
        return chosen(logits, self.asked)

    def held(self, index: int, layer: int, head: int, alternate: Tensor) -> Change:
        def change(z: Tensor) -> None:
            for prompt, token in enumerate(self.task.at):
                for one in range(z.shape[2]):
                    source = alternate if (index, one) == (layer, head) else self.clean
                    z[prompt, token, one] = source[index, prompt, one]

        return change

    def receivers(self, seen: Seen, act: Callable[..., None]) -> dict[nn.Module, Change]:
        """What to do at each receiver's projection; several heads of one projection are seen to together."""
        at: dict[nn.Module, list[tuple[str, int, int]]] = {}
        sharing = self.contender.config.num_attention_heads // self.contender.config.num_key_value_heads
        for component, layer, head in self.task.receivers:
            module = getattr(self.contender.attention(layer), f"{component[0]}_proj")
            at.setdefault(module, []).append((component, layer, head if component == "query" else head // sharing))
        return {module: partial(act, places=places, seen=seen) for module, places in at.items()}

    def look(self, value: Tensor, places: list[tuple[str, int, int]], seen: Seen) -> None:
        for place in places:
            for prompt, token in enumerate(self.task.at):
                seen[*place, prompt] = value[prompt, token, place[2]].clone()

    def put(self, value: Tensor, places: list[tuple[str, int, int]], seen: Seen) -> None:
        for place in places:
            for prompt, token in enumerate(self.task.at):
                value[prompt, token, place[2]] = seen[*place, prompt]


class Circuited:
    """The mean is put over every head, and what is kept put back; or put over what is removed."""

    def __init__(self, contender: Contender, task: Circuits) -> None:
        self.contender, self.task = contender, task
        self.tokens = torch.tensor(task.originals, device=contender.device)
        self.asked = torch.tensor(task.asked, device=contender.device)
        self.mean: dict[int, Tensor] = {}
        layers = range(contender.config.num_hidden_layers)
        look: dict[nn.Module, Change] = {contender.attention(i).o_proj: partial(self._average, i) for i in layers}
        contender.forward(torch.tensor(task.others, device=contender.device), before=look)

    def _average(self, layer: int, value: Tensor) -> None:
        self.mean[layer] = value.mean(0)

    def __call__(self, turn: int) -> Done:
        self.contender.forwards, variants = 0, list(self.task.turns[turn % len(self.task.turns)].items())
        values = {name: self.variant(name.startswith("keep"), heads) for name, heads in variants[: self.task.slow]}
        return self.contender.done(values, self.tokens)

    def variant(self, keep: bool, heads: Placed) -> list[float]:
        hooks = {
            self.contender.attention(i).o_proj: self.kept(i, heads) if keep else self.removed(i, heads)
            for i in self.mean
        }
        return chosen(self.contender.forward(self.tokens, before=hooks), self.asked)

    def kept(self, index: int, heads: Placed) -> Change:
        def change(z: Tensor) -> None:
            own = z.clone()
            z[:] = self.mean[index]
            for prompt, token, head in self.places(index, heads):
                z[prompt, token, head] = own[prompt, token, head]

        return change

    def removed(self, index: int, heads: Placed) -> Change:
        def change(z: Tensor) -> None:
            for prompt, token, head in self.places(index, heads):
                z[prompt, token, head] = self.mean[index][token, head]

        return change

    def places(self, index: int, heads: Placed) -> list[tuple[int, int, int]]:
        here = [(self.task.positions[position], head) for position, layer, head in heads if layer == index]
        return [(prompt, token, head) for at, head in here for prompt, token in enumerate(at)]


class Interchanged:
    def __init__(self, contender: Contender, task: Interchange) -> None:
        self.contender, self.task = contender, task
        self.tokens, alternates = (
            torch.tensor(tokens, device=contender.device) for tokens in (task.originals, task.alternates)
        )
        self.asked = torch.tensor(task.asked, device=contender.device)
        self.alternate = {name: contender.outputs(alternates, at) for name, at in task.alternate_positions.items()}

    def __call__(self, turn: int) -> Done:
        order, self.contender.forwards = rolled(list(range(len(self.tokens))), turn), 0
        values = {name: self.variant(heads, order) for name, heads in self.task.slow_variants().items()}
        return self.contender.done(values, self.tokens)

    def variant(self, heads: Placed, order: list[int]) -> list[float]:
        layers = sorted({layer for _, layer, _ in heads})
        return chosen(
            self.contender.forward(
                self.tokens, {self.contender.attention(i).o_proj: self.set(i, heads, order) for i in layers}
            ),
            self.asked,
        )

    def set(self, index: int, heads: Placed, order: list[int]) -> Change:
        def change(z: Tensor) -> None:
            for position, layer, head in heads:
                for prompt, token in enumerate(self.task.positions[position]):
                    if layer == index:
                        z[prompt, token, head] = self.alternate[position][layer, order[prompt], head]

        return change


class Masked:
    """Full passes forward, and back to the mask, with Adam."""

    def __init__(self, contender: Contender, task: Mask) -> None:
        self.contender, self.task = contender, task
        self.tokens = torch.tensor(task.originals, device=contender.device)
        self.target = torch.tensor(task.target, device=contender.device)
        self.alternate = contender.outputs(torch.tensor(task.alternates, device=contender.device), task.alternate_at)

    def __call__(self, turn: int) -> Done:
        alternate, self.contender.forwards = self.alternate[:, rolled(list(range(len(self.tokens))), turn)], 0
        mask = torch.ones(len(self.task.heads), device=self.tokens.device, requires_grad=True)
        adam = torch.optim.Adam([mask], lr=self.task.rate)
        losses = [self.step(mask, alternate, adam) for _ in range(self.task.steps)]
        return self.contender.done({"loss": losses}, self.tokens, times=3, units=self.task.steps)

    def step(self, mask: Tensor, alternate: Tensor, adam: torch.optim.Optimizer) -> float:
        with torch.no_grad():
            mask.clamp_(0, 1)
        adam.zero_grad()
        with torch.enable_grad():
            hooks = {
                self.contender.attention(i).o_proj: self.mixed(i, mask, alternate)
                for i in {layer for layer, _ in self.task.heads}
            }
            logits = self.contender.forward(self.tokens, hooks)
            loss = self.task.sparsity * (1 - mask).sum() - logits.gather(1, self.target[:, None]).mean()
            loss.backward()
        adam.step()
        return float(loss.detach())

    def mixed(self, index: int, mask: Tensor, alternate: Tensor) -> Change:
        def change(z: Tensor) -> None:
            for i, (layer, head) in enumerate(self.task.heads):
                for prompt, token in enumerate(self.task.at):
                    if layer == index:
                        z[prompt, token, head] = (
                            mask[i] * z[prompt, token, head].clone() + (1 - mask[i]) * alternate[layer, prompt, head]
                        )

        return change


def chosen(logits: Tensor, asked: Tensor) -> list[float]:
    """Log probabilities of the asked tokens, prompt by prompt."""
    return logits.log_softmax(-1).gather(-1, asked[:, None])[:, 0].tolist()


Contender.makers = {PathPatch: Hop, Mask: Masked, Circuits: Circuited, Interchange: Interchanged}
