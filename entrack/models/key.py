"""A model as a plan sees it (`ModelKey`, content only) and as the engine finds it (`ModelSource`, where the files
are)."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from attrs import astuple, frozen

from entrack.address import Digested, address
from entrack.model_config import ModelFacts

DTYPES = ("float32", "float16", "bfloat16")
CONFIGURED = ("positions", "parallel")
"""Facts that follow from the configuration, whose digest is there."""
ATTENTIONS = ("sdpa", "eager", "flash_attention_2")


@frozen(slots=False)
class ModelKey(Digested):
    """What a model is, for addresses: digests of weights, adapter, config and tokenizer, and how it is computed."""

    weights: str
    config: str
    tokenizer: str
    facts: ModelFacts
    adapter: str | None = None
    dtype: str = "float32"
    attention: str = "sdpa"

    @cached_property
    def digest(self) -> str:
        """The address of all of it: every step names a model."""
        return address(astuple(self, filter=lambda field, _: field.name not in CONFIGURED))


@frozen
class ModelSource:
    """Where a model's files are. `gguf` is a file name in `folder`; `adapter` a folder with a LoRA adapter.

    `description` is how a person calls it, such as `builtin("boxes-base")`; `revision` is the hub commit, where there
    is one.
    """

    description: str
    folder: Path
    gguf: str | None = None
    adapter: Path | None = None
    revision: str | None = None
