"""Path patching. First pass: a row is one (head, prompt); norms and MLPs at one token, from the sender's layer to
the highest receiver's, or to the logits. Second: a suffix from the lowest receiver's layer and the position."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear

from benchmarks.contenders.floor.suffix import Suffix, grouped
from benchmarks.llama import Clean
from benchmarks.tasks import Done, PathPatch, rolled

TOKENS_AT_ONCE = 1 << 14
"""Tokens that go through a layer together; more would not be faster."""


class Hop:
    """A hop made ready: the clean run, and z of the alternates at their tokens, (layer, prompt, head, d_head)."""

    def __init__(self, contender: Any, task: PathPatch) -> None:
        llama = contender.llama
        self.llama, self.task = llama, task
        self.prompts = torch.arange(len(task.originals), device=llama.device)
        self.at = torch.tensor(task.at, device=llama.device)
        self.asked = torch.tensor(task.asked, device=llama.device)
        self.clean = Clean(llama, torch.tensor(task.originals, device=llama.device))
        other = Clean(llama, torch.tensor(task.alternates, device=llama.device))
        self.alternate = torch.stack(
            [z[self.prompts, torch.tensor(task.alternate_at, device=llama.device)] for z in other.z]
        )
        self.reads: dict[int, list[tuple[str, int]]] = {}
        for component, layer, head in task.receivers:
            self.reads.setdefault(layer, []).append(
                (component[0], head if component == "query" else head * llama.shared // llama.heads)
            )

    def __call__(self, turn: int) -> Done:
        values: dict[str, list[float]] = {}
        self.token_layers = 0
        order = rolled(list(range(len(self.prompts))), turn)
        for layer in self.task.layers:
            rows = self.layer(layer, self.alternate[layer][order]).log_softmax(-1)
            found = rows.gather(-1, self.asked[None, :, None].expand(len(rows), -1, 1))[..., 0]
            values.update((f"{layer}.{head}", one) for head, one in enumerate(found.tolist()))
        whole = len(self.prompts) * len(self.task.originals[0]) * self.llama.layers
        return Done(values, self.token_layers / whole, self.token_layers)

    def layer(self, layer: int, alternate: Tensor) -> Tensor:
        """Logits with each head of a layer the sender. -> (head, prompt, vocabulary)"""
        moved = alternate - self.clean.z[layer][self.prompts, self.at]
        weight = self.llama.of(layer, "self_attn.o_proj").unflatten(1, (self.llama.heads, -1))
        here = self.clean.residual[layer][self.prompts, self.at] + self.clean.attention[layer][self.prompts, self.at]
        x = here + torch.einsum("phd,ohd->hpo", moved, weight)
        if not self.reads:
            return self.llama.logits(self.chain(layer, self.llama.layers - 1, x)[0])
        _, read = self.chain(layer, max(self.reads), x)
        most = max(1, TOKENS_AT_ONCE // int((self.clean.z[0].shape[1] - self.at).sum()))
        return torch.cat(
            [self.received(read, senders) for senders in torch.arange(self.llama.heads, device=x.device).split(most)]
        )

    def chain(self, first: int, last: int, x: Tensor) -> tuple[Tensor, dict[tuple[int, str, int], Tensor]]:
        """From a layer's attention output on, (head, prompt, d_model). -> the residual at the end, and what the
        receivers read"""
        read: dict[tuple[int, str, int], Tensor] = {}
        for layer in range(first, last + 1):
            if layer > first:
                for name, number in self.reads.get(layer, ()):
                    weight = self.llama.of(layer, f"self_attn.{name}_proj").unflatten(0, (-1, self.llama.d_head))[
                        number
                    ]
                    read[layer, name, number] = linear(self.llama.normed(layer, x), weight)
                x = x + self.clean.attention[layer][self.prompts, self.at]
            if layer < last or not self.reads:
                x = self.llama.mlp(layer, x)
                self.token_layers += x.shape[0] * x.shape[1]
        return x, read

    def received(self, read: dict[tuple[int, str, int], Tensor], senders: Tensor) -> Tensor:
        """The second pass for some of the senders. -> (sender, prompt, vocabulary)"""

        def change(layer: int, part: str, prompts: Tensor, since: int, value: Tensor) -> Tensor:
            here = [(number, seen) for (at, name, number), seen in read.items() if (at, name) == (layer, part)]
            token = int(self.at[prompts[0]]) - since
            if not here or token < 0:
                return value
            value = value.clone()
            for number, seen in here:
                value[:, :, token, number] = seen[senders][:, prompts]
            return value

        first = min(layer for layer, _, _ in read)
        suffix = Suffix(self.llama, self.clean, grouped(self.at), len(senders), first, change)
        logits = suffix.logits()
        self.token_layers += suffix.token_layers
        return logits
