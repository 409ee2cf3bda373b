"""A part of a layer as it stands inside a trace of nnsight: got out of what its module takes or gives, and put back."""

from __future__ import annotations

from typing import Any

from attrs import frozen
from nnsight import Envoy
from torch import Tensor

from entrack.engine.loaded_model import LoadedModel
from entrack.families.base import Door
from entrack.sites import Part


@frozen(eq=False)
class TracedPart:
    """A part of a layer where a pass over so many `prompts` has come to it. `found` is what the module takes or gives
    there, of which the part is all, or the first of a pair."""

    model: LoadedModel
    part: Part
    prompts: int
    module: Envoy
    found: Any

    @classmethod
    def of(cls, model: LoadedModel, block: Envoy, part: Part, prompts: int) -> TracedPart:
        """The part of a layer. Inside a trace this waits until the pass comes by."""
        door = model.layout.parts[part]
        module = block.get(door.path) if door.path else block
        return cls(model, part, prompts, module, getattr(module, door.side))

    @property
    def value(self) -> Tensor:
        """-> (prompt, token, head or key/value head, d_head), (prompt, token, d_model) or (prompt, token, d_mlp)"""
        whole = self._whole
        flat = whole.view(self.prompts, -1, whole.shape[-1]) if self._door.flat else whole
        return self.model.by_head(self.part, flat)

    def set(self, value: Tensor) -> None:
        """Put a value, as `value` gives it, in the place of what stands there."""
        whole = self._whole
        changed = self.model.put(self.part, whole, value).reshape(whole.shape)
        if self.part is Part.MID:
            whole.copy_(changed)  # the layer goes on with this very tensor, and not only with what reads it here
        else:
            setattr(self.module, self._door.side, (changed, *self.found[1:]) if self._pair else changed)

    @property
    def weights(self) -> Tensor:
        """Of an attention that gives them, its weights. -> (prompt, token, head, token read)"""
        weights: Tensor = self.found[1].transpose(1, 2)
        return weights

    @property
    def _door(self) -> Door:
        return self.model.layout.parts[self.part]

    @property
    def _pair(self) -> bool:
        return self.model.gives_pair(self.part)

    @property
    def _whole(self) -> Tensor:
        whole: Tensor = self.found[0] if self._pair else self.found
        return whole
