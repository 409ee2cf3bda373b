"""OLMo 2 and OLMo 3: sequential blocks without norms before attention and MLP, each of which is normed before it is
added to the residual stream instead. Queries and keys pass an RMS norm over all heads of a layer together.

What an attention or an MLP gives is what stands before that norm: the attention's is the sum of what its heads give.
OLMo 3 has a sliding window in three layers of four, and a rotary embedding for each of both kinds of layers.
"""

from __future__ import annotations

from attrs import evolve

from entrack.families.base import Door, Heads
from entrack.families.llama import COMMON, LLAMA
from entrack.sites import Part

OLMO2 = evolve(
    LLAMA,
    name="olmo2",
    model_class="Olmo2ForCausalLM",
    examples=("OLMo 2",),
    decides=(*COMMON, "attention_bias"),
    parts={
        **LLAMA.parts,
        Part.NORMED: Door("self_attn", "input"),
        Part.MID: Door("mlp", "input"),
        Part.QUERY: Door("self_attn.q_norm", "output", Heads(), "self_attn.q_proj"),
        Part.KEY: Door("self_attn.k_norm", "output", Heads(), "self_attn.k_proj"),
    },
    norms_what_is_added=True,
    gguf=None,
)
OLMO3 = evolve(
    OLMO2,
    name="olmo3",
    model_class="Olmo3ForCausalLM",
    examples=("OLMo 3",),
    decides=(*OLMO2.decides, "sliding_window", "layer_types"),
)
