"""Keys and values that a pass goes on from: of the tokens before those that are run, or of those around them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import torch
from attrs import frozen
from torch import Tensor
from transformers.cache_utils import Cache, CacheLayerMixin

from entrack.engine.loaded_model import LoadedModel


@frozen(eq=False)
class Prefix:
    """Keys and values of the tokens that come before the ones that are run, which are the clean run's.

    `layers` maps a layer to its (keys, values), both (prompt, key/value head, token, d_head), after rotary embedding;
    row i of the pass continues prompt `prompts[i]`, or prompt i.
    """

    length: int
    layers: Mapping[int, tuple[Tensor, Tensor]]
    prompts: Tensor | None = None

    def rows(self, layer: int) -> tuple[Tensor, Tensor]:
        """Keys and values for the rows of the pass."""
        keys, values = self.layers[layer]
        return (keys, values) if self.prompts is None else (keys[self.prompts], values[self.prompts])


@frozen(eq=False)
class Around:
    """Keys and values of all tokens, from a run that differs from this one only at `tokens` (prompt, k), which alone
    are run.

    `keys` and `values` are what a cache took up, (layer, prompt, key/value head, token, d_head).
    """

    tokens: Tensor
    keys: Tensor
    values: Tensor

    def put(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values of all tokens, with the new ones at theirs, where these are."""
        index = self.tokens[:, None, :, None].to(keys.device).expand(keys.shape)
        every, read = (kept[layer].to(keys.device) for kept in (self.keys, self.values))
        return every.scatter(2, index, keys), read.scatter(2, index, values)

    def mask(self, dtype: torch.dtype) -> Tensor:
        """What is added to the scores, so that a token attends to itself and those before it. -> (prompt, 1, k,
        token)"""
        length = self.keys.shape[3]
        later = torch.arange(length, device=self.tokens.device) > self.tokens[:, None, :, None]
        return torch.zeros(later.shape, dtype=dtype, device=self.tokens.device).masked_fill(later, -torch.inf)


def taken(cache: Cache, side: Literal["keys", "values"], first: int = 0, until: int | None = None) -> list[Tensor]:
    """What a cache took up of the layers from `first` on, tokens before `until`: keys (after rotary embedding) or
    values (prompt, key/value head, token, d_head). The cache lets go of them."""
    layers: list[Any] = list(cache.layers)
    found = []
    for index, layer in enumerate(layers):
        if index >= first:
            found.append(getattr(layer, side) if until is None else getattr(layer, side)[:, :, :until].clone())
        setattr(layer, side, None)
    return found


class _Layer(CacheLayerMixin):  # type: ignore[no-untyped-call]  # its __init_subclass__ has no types
    """What the layers of all these caches have in common: nothing to prepare, no window, no end."""

    is_sliding = False

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        pass

    def get_seq_length(self) -> int:
        return 0

    def get_max_length(self) -> int:
        return -1


class TakingLayer(_Layer):
    """One layer's keys and values, taken up at the model's home and handed on as they are: where they lie otherwise, a
    product of them has other bits than in a run that keeps nothing."""

    def __init__(self, home: torch.device) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # untyped in transformers
        self.home = home

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        self.keys, self.values = (taken.contiguous().to(self.home) for taken in (key_states, value_states))
        return key_states, value_states

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return query_length, 0


class PrefixLayer(_Layer):
    """One layer's keys and values of the prefix, put before the new ones, which are not kept.

    Rows are copied out of the prompts' prefixes when the layer runs, so that a pass holds one layer's copies at a time.
    """

    def __init__(self, prefix: Prefix, layer: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # untyped in transformers
        self.prefix, self.layer = prefix, layer

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        keys, values = (rows.to(key_states.device) for rows in self.prefix.rows(self.layer))
        return torch.cat([keys, key_states], dim=-2), torch.cat([values, value_states], dim=-2)

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.prefix.length + query_length, 0

    def get_seq_length(self) -> int:
        return self.prefix.length


class AroundLayer(_Layer):
    """One layer's keys and values of all tokens, into which the new ones are put."""

    def __init__(self, around: Around, layer: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # untyped in transformers
        self.around, self.layer = around, layer

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        return self.around.put(self.layer, key_states, value_states)

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.around.tokens.shape[1], 0


def cache_of(model: LoadedModel, make: Callable[[int], CacheLayerMixin]) -> Cache:
    return Cache(layers=[make(layer) for layer in range(model.facts.layers)])


def taking(model: LoadedModel) -> Cache:
    """What takes up the keys and values of one pass."""
    return cache_of(model, lambda _: TakingLayer(model.device))
