"""GPT-J: parallel blocks with one norm, which attention and MLP both read, rotary embedding of the first part of each
head, in which neighbours are turned with one another, and a bias of the head that gives the logits.

Its table of angles ends: a prompt has at most as many tokens, as if they were learned positions. Its attention is
computed by plain matrix products only.
"""

from __future__ import annotations

from entrack.families.base import ConfigWords, Door, Family, Heads
from entrack.sites import Part

GPTJ = Family(
    name="gptj",
    model_class="GPTJForCausalLM",
    examples=("GPT-J 6B",),
    words=ConfigWords(
        layers="n_layer",
        heads="n_head",
        d_model="n_embd",
        d_mlp="n_inner",
        d_mlp_factor=4,
        vocabulary="vocab_size",
        positions="n_positions",
        parallel=True,
    ),
    decides=(
        "vocab_size",
        "n_positions",
        "n_embd",
        "n_layer",
        "n_head",
        "n_inner",
        "rotary_dim",
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
        Part.QUERY: Door("attn.q_proj", "output", Heads()),
        Part.KEY: Door("attn.k_proj", "output", Heads()),
        Part.VALUE: Door("attn.v_proj", "output", Heads()),
        Part.OUTPUT: Door("attn.out_proj", "input", Heads()),
        Part.ATTENTION: Door("attn", "output"),
        Part.NEURON: Door("mlp.fc_out", "input"),
        Part.MLP: Door("mlp", "output"),
        Part.POST: Door("", "output"),
    },
    mlp_matrices=2,
    layers_give_pairs=True,
    attentions=("eager",),
)
