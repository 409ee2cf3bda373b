"""Llama, Mistral and Qwen2: sequential blocks, RMS norms, rotary embedding, gated MLPs, grouped-query attention.

Mistral differs in a sliding window in all layers; Qwen2 in one that some layers may have, and in biases of its query,
key and value projections, which are always there. Only Llama says in its configuration whether there are biases.
"""

from __future__ import annotations

from attrs import evolve

from entrack.families.base import ConfigWords, Door, Family, Heads
from entrack.sites import Part

COMMON = (
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "hidden_act",
    "rms_norm_eps",
    "tie_word_embeddings",
    "initializer_range",
    "max_position_embeddings",
    "rope_parameters",
    "rope_theta",
    "rope_scaling",
    "partial_rotary_factor",
)

LLAMA = Family(
    name="llama",
    model_class="LlamaForCausalLM",
    examples=("Llama 1 to 3", "SmolLM2"),
    words=ConfigWords(
        layers="num_hidden_layers",
        heads="num_attention_heads",
        d_model="hidden_size",
        d_mlp="intermediate_size",
        vocabulary="vocab_size",
        key_value_heads="num_key_value_heads",
        d_head="head_dim",
    ),
    decides=(*COMMON, "attention_bias", "mlp_bias"),
    layers="model.layers",
    attention="self_attn",
    norm="model.norm",
    lm_head="lm_head",
    parts={
        Part.RESIDUAL: Door("", "input"),
        Part.NORMED: Door("input_layernorm", "output"),
        Part.QUERY: Door("self_attn.q_proj", "output", Heads()),
        Part.KEY: Door("self_attn.k_proj", "output", Heads()),
        Part.VALUE: Door("self_attn.v_proj", "output", Heads()),
        Part.OUTPUT: Door("self_attn.o_proj", "input", Heads()),
        Part.ATTENTION: Door("self_attn", "output"),
        Part.MID: Door("post_attention_layernorm", "input"),
        Part.NEURON: Door("mlp.down_proj", "input"),
        Part.MLP: Door("mlp", "output"),
        Part.POST: Door("", "output"),
    },
    mlp_matrices=3,
    gguf="llama",
)
MISTRAL = evolve(
    LLAMA,
    name="mistral",
    model_class="MistralForCausalLM",
    examples=("Mistral 7B",),
    decides=(*COMMON, "sliding_window"),
    gguf="mistral",
)
QWEN2 = evolve(
    LLAMA,
    name="qwen2",
    model_class="Qwen2ForCausalLM",
    examples=("Qwen2", "Qwen2.5"),
    gguf="qwen2",
    decides=(*COMMON, "sliding_window", "use_sliding_window", "max_window_layers", "layer_types"),
)
