"""Path patching. First pass: a row is one (sender, prompt); norms and MLPs at one token, from the sender's layer to
the highest receiver's, or to the logits. Second: a suffix from the lowest receiver's layer and the position."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from benchmarks.contenders.floor.suffix import Suffix, grouped
from benchmarks.llama import Clean
from benchmarks.tasks import Done, PathPatch, rolled

TOKENS_AT_ONCE = 1 << 14
"""Tokens that go through a layer together; more would not be faster."""


class Hop:
    """A hop made ready: the clean run, and what senders give on the alternates at their tokens, (layer, prompt, head,
    d_head) or (layer, prompt, d_model)."""

    def __init__(self, contender: Any, task: PathPatch) -> None:
        llama = contender.llama
        self.llama, self.task = llama, task
        self.prompts = torch.arange(len(task.originals), device=llama.device)
        self.at = torch.tensor(task.at, device=llama.device)
        self.asked = torch.tensor(task.asked, device=llama.device)
        self.clean = Clean(llama, torch.tensor(task.originals, device=llama.device))
        other = Clean(llama, torch.tensor(task.alternates, device=llama.device))
        self.alternate = torch.stack(
            [
                value[self.prompts, torch.tensor(task.alternate_at, device=llama.device)]
                for value in (other.mlp if task.mlps else other.z)
            ]
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
            values.update(zip(self.task.senders(layer, len(found)), found.tolist(), strict=True))
        whole = len(self.prompts) * len(self.task.originals[0]) * self.llama.layers
        return Done(values, self.token_layers / whole, self.token_layers)

    def layer(self, layer: int, alternate: Tensor) -> Tensor:
        """Logits with each head, or the MLP, of a layer the sender. -> (sender, prompt, vocabulary)"""
        here = self.clean.residual[layer][self.prompts, self.at] + self.clean.attention[layer][self.prompts, self.at]
        if self.task.mlps:
            x = (here + alternate)[None]
        else:
            moved = alternate - self.clean.z[layer][self.prompts, self.at]
            x = here + torch.einsum("phd,ohd->hpo", moved, self.llama.by_head(layer))
        last = max(self.reads) if self.reads else self.llama.layers - 1
        x, read = self.chain(layer + self.task.mlps, last, x, whole=self.task.mlps)
        if not self.reads:
            return self.llama.logits(x)
        most = max(1, TOKENS_AT_ONCE // int((self.clean.z[0].shape[1] - self.at).sum()))
        return torch.cat(
            [self.received(read, senders) for senders in torch.arange(len(x), device=x.device).split(most)]
        )

    def chain(
        self, first: int, last: int, x: Tensor, *, whole: bool
    ) -> tuple[Tensor, dict[tuple[int, str, int], Tensor]]:
        """From what stands after a layer's attention on, or, where it is run as a `whole`, before it, (sender, prompt,
        d_model). -> the residual at the end, and what the receivers read"""
        read: dict[tuple[int, str, int], Tensor] = {}
        for layer in range(first, last + 1):
            if layer > first or whole:
                for name, number in self.reads.get(layer, ()):
                    read[layer, name, number] = self.llama.projected_one(
                        layer, name, number, self.llama.normed(layer, x)
                    )
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
