"""What can go wrong in the engine, by name. Every message says what was asked for and what stands in the way."""

from __future__ import annotations

from entrack.errors import EntrackError


class EngineError(EntrackError):
    """A step could not be computed."""


class ModelUnreadable(EngineError):
    """A model's files are missing, damaged, incomplete, or not of a kind that is read."""


class ModelMismatch(EngineError):
    """A model is not what its facts say: another family or another shape."""


class AdapterRefused(EngineError):
    """A LoRA adapter cannot be applied, or would not change the model it is meant for."""


class DeviceMissing(EngineError):
    """The device asked for is not on this machine, or this build of torch cannot use it."""


class PrecisionMissing(EngineError):
    """This build of torch cannot compute in a model's number type on the device."""


class OutOfMemory(EngineError):
    """A forward pass does not fit into memory, also in its smallest pieces."""


class NothingToAttend(EngineError):
    """All that a token can attend to is blocked, so that its attention has no value."""


class NotFinite(EngineError):
    """A model computed NaN or infinity, for the prompt of index `prompt`; `layer` is None where none can be blamed."""

    def __init__(self, step: str, layer: int | None, prompt: int, what: str, dtype: str = "float32") -> None:
        where = "the last layer's output or the logits" if layer is None else f"layer {layer}"
        range_of = " (float16 ends at 65,504: dtype = bfloat16 has the range of float32)" if dtype == "float16" else ""
        super().__init__(
            f"{what} of prompt {prompt} is not finite: NaN or infinity first at {where}, in a step {step}{range_of}"
        )
        self.step, self.layer, self.prompt = step, layer, prompt
