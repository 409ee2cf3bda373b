"""Gemma 2, and the text models of Gemma 3: sequential blocks with norms before and after attention and MLP, and RMS
norms whose weights are added to one. Heads times their width is not the width of the model.

What an attention or an MLP gives is what stands before the norm after it: the attention's is the sum of what its heads
give. Some layers have a sliding window: every second of Gemma 2, five of six in Gemma 3, which has another base of the
rotary embedding for them, and norms each head's query and key. Gemma 2 caps its attention scores, which torch's fused
attention cannot do, and both may cap their logits.
"""

from __future__ import annotations

from attrs import evolve

from entrack.families.base import Axis, Door, Heads
from entrack.families.llama import COMMON, LLAMA
from entrack.sites import Part

BOTH_WAYS = {"use_bidirectional_attention": "its tokens attend to later ones"}

GEMMA2 = evolve(
    LLAMA,
    name="gemma2",
    model_class="Gemma2ForCausalLM",
    examples=("Gemma 2",),
    decides=(
        *COMMON,
        "hidden_activation",
        "attention_bias",
        "query_pre_attn_scalar",
        "attn_logit_softcapping",
        "final_logit_softcapping",
        "sliding_window",
        "layer_types",
    ),
    parts={**LLAMA.parts, Part.MID: Door("pre_feedforward_layernorm", "input")},
    norms_what_is_added=True,
    attentions=("eager",),
    refuses=BOTH_WAYS,
    gguf=None,
)
GEMMA3 = evolve(
    LLAMA,
    name="gemma3_text",
    model_class="Gemma3ForCausalLM",
    examples=("Gemma 3 270M and 1B",),
    decides=(
        *(word for word in GEMMA2.decides if word != "attn_logit_softcapping"),
        "sliding_window_pattern",
        "rope_local_base_freq",
    ),
    refuses={**BOTH_WAYS, "attn_logit_softcapping": "its attention scores are capped, which transformers leaves out"},
    parts={
        Part.RESIDUAL: Door("", "input"),
        Part.NORMED: Door("input_layernorm", "output"),
        Part.VALUE: Door("self_attn.v_proj", "output", Heads()),
        Part.QUERY: Door("self_attn.q_norm", "output", Axis(-3), "self_attn.q_proj"),
        Part.KEY: Door("self_attn.k_norm", "output", Axis(-3), "self_attn.k_proj"),
        Part.OUTPUT: Door("self_attn.o_proj", "input", Heads()),
        Part.ATTENTION: Door("self_attn", "output"),
        Part.MID: Door("pre_feedforward_layernorm", "input"),
        Part.NEURON: Door("mlp.down_proj", "input"),
        Part.MLP: Door("mlp", "output"),
        Part.POST: Door("", "output"),
    },
    norms_what_is_added=True,
    gguf="gemma3",
)
