"""The floor: the matrix products that cannot be avoided, in bare torch, with the batching of the others. No checks, no store, no framework.

Path patching. First pass: a row is one (head, prompt); norms and MLPs at one token, from the sender's layer to the highest receiver's, or to the
logits. Second: the tokens of a prompt from its own position on, from the lowest receiver's layer, on the clean keys and values of
the tokens before, which rows of one prompt share; in the last layer only the last token.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.llama import Clean, Llama
from benchmarks.tasks import Done, PathPatch, Task, rolled

TOKENS_AT_ONCE = 1 << 14
"""Tokens that go through a layer together; more would not be faster."""


class Contender:
    def __init__(self, folder: Path, device: str) -> None:
        self.llama = Llama(folder, device)
        self.runs: Callable[[int], Done] | None = None

    def forget(self) -> None:
        self.runs = None

    def prepare(self, task: Task) -> None:
        """Clean runs, kept."""
        self.runs = MAKERS[type(task)](self.llama, task)

    def run(self, turn: int) -> Done:
        assert self.runs is not None
        return self.runs(turn)


class Hop:
    """A hop made ready: the clean run, and z of the alternates at their tokens, (layer, prompt, head, d_head)."""

    def __init__(self, llama: Llama, task: PathPatch) -> None:
        self.llama, self.task = llama, task
        self.prompts = torch.arange(len(task.originals), device=llama.device)
        self.at = torch.tensor(task.at, device=llama.device)
        self.asked = torch.tensor(task.asked, device=llama.device)
        self.clean = Clean(llama, torch.tensor(task.originals, device=llama.device))
        other = Clean(llama, torch.tensor(task.alternates, device=llama.device))
        self.alternate = torch.stack([z[self.prompts, torch.tensor(task.alternate_at, device=llama.device)] for z in other.z])
        self.reads: dict[int, list[tuple[str, int]]] = {}
        for component, layer, head in task.receivers:
            number = head if component == "query" else head * llama.shared // llama.heads
            self.reads.setdefault(layer, []).append((component[0], number))

    def __call__(self, turn: int) -> Done:
        values: dict[str, list[float]] = {}
        self.token_layers = 0
        order = torch.tensor(rolled(list(range(len(self.prompts))), turn), device=self.llama.device)
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
        x = self.here(layer) + torch.einsum("phd,ohd->hpo", moved, weight)
        if not self.reads:
            return self.llama.logits(self.chain(layer, self.llama.layers - 1, x)[0])
        _, read = self.chain(layer, max(self.reads), x)
        groups = [(since, (self.at == since).nonzero()[:, 0]) for since in sorted(set(self.task.at))]
        heads = max(1, TOKENS_AT_ONCE // sum((self.clean.z[0].shape[1] - since) * len(prompts) for since, prompts in groups))
        return torch.cat([Suffix(self, groups, read, part).logits() for part in torch.arange(self.llama.heads, device=x.device).split(heads)])

    def here(self, layer: int) -> Tensor:
        """The clean residual after a layer's attention, at the position. -> (prompt, d_model)"""
        return self.clean.residual[layer][self.prompts, self.at] + self.clean.attention[layer][self.prompts, self.at]

    def chain(self, first: int, last: int, x: Tensor) -> tuple[Tensor, dict[tuple[int, str, int], Tensor]]:
        """From a layer's attention output on, (head, prompt, d_model). -> the residual at the end, and what the receivers read"""
        read: dict[tuple[int, str, int], Tensor] = {}
        for layer in range(first, last + 1):
            if layer > first:
                for name, number in self.reads.get(layer, ()):
                    weight = self.llama.of(layer, f"self_attn.{name}_proj").unflatten(0, (-1, self.llama.d_head))[number]
                    read[layer, name, number] = torch.nn.functional.linear(self.llama.normed(layer, x), weight)
                x = x + self.clean.attention[layer][self.prompts, self.at]
            if layer < last or not self.reads:
                x = self.llama.mlp(layer, x)
                self.token_layers += x.shape[0] * x.shape[1]
        return x, read


class Suffix:
    """The second pass for some heads as senders. Prompts go in groups of one position; x holds all rows' tokens, one after another."""

    def __init__(self, hop: Hop, groups: list[tuple[int, Tensor]], read: dict[tuple[int, str, int], Tensor], senders: Tensor) -> None:
        self.hop, self.llama, self.groups, self.read, self.senders = hop, hop.llama, groups, read, senders
        self.length = hop.clean.z[0].shape[1]
        self.first = min(layer for layer, _, _ in read)

    def logits(self) -> Tensor:
        """-> (sender, prompt, vocabulary)"""
        residual, layers = self.hop.clean.residual[self.first], self.llama.layers
        starts = [residual[prompts, since:].expand(len(self.senders), -1, -1, -1) for since, prompts in self.groups]
        x = torch.cat([start.flatten(0, 2) for start in starts])
        for layer in range(self.first, layers):
            x = self.layer(layer, x, only_last=layer == layers - 1)
            self.hop.token_layers += len(x)
        x = torch.cat([part.unflatten(0, (len(self.senders), -1)) for part in self.parts(x, [1] * len(self.groups))], 1)
        order = torch.cat([prompts for _, prompts in self.groups])
        return self.llama.logits(x[:, order.argsort()])

    def layer(self, layer: int, x: Tensor, only_last: bool) -> Tensor:
        h = self.llama.normed(layer, x)
        whole = [self.length - since for since, _ in self.groups]
        keys, values = (self.parts(self.llama.projected(layer, name, h), whole) for name in "kv")
        tokens = [1] * len(whole) if only_last else whole
        if only_last:
            x, h = (torch.cat([self.last(part, n) for part, n in zip(self.parts(y, whole), whole, strict=True)]) for y in (x, h))
        queries = self.parts(self.llama.projected(layer, "q", h), tokens)
        z = torch.cat([self.attention(layer, place, queries[place], keys[place], values[place]) for place in range(len(whole))])
        return self.llama.mlp(layer, x + self.llama.joined(layer, z))

    def parts(self, x: Tensor, tokens: list[int]) -> tuple[Tensor, ...]:
        """Cut into groups, each (sender * prompt * token, ...)."""
        return x.split([len(self.senders) * len(prompts) * n for (_, prompts), n in zip(self.groups, tokens, strict=True)])

    def last(self, part: Tensor, tokens: int) -> Tensor:
        return part.unflatten(0, (-1, tokens))[:, -1]

    def attention(self, layer: int, place: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Of one group: rows attend to the clean tokens before, which they share, and to their own. -> z (row * token, head, d_head)"""
        since, prompts = self.groups[place]
        shape = (len(self.senders), len(prompts), -1)
        query, key, value = (part.unflatten(0, shape).clone() for part in (query, key, value))
        for (at, name, number), seen in self.read.items():
            if at == layer:
                {"q": query, "k": key, "v": value}[name][:, :, 0, number] = seen[self.senders][:, prompts]
        query, key = self.llama.turned(query, self.length - query.shape[2]), self.llama.turned(key, since)
        return attended(query, key, value, self.hop.clean.keys[layer][prompts, :since], self.hop.clean.values[layer][prompts, :since]).flatten(0, 2)


def attended(query: Tensor, key: Tensor, value: Tensor, key_before: Tensor, value_before: Tensor) -> Tensor:
    """Attention of (row, prompt, token, head, d_head) to tokens (prompt, token, key/value head, d_head) that come before and to its own."""
    query = query.unflatten(3, (key.shape[3], -1)) * query.shape[-1] ** -0.5
    own = torch.einsum("hptksd,hpukd->hpkstu", query, key)
    late = torch.ones(own.shape[-2:], dtype=torch.bool, device=own.device).triu(1 + own.shape[-1] - own.shape[-2])
    own = own.masked_fill(late, -torch.inf)
    scores = torch.cat([torch.einsum("hptksd,pukd->hpkstu", query, key_before), own], -1)
    before, here = scores.softmax(-1, dtype=torch.float32).to(query.dtype).split([key_before.shape[1], key.shape[2]], -1)
    mixed = torch.einsum("hpkstu,pukd->hptksd", before, value_before) + torch.einsum("hpkstu,hpukd->hptksd", here, value)
    return mixed.flatten(3, 4)


MAKERS = {PathPatch: Hop}
