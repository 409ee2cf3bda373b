"""A model in memory: its modules found by the record of its family, and its heads by the views that stand there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from attrs import field, frozen
from nnsight import NNsight
from torch import Tensor, nn

from entrack.engine import views
from entrack.engine.errors import EngineError
from entrack.families.base import Door, Family, Heads
from entrack.model_config import ModelFacts
from entrack.models.key import ModelKey
from entrack.sites import SHARED, STREAM, Part, Site

WRITERS = (*STREAM, Part.OUTPUT, Part.NEURON, Part.ATTENTION, Part.MLP)
"""Parts that write to the residual stream, or are it."""


@frozen(eq=False)
class LoadedModel:
    """A model in memory, in eval mode, with its module tree opened for reading and setting.

    `device` is its home: where tokens go in and logits come out, and where all values are that are read of it. Each
    layer stands on one of `places`, mostly the same.
    """

    key: ModelKey
    module: nn.Module = field(repr=False)
    device: torch.device
    places: tuple[torch.device, ...]
    traced: NNsight = field(repr=False)

    @classmethod
    def of(
        cls, key: ModelKey, module: nn.Module, device: torch.device, places: tuple[torch.device, ...] | None = None
    ) -> LoadedModel:
        return cls(key, module, device, places or (device,) * key.facts.layers, NNsight(module))

    @property
    def facts(self) -> ModelFacts:
        return self.key.facts

    @property
    def layout(self) -> Family:
        return self.facts.layout

    @property
    def dtype(self) -> torch.dtype:
        dtype: torch.dtype = getattr(torch, self.key.dtype)
        return dtype

    @contextmanager
    def eager(self) -> Iterator[None]:
        """Compute attention by plain matrix products meanwhile."""
        config: Any = self.module.config
        usual = config._attn_implementation
        config._attn_implementation = "eager"
        try:
            yield
        finally:
            config._attn_implementation = usual

    def heads(self, part: Part) -> int:
        """How many heads a per-head part has."""
        return self.facts.key_value_heads if part in SHARED else self.facts.heads

    def layer(self, index: int) -> nn.Module:
        return self.module.get_submodule(f"{self.layout.layers}.{index}")

    def output_weight(self, layer: int) -> Tensor:
        """The weight of the output projection. -> (d_model, head * d_head)"""
        return self._weight(layer, Part.OUTPUT)

    def written(self, site: Site, value: Tensor) -> Tensor:
        """What a site writes to the residual stream where `value` (d_head), (d_mlp), (1) of one neuron, or (d_model)
        stands there, without biases. Raises EngineError for one that writes nothing there. -> (d_model)"""
        if site.part not in WRITERS or (self.layout.norms_what_is_added and site.part not in STREAM):
            raise EngineError(f"what {site} writes to the residual stream of a {self.facts.family} model is not known")
        match site.part:
            case Part.OUTPUT:
                weight = self.by_head(Part.OUTPUT, self._weight(site.layer, Part.OUTPUT))[:, site.head]
            case Part.NEURON:
                weight = self._weight(site.layer, Part.NEURON)
                weight = weight if site.index is None else weight[:, site.index, None]
            case _:
                return value
        return weight.to(value.device).to(value.dtype) @ value

    def gives_pair(self, part: Part) -> bool:
        """Whether what is found of a part is the first of a pair."""
        return part is Part.ATTENTION or (part is Part.POST and self.layout.layers_give_pairs)

    def project(self, site: Site, normed: Tensor) -> Tensor:
        """A query, key or value projection, and the norm after it, where there is one, applied to what the attention
        gets. -> (..., head, d_head)"""
        door = self._door(site.part)
        value: Tensor = self.layer(site.layer).get_submodule(door.linear)(normed.to(self.places[site.layer]))
        if door.projection is not None:
            heads = views.get(Heads(), value, self.heads(site.part), self.facts.d_head)
            value = self._module(site.layer, site.part)(views.put(door.view, value, heads))
        return self.by_head(site.part, value.to(self.device))

    def normed(self, layer: int, residual: Tensor) -> Tensor:
        """What the attention of a layer gets of its residual: that itself, where nothing norms it. -> as `residual`"""
        if self._door(Part.NORMED).side == "input":
            return residual
        normed: Tensor = self._module(layer, Part.NORMED)(residual.to(self.places[layer]))
        return normed.to(self.device)

    def unembedded(self, residual: Tensor) -> Tensor:
        """What the model would say of a residual stream (..., d_model) after its last layer: final norm, unembedding
        and, where there is one, the cap of logits. -> (..., vocabulary)"""
        normed = self.module.get_submodule(self.layout.norm)(residual)
        logits: Tensor = self.module.get_submodule(self.layout.lm_head)(normed)
        config: Any = self.module.config
        cap = getattr(config, "final_logit_softcapping", None)
        return logits if cap is None else cap * torch.tanh(logits / cap)

    def read_by(self, tokens: Tensor, final: Tensor) -> tuple[Tensor, Tensor]:
        """What the logits of `tokens` (prompt, k) read of a residual stream after the last layer, with the scale of the
        final norm as it is for `final` (prompt, d_model): logits are products with it, plus what biases add. Raises
        EngineError where what layers add is normed first. -> float32 (prompt, k, d_model), (prompt, k)"""
        if self.layout.norms_what_is_added:
            raise EngineError(f"in a {self.facts.family} model no head or MLP adds a vector of its own to a logit")
        norm: Any = self.module.get_submodule(self.layout.norm)
        head: Any = self.module.get_submodule(self.layout.lm_head)
        rows, centred = head.weight[tokens].float(), isinstance(norm, nn.LayerNorm)
        along = rows if norm.weight is None else rows * norm.weight.float()
        if centred:
            along, final = (value - value.mean(-1, keepdim=True) for value in (along, final))
        scale = (final.float().square().mean(-1) + (norm.eps if centred else norm.variance_epsilon)).rsqrt()
        bias = torch.zeros(tokens.shape, device=self.device) if head.bias is None else head.bias[tokens].float()
        shift = getattr(norm, "bias", None)
        return along * scale[:, None, None], bias if shift is None else bias + rows @ shift.float()

    def attended(self, layer: int, z: Tensor) -> Tensor:
        """What an attention gives for the outputs z of its heads (..., head, d_head). -> (..., d_model)"""
        attended: Tensor = self._module(layer, Part.OUTPUT)(z.flatten(-2).to(self.places[layer]))
        return attended.to(self.device)

    def own_mask(self, layer: int, tokens: int, read: int) -> Tensor | None:
        """What the last `tokens` of `read` may attend to, of an attention that says so itself, where its layer stands.
        -> bool (1, 1, token, token read)"""
        if self.layout.own_mask is None:
            return None
        return self.layer(layer).get_buffer(self.layout.own_mask)[..., read - tokens : read, :read]

    def by_head(self, part: Part, value: Tensor) -> Tensor:
        """The heads of a per-head part, out of what its module takes or gives. -> (..., head, d_head)"""
        return views.get(self._door(part).view, value, self.heads(part), self.facts.d_head)

    def put(self, part: Part, value: Tensor, heads: Tensor) -> Tensor:
        """What a module takes or gives, with the heads of a part (..., head, d_head) in their place. -> as `value`"""
        return views.put(self._door(part).view, value, heads)

    def _weight(self, layer: int, part: Part) -> Tensor:
        """The weight of the projection that takes a part, at home. -> (d_model, input)"""
        weight = self.layer(layer).get_parameter(f"{self._door(part).path}.weight").detach().to(self.device)
        return weight.T if self.layout.transposed_weights else weight

    def _door(self, part: Part) -> Door:
        return self.layout.parts[part]

    def _module(self, layer: int, part: Part) -> nn.Module:
        return self.layer(layer).get_submodule(self._door(part).path)
