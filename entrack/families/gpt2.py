"""GPT-2: sequential blocks, layer norms, learned positions, biases everywhere, and one projection for query, key and
value, which stand side by side in it. Its linear maps are Conv1D modules, whose weights are transposed."""

from __future__ import annotations

from entrack.families.base import Block, ConfigWords, Door, Family, Heads
from entrack.sites import Part

GPT2 = Family(
    name="gpt2",
    model_class="GPT2LMHeadModel",
    examples=("GPT-2",),
    words=ConfigWords(
        layers="n_layer",
        heads="n_head",
        d_model="n_embd",
        d_mlp="n_inner",
        d_mlp_factor=4,
        vocabulary="vocab_size",
        positions="n_positions",
    ),
    decides=(
        "vocab_size",
        "n_positions",
        "n_embd",
        "n_layer",
        "n_head",
        "n_inner",
        "activation_function",
        "layer_norm_epsilon",
        "initializer_range",
        "scale_attn_weights",
        "scale_attn_by_inverse_layer_idx",
        "reorder_and_upcast_attn",
        "tie_word_embeddings",
    ),
    layers="transformer.h",
    attention="attn",
    norm="transformer.ln_f",
    lm_head="lm_head",
    parts={
        Part.RESIDUAL: Door("", "input"),
        Part.NORMED: Door("ln_1", "output"),
        Part.QUERY: Door("attn.c_attn", "output", Block(0, 3)),
        Part.KEY: Door("attn.c_attn", "output", Block(1, 3)),
        Part.VALUE: Door("attn.c_attn", "output", Block(2, 3)),
        Part.OUTPUT: Door("attn.c_proj", "input", Heads()),
        Part.ATTENTION: Door("attn", "output"),
        Part.MID: Door("ln_2", "input"),
        Part.NEURON: Door("mlp.c_proj", "input"),
        Part.MLP: Door("mlp", "output"),
        Part.POST: Door("", "output"),
    },
    mlp_matrices=2,
    transposed_weights=True,
    gguf="gpt2",
    gguf_words={"context_length": "n_positions", "feed_forward_length": "n_inner"},
)
