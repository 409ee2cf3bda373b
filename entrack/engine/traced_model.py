"""A model for traces that a person writes: its sites read and set by their names, inside a `with` block of nnsight."""

from __future__ import annotations

from typing import Any

import torch
from nnsight import NNsight
from torch import Tensor, nn

from entrack.engine.errors import EngineError
from entrack.engine.loaded_model import LoadedModel
from entrack.engine.traced_part import TracedPart
from entrack.engine.tracing import at_tokens
from entrack.sites import PER_HEAD, SHARED, Part, Site


class TracedModel:
    """A loaded model, and the prompts of the trace that was opened last, as (prompt, token)."""

    def __init__(self, loaded: LoadedModel) -> None:
        self.loaded = loaded
        self._tokens: Tensor | None = None

    @property
    def nnsight(self) -> NNsight:
        return self.loaded.traced

    @property
    def module(self) -> nn.Module:
        return self.loaded.module

    @property
    def nbytes(self) -> int:
        """How many bytes the weights take."""
        return sum(weight.numel() * weight.element_size() for weight in self.module.parameters())

    def tensor(self, values: object) -> Tensor:
        """Numbers on the model's device."""
        return torch.as_tensor(values, device=self.loaded.device)

    def trace(self, tokens: Tensor, options: dict[str, Any]) -> Any:
        """nnsight's tracer of a pass on tokens (prompt, token). Unless `options` say otherwise, keys and values are not
        kept, and logits are those of the last token."""
        self._tokens = tokens.to(self.loaded.device)
        return self.nnsight.trace(self._tokens, **{"use_cache": False, "logits_to_keep": 1, **options})

    def read(self, site: Site, at: Tensor | None) -> Tensor:
        """What stands at a site, inside a trace. -> (prompt, token, ...), at one token per prompt (prompt, ...), at
        several (prompt, k, ...)"""
        value = self._part(site).value
        chosen = value if site.index is None else value[:, :, self._index(site)]
        return (chosen if at is None else at_tokens(chosen, at.to(chosen.device))).to(self.loaded.device)

    def set(self, site: Site, value: Tensor, at: Tensor | None) -> None:
        """Put a value, or what broadcasts to what `read` gives there, in its place."""
        here = self._part(site)
        changed = here.value.clone()
        rows = torch.arange(len(changed), device=changed.device)
        place: tuple[Any, ...] = (slice(None), slice(None))
        if at is not None:
            place = (rows if at.dim() == 1 else rows[:, None], at.to(changed.device))
        inside = () if site.index is None else (self._index(site),)
        changed[(*place, *inside)] = value.to(changed)
        here.set(changed)

    @property
    def logits(self) -> Tensor:
        """The logits at the last token, inside a trace. -> (prompt, vocabulary)"""
        self._inside()
        logits: Tensor = self.nnsight.output.logits[:, -1]
        return logits

    def module_of(self, site: Site) -> tuple[str, str]:
        """The path of the module at which a site stands, and whether as its `input` or its `output`."""
        layout = self.loaded.layout
        door = layout.parts[site.part]
        return ".".join(filter(None, (layout.layers, str(site.layer), door.path))), door.side

    def _part(self, site: Site) -> TracedPart:
        block = self.nnsight.get(self.loaded.layout.layers)[site.layer]
        return TracedPart.of(self.loaded, block, site.part, self._inside())

    def _inside(self) -> int:
        """How many prompts the trace is of. Raises EngineError outside of one."""
        if self._tokens is None or not self.nnsight.interleaver.interleaving:
            raise EngineError("activations are there inside a trace: `with model.trace(prompts):`")
        return len(self._tokens)

    def _index(self, site: Site) -> int:
        """Which of a part's heads, key/value heads or neurons a site is."""
        assert site.index is not None  # whoever asks has looked
        return self.loaded.facts.key_value_head(site.index) if site.part in SHARED else site.index


def exists(loaded: LoadedModel, site: Site) -> bool:
    """Whether a model has a site."""
    facts = loaded.facts
    most = facts.heads if site.part in PER_HEAD else facts.d_mlp if site.part is Part.NEURON else 0
    return site.layer < facts.layers and facts.has(site.part) and (site.index is None or site.index < most)
