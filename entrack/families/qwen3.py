"""Qwen3: as Qwen2, but that each head's query and key pass an RMS norm of the head's own width, and biases are said in
the configuration. The width of a head does not follow from the width of the model."""

from __future__ import annotations

from attrs import evolve

from entrack.families.base import Axis, Door
from entrack.families.llama import COMMON, LLAMA
from entrack.sites import Part

QWEN3 = evolve(
    LLAMA,
    name="qwen3",
    model_class="Qwen3ForCausalLM",
    examples=("Qwen3 0.6B to 32B",),
    decides=(*COMMON, "attention_bias", "sliding_window", "use_sliding_window", "max_window_layers", "layer_types"),
    parts={
        **LLAMA.parts,
        Part.QUERY: Door("self_attn.q_norm", "output", Axis(-2), "self_attn.q_proj"),
        Part.KEY: Door("self_attn.k_norm", "output", Axis(-2), "self_attn.k_proj"),
    },
    gguf="qwen3",
    gguf_words={"attention.key_length": "head_dim"},
)
