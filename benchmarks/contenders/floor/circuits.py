"""Circuits. Heads kept with the mean elsewhere: tokens at which no head is kept are the same in all circuits, and a
base run has them. Only the tokens of the circuit's positions are run, from its lowest head on, and after its highest
only the last; attention is computed where a head is kept. Heads removed from the whole model: a suffix."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear

from benchmarks.contenders.floor.interchange import chosen, edited
from benchmarks.llama import Clean, Llama
from benchmarks.tasks import Circuits, Done, Placed


class Base:
    """A run with all heads at the mean (layer, token, head, d_head): residuals, keys and values as in a clean run,
    and what attentions write."""

    def __init__(self, llama: Llama, tokens: Tensor, mean: list[Tensor]) -> None:
        x = llama.embed(tokens)
        self.mean, self.residual, self.keys, self.values = mean, [], [], []
        self.attention = [llama.joined(layer, z) for layer, z in enumerate(mean)]
        for layer in range(llama.layers):
            h = llama.normed(layer, x)
            self.residual.append(x)
            self.keys.append(llama.turned(llama.projected(layer, "k", h), 0))
            self.values.append(llama.projected(layer, "v", h))
            x = llama.mlp(layer, x + self.attention[layer])


class Circuited:
    def __init__(self, contender: Any, task: Circuits) -> None:
        llama = contender.llama
        self.llama, self.task = llama, task
        self.asked = torch.tensor(task.asked, device=llama.device)
        tokens = torch.tensor(task.originals, device=llama.device)
        self.clean = Clean(llama, tokens)
        mean = [z.mean(0) for z in Clean(llama, torch.tensor(task.others, device=llama.device)).z]
        self.base = Base(llama, tokens, mean)

    def __call__(self, turn: int) -> Done:
        values, total = {}, 0
        for name, heads in self.task.turns[turn % len(self.task.turns)].items():
            logits, token_layers = self.kept(heads) if name.startswith("keep") else self.removed(heads)
            values[name] = chosen(logits, self.asked)
            total += token_layers
        return Done(values, total / (self.clean.z[0][..., 0, 0].numel() * self.llama.layers), total)

    def removed(self, heads: Placed) -> tuple[Tensor, int]:
        sets = []
        for position, layer, head in heads:
            at = self.task.positions[position]
            sets.append((at, layer, head, self.base.mean[layer][at, head]))
        return edited(self.llama, self.clean, sets)

    def kept(self, heads: Placed) -> tuple[Tensor, int]:
        """-> logits (prompt, vocabulary), token-layers"""
        names = sorted({"last", *(position for position, _, _ in heads)}, key=lambda name: self.task.positions[name])
        tokens = torch.tensor([self.task.positions[name] for name in names], device=self.llama.device).T
        rows = torch.arange(len(tokens), device=tokens.device)[:, None]
        layers = [layer for _, layer, _ in heads]
        x, total = self.base.residual[min(layers)][rows, tokens], 0
        for layer in range(min(layers), self.llama.layers):
            if layer == max(layers) + 1:
                x, tokens = x[:, -1:], tokens[:, -1:]
            here = [(names.index(position), head) for position, at, head in heads if at == layer]
            written = self.base.attention[layer][tokens]
            x = self.llama.mlp(layer, x + (self.written(layer, x, tokens, here, written) if here else written))
            total += x.shape[0] * x.shape[1]
        return self.llama.logits(x[:, -1]), total

    def written(self, layer: int, x: Tensor, tokens: Tensor, here: list[tuple[int, int]], written: Tensor) -> Tensor:
        """What the attention writes (prompt, token, d_model), with some heads (place among the tokens, head) as they
        are."""
        h, llama = self.llama.normed(layer, x), self.llama
        rows = torch.arange(len(tokens), device=tokens.device)[:, None]
        turn, written = (llama.cos[tokens], llama.sin[tokens]), written.clone()
        for shared in sorted({head * llama.shared // llama.heads for _, head in here}):
            keys, values = (kept[layer][:, :, shared].clone() for kept in (self.base.keys, self.base.values))
            keys[rows, tokens] = turned(linear(h, self.slice(layer, "k", shared)), *turn)
            values[rows, tokens] = linear(h, self.slice(layer, "v", shared))
            for place, head in here:
                if head * llama.shared // llama.heads != shared:
                    continue
                query = turned(linear(h[:, place], self.slice(layer, "q", head)), *(part[:, place] for part in turn))
                at = tokens[:, place, None]
                scores = torch.einsum("pd,ptd->pt", query, keys) * llama.d_head**-0.5
                late = torch.arange(keys.shape[1], device=at.device) > at
                z = torch.einsum("pt,ptd->pd", scores.masked_fill(late, -torch.inf).softmax(-1), values)
                weight = llama.of(layer, "self_attn.o_proj").unflatten(1, (llama.heads, -1))[:, head]
                written[:, place] += linear(z - self.base.mean[layer][tokens[:, place], head], weight)
        return written

    def slice(self, layer: int, name: str, head: int) -> Tensor:
        return self.llama.of(layer, f"self_attn.{name}_proj").unflatten(0, (-1, self.llama.d_head))[head]


def turned(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    first, second = x.chunk(2, -1)
    return x * cos + torch.cat([-second, first], -1) * sin
