"""Phi 3: as Llama, but that one projection gives the queries, keys and values of a layer, side by side, and one more
both sides of its gated MLP. There are fewer keys and values than queries where heads share them.

It was published as code beside the weights (`auto_map`) before transformers had it.
"""

from __future__ import annotations

from attrs import evolve

from entrack.families.base import Beside, Door
from entrack.families.llama import COMMON, LLAMA
from entrack.sites import Part

PHI3 = evolve(
    LLAMA,
    name="phi3",
    model_class="Phi3ForCausalLM",
    examples=("Phi 3", "Phi 4"),
    decides=(*COMMON, "original_max_position_embeddings", "sliding_window", "pad_token_id"),
    parts={
        **LLAMA.parts,
        Part.QUERY: Door("self_attn.qkv_proj", "output", Beside(0)),
        Part.KEY: Door("self_attn.qkv_proj", "output", Beside(-2)),
        Part.VALUE: Door("self_attn.qkv_proj", "output", Beside(-1)),
    },
    gguf="phi3",
    gguf_words={"attention.sliding_window": "sliding_window"},
    taken_over=("Phi3Config", "Phi3ForCausalLM"),
)
