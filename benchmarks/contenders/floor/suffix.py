"""A pass on the tokens of each prompt from one on, and the layers from one on, on the clean keys and values of the
tokens before.

Several copies of a prompt share these. Prompts go in groups that start at one token; in the products all tokens of all
groups stand one after another, so that none is run that is not needed; in the last layer only the last token is.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from benchmarks.llama import Clean, Llama

Change = Callable[[int, str, Tensor, int, Tensor], Tensor]
"""(layer, one of q k v z, prompts, the first token's number, (copy, prompt, token, head, d_head)) -> what stands
there instead."""
Groups = list[tuple[int, Tensor]]
"""The token at which they start, and prompts."""


def nothing(layer: int, part: str, prompts: Tensor, since: int, value: Tensor) -> Tensor:
    """No change."""
    return value


def grouped(starts: Tensor) -> Groups:
    """Prompts by the token at which they start."""
    return [(since, (starts == since).nonzero()[:, 0]) for since in sorted(set(starts.tolist()))]


class Suffix:
    """With `z_only`, nothing is changed before z, so the first layer's attention is the clean one. A prompt may be in
    several groups. `token_layers` are counted."""

    def __init__(
        self,
        llama: Llama,
        clean: Clean,
        groups: Groups,
        copies: int,
        first: int,
        change: Change = nothing,
        z_only: bool = False,
    ) -> None:
        self.llama, self.clean, self.groups, self.copies = llama, clean, groups, copies
        self.first, self.change, self.z_only = first, change, z_only
        self.length = clean.z[0].shape[1]
        self.token_layers = 0

    def logits(self, x: Tensor | None = None) -> Tensor:
        """From the first layer's input (copy * prompt * token, d_model), by default the clean one. -> (copy, prompt,
        vocabulary), those of a prompt in the order of the groups"""
        x = self.started(self.clean.residual[self.first]) if x is None else x
        for layer in range(self.first, self.llama.layers):
            self.token_layers += len(x)
            x = self.layer(layer, x, only_last=layer == self.llama.layers - 1)
        x = torch.cat([part.unflatten(0, (self.copies, -1)) for part in self.parts(x, [1] * len(self.groups))], 1)
        order = torch.cat([prompts for _, prompts in self.groups])
        return self.llama.logits(x[:, order.argsort(stable=True)])

    def started(self, value: Tensor) -> Tensor:
        """Of (prompt, token, ...) the tokens of each group, copied. -> (copy * prompt * token, ...)"""
        return torch.cat(
            [
                value[prompts, since:].expand(self.copies, *[-1] * value.dim()).flatten(0, 2)
                for since, prompts in self.groups
            ]
        )

    def layer(self, layer: int, x: Tensor, only_last: bool) -> Tensor:
        if self.z_only and layer == self.first:
            x, z = (self.lasts(y) if only_last else y for y in (x, self.started(self.clean.z[layer])))
            tokens = [1] * len(self.groups) if only_last else self.tokens
            z = torch.cat([self.changed(layer, "z", place, part) for place, part in enumerate(self.parts(z, tokens))])
            return self.llama.mlp(layer, x + self.llama.joined(layer, z))
        h = self.llama.normed(layer, x)
        keys, values = (self.parts(self.llama.projected(layer, name, h), self.tokens) for name in "kv")
        x, h = (self.lasts(y) if only_last else y for y in (x, h))
        queries = self.parts(self.llama.projected(layer, "q", h), [1] * len(self.groups) if only_last else self.tokens)
        z = torch.cat(
            [self.attention(layer, place, *qkv) for place, qkv in enumerate(zip(queries, keys, values, strict=True))]
        )
        return self.llama.mlp(layer, x + self.llama.joined(layer, z))

    @property
    def tokens(self) -> list[int]:
        """Of each group."""
        return [self.length - since for since, _ in self.groups]

    def parts(self, x: Tensor, tokens: list[int]) -> tuple[Tensor, ...]:
        """Cut into groups, each (copy * prompt * token, ...)."""
        return x.split([self.copies * len(prompts) * n for (_, prompts), n in zip(self.groups, tokens, strict=True)])

    def lasts(self, x: Tensor) -> Tensor:
        """The last tokens only."""
        return torch.cat(
            [part.unflatten(0, (-1, n))[:, -1] for part, n in zip(self.parts(x, self.tokens), self.tokens, strict=True)]
        )

    def changed(self, layer: int, part: str, place: int, value: Tensor) -> Tensor:
        """(copy * prompt * token, head, d_head), or so unflattened."""
        prompts = self.groups[place][1]
        value = value.unflatten(0, (self.copies, len(prompts), -1)) if value.dim() == 3 else value
        done = self.change(layer, part, prompts, self.length - value.shape[2], value)
        return done.flatten(0, 2) if part == "z" else done

    def attention(self, layer: int, place: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Of one group: rows attend to the clean tokens before, which they share, and to their own. -> z (row *
        token, head, d_head)"""
        since, prompts = self.groups[place]
        query, key, value = (
            self.changed(layer, name, place, part) for name, part in (("q", query), ("k", key), ("v", value))
        )
        query, key = self.llama.turned(query, self.length - query.shape[2]), self.llama.turned(key, since)
        before = (kept[layer][prompts, :since] for kept in (self.clean.keys, self.clean.values))
        return self.changed(layer, "z", place, attended(query, key, value, *before))


def attended(query: Tensor, key: Tensor, value: Tensor, key_before: Tensor, value_before: Tensor) -> Tensor:
    """Attention of (row, prompt, token, head, d_head) to tokens (prompt, token, key/value head, d_head) that come
    before and to its own."""
    query = query.unflatten(3, (key.shape[3], -1)) * query.shape[-1] ** -0.5
    own = torch.einsum("hptksd,hpukd->hpkstu", query, key)
    late = torch.ones(own.shape[-2:], dtype=torch.bool, device=own.device).triu(1 + own.shape[-1] - own.shape[-2])
    own = own.masked_fill(late, -torch.inf)
    scores = torch.cat([torch.einsum("hptksd,pukd->hpkstu", query, key_before), own], -1)
    before, here = (
        scores.softmax(-1, dtype=torch.float32).to(query.dtype).split([key_before.shape[1], key.shape[2]], -1)
    )
    mixed = torch.einsum("hpkstu,pukd->hptksd", before, value_before) + torch.einsum(
        "hpkstu,hpukd->hptksd", here, value
    )
    return mixed.flatten(3, 4)
