"""Writes: what is to stand at a site of a forward pass instead of what the model computes there."""

from __future__ import annotations

from enum import Enum
from typing import assert_never

import torch
from attrs import evolve, frozen
from torch import Tensor

from entrack.sites import Site


class How(Enum):
    """What becomes of a value that the model computed."""

    SET = "set"
    """The write's values stand there instead."""
    ADD = "add"
    """They are added to it."""
    SCALE = "scale"
    """It is multiplied by them."""
    PROJECT_OUT = "project out"
    """Its part along them, which have length 1 or are zero, is taken away."""


@frozen(eq=False)
class Write:
    """Where `mask` is true, something else stands than what the model computed: `values` say what, as `how` says.

    `mask` bool and `values` broadcast to (prompt, token, head, 1) and (prompt, token, head, d_head), or, for a part
    without heads, to (prompt, token, 1) and (prompt, token, d_model), or both to (prompt, token, d_mlp). With `own`, as
    large as `mask`, a head keeps that share of what the model computed, and gets the rest from `values`.
    """

    site: Site
    mask: Tensor
    values: Tensor
    how: How = How.SET
    own: Tensor | None = None
    added: bool = False

    def to(self, device: torch.device) -> Write:
        """The same on a device."""
        if device == self.mask.device == self.values.device:
            return self
        own = None if self.own is None else self.own.to(device)
        return evolve(self, mask=self.mask.to(device), values=self.values.to(device), own=own)

    def applied(self, value: Tensor) -> Tensor:
        """What stands at the site instead of `value` (prompt, token, head, d_head), (prompt, token, d_model) or
        (prompt, token, d_mlp), on the device of that."""
        return torch.where(self.mask, self._changed(value).to(value.dtype), value)

    def _changed(self, value: Tensor) -> Tensor:
        """Computed in float32 also of a value of half precision."""
        match self.how:
            case How.SET:
                return self.values if self.own is None else self.own * value + (1 - self.own) * self.values
            case How.ADD:
                return value + self.values
            case How.SCALE:
                return value * self.values
            case How.PROJECT_OUT:
                return value - (value * self.values).sum(-1, keepdim=True) * self.values
            case _:
                assert_never(self.how)

    def since(self, prompts: Tensor, token: int) -> Write:
        """What is set of these prompts from a token on; only without `own`."""

        def part(value: Tensor) -> Tensor:
            value = value[prompts] if len(value) > 1 else value
            return value[:, token:] if value.shape[1] > 1 else value

        return evolve(self, mask=part(self.mask), values=part(self.values))

    def only(self, tokens: Tensor) -> Write:
        """What is set at these tokens (prompt, k) of each prompt; only without `own`."""
        prompts = torch.arange(len(tokens), device=tokens.device)[:, None]

        def part(value: Tensor) -> Tensor:
            return value.expand(len(tokens), *value.shape[1:])[
                prompts, tokens if value.shape[1] > 1 else torch.zeros_like(tokens)
            ]

        return evolve(self, mask=part(self.mask), values=part(self.values))
