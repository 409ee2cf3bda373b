"""GPT-NeoX, and so Pythia: layer norms, biases, rotary embedding of a part of each head, and one projection for query,
key and value, in which each head has its own three in a row. Blocks are parallel unless the configuration says no."""

from __future__ import annotations

from entrack.families.base import ConfigWords, Door, Family, Heads, Interleaved
from entrack.sites import Part

GPT_NEOX = Family(
    name="gpt_neox",
    model_class="GPTNeoXForCausalLM",
    examples=("Pythia", "GPT-NeoX"),
    words=ConfigWords(
        layers="num_hidden_layers",
        heads="num_attention_heads",
        d_model="hidden_size",
        d_mlp="intermediate_size",
        vocabulary="vocab_size",
        parallel="use_parallel_residual",
    ),
    decides=(
        "vocab_size",
        "hidden_size",
        "intermediate_size",
        "num_hidden_layers",
        "num_attention_heads",
        "hidden_act",
        "layer_norm_eps",
        "tie_word_embeddings",
        "initializer_range",
        "max_position_embeddings",
        "attention_bias",
        "use_parallel_residual",
        "rotary_pct",
        "rotary_emb_base",
        "rope_parameters",
        "rope_theta",
        "rope_scaling",
        "partial_rotary_factor",
    ),
    layers="gpt_neox.layers",
    attention="attention",
    norm="gpt_neox.final_layer_norm",
    lm_head="lm_head",
    parts={
        Part.RESIDUAL: Door("", "input"),
        Part.NORMED: Door("input_layernorm", "output"),
        Part.QUERY: Door("attention.query_key_value", "output", Interleaved(0, 3)),
        Part.KEY: Door("attention.query_key_value", "output", Interleaved(1, 3)),
        Part.VALUE: Door("attention.query_key_value", "output", Interleaved(2, 3)),
        Part.OUTPUT: Door("attention.dense", "input", Heads()),
        Part.ATTENTION: Door("attention", "output"),
        Part.MID: Door("post_attention_layernorm", "input"),
        Part.NEURON: Door("mlp.dense_4h_to_h", "input"),
        Part.MLP: Door("mlp", "output"),
        Part.POST: Door("", "output"),
    },
    mlp_matrices=2,
)
