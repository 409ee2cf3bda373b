"""A model as a plan sees it (`ModelKey`, content only) and as the engine finds it (`ModelSource`, where the files
are)."""

from __future__ import annotations

from pathlib import Path

from entrack.address import Digested, tagged
from entrack.frozen import frozen
from entrack.model_config import ModelFacts

DTYPES = ("float32", "float16", "bfloat16")


@tagged("model", "weights config tokenizer facts adapter dtype attention")
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


@frozen
class ModelSource:
    """Where a model's files are. `gguf` is a file name in `folder`; `adapter` a folder with a LoRA adapter.

    `description` is how a person calls it, such as `builtin("boxes-base")`; `revision` is the hub commit, where there
    is one. Where the weights are not in `folder`, `digests` are those of weights and adapter as a lock has them: such a
    model can be planned and its values found, not run.
    """

    description: str
    folder: Path
    gguf: str | None = None
    adapter: Path | None = None
    revision: str | None = None
    digests: tuple[str, str | None] | None = None
