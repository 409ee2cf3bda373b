"""OPT: sequential blocks, layer norms, biases, a projection each for query, key and value, and learned positions, of
which the first two are never used.

There is no module for the MLP: its output is that of its second linear map, which gets the tokens of all prompts one
after the other. The layer's `final_layer_norm` is the norm before it.
"""

from __future__ import annotations

from entrack.families.base import ConfigWords, Door, Family, Heads, Only
from entrack.sites import Part

OPT = Family(
    name="opt",
    model_class="OPTForCausalLM",
    examples=("OPT 125M to 66B, but 350M",),
    words=ConfigWords(
        layers="num_hidden_layers",
        heads="num_attention_heads",
        d_model="hidden_size",
        d_mlp="ffn_dim",
        vocabulary="vocab_size",
        positions="max_position_embeddings",
    ),
    decides=(
        "vocab_size",
        "hidden_size",
        "num_hidden_layers",
        "ffn_dim",
        "max_position_embeddings",
        "_remove_final_layer_norm",
        "num_attention_heads",
        "activation_function",
        "enable_bias",
        "layer_norm_elementwise_affine",
        "tie_word_embeddings",
    ),
    layers="model.decoder.layers",
    attention="self_attn",
    norm="model.decoder.final_layer_norm",
    lm_head="lm_head",
    parts={
        Part.RESIDUAL: Door("", "input"),
        Part.NORMED: Door("self_attn_layer_norm", "output"),
        Part.QUERY: Door("self_attn.q_proj", "output", Heads()),
        Part.KEY: Door("self_attn.k_proj", "output", Heads()),
        Part.VALUE: Door("self_attn.v_proj", "output", Heads()),
        Part.OUTPUT: Door("self_attn.out_proj", "input", Heads()),
        Part.ATTENTION: Door("self_attn", "output"),
        Part.MID: Door("final_layer_norm", "input", flat=True),
        Part.NEURON: Door("fc2", "input", flat=True),
        Part.MLP: Door("fc2", "output", flat=True),
        Part.POST: Door("", "output"),
    },
    mlp_matrices=2,
    only={
        "_remove_final_layer_norm": Only(value=False, why="nothing norms its residual stream before the unembedding"),
        "do_layer_norm_before": Only(value=True, why="its norms come after attention and MLP, as in opt-350m"),
        "word_embed_proj_dim": Only("hidden_size", "its embedding is not as wide as its residual stream", of_word=True),
    },
)
