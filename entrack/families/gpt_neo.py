"""GPT-Neo, and so TinyStories: sequential blocks, layer norms, learned positions, a projection each for query, key and
value without biases. Attention scores are not divided by the square root of the head's width.

Some layers are local: a token sees a window. Which tokens it sees is said by a buffer of the attention itself, and the
mask that the model gives it is added; so it is computed by plain matrix products only.
"""

from __future__ import annotations

from entrack.families.base import ConfigWords, Door, Family, Heads
from entrack.sites import Part

GPT_NEO = Family(
    name="gpt_neo",
    model_class="GPTNeoForCausalLM",
    examples=("GPT-Neo", "TinyStories"),
    words=ConfigWords(
        layers="num_layers",
        heads="num_heads",
        d_model="hidden_size",
        d_mlp="intermediate_size",
        d_mlp_factor=4,
        vocabulary="vocab_size",
        positions="max_position_embeddings",
    ),
    decides=(
        "vocab_size",
        "max_position_embeddings",
        "hidden_size",
        "num_layers",
        "num_heads",
        "intermediate_size",
        "attention_types",
        "window_size",
        "activation_function",
        "layer_norm_epsilon",
        "initializer_range",
        "tie_word_embeddings",
    ),
    layers="transformer.h",
    attention="attn",
    norm="transformer.ln_f",
    lm_head="lm_head",
    parts={
        Part.RESIDUAL: Door("", "input"),
        Part.NORMED: Door("ln_1", "output"),
        Part.QUERY: Door("attn.attention.q_proj", "output", Heads()),
        Part.KEY: Door("attn.attention.k_proj", "output", Heads()),
        Part.VALUE: Door("attn.attention.v_proj", "output", Heads()),
        Part.OUTPUT: Door("attn.attention.out_proj", "input", Heads()),
        Part.ATTENTION: Door("attn", "output"),
        Part.MID: Door("ln_2", "input"),
        Part.NEURON: Door("mlp.c_proj", "input"),
        Part.MLP: Door("mlp", "output"),
        Part.POST: Door("", "output"),
    },
    mlp_matrices=2,
    layers_give_pairs=True,
    own_mask="attn.attention.bias",
    attentions=("eager",),
)
