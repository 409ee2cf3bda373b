"""Mixtral and Qwen3-MoE: as Mistral and Qwen3, but that the MLP of a layer is a number of experts, a few of which
answer a token. A router, which reads what the MLP reads, chooses them, and weighs their outputs.

The output of such an MLP is the weighted sum, a site as in other families; it has no neurons of its own. A forward
pass routes anew: what is changed before an MLP may change which experts answer there.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve

from entrack.families.base import Door, Family, Only
from entrack.families.llama import LLAMA, MISTRAL
from entrack.families.qwen3 import QWEN3
from entrack.sites import Part

SOME = "some of its layers have no experts"
COUNTS = ("num_local_experts", "num_experts")


def _without_neurons(family: Family) -> Mapping[Part, Door]:
    return {part: door for part, door in family.parts.items() if part is not Part.NEURON}


MIXTRAL = evolve(
    MISTRAL,
    name="mixtral",
    model_class="MixtralForCausalLM",
    examples=("Mixtral 8x7B and 8x22B",),
    words=evolve(LLAMA.words, experts=COUNTS, experts_per_token="num_experts_per_tok"),
    decides=(*MISTRAL.decides, *COUNTS, "num_experts_per_tok"),
    gguf=None,
    parts=_without_neurons(MISTRAL),
)
QWEN3_MOE = evolve(
    QWEN3,
    name="qwen3_moe",
    model_class="Qwen3MoeForCausalLM",
    examples=("Qwen3 30B-A3B and 235B-A22B",),
    words=evolve(LLAMA.words, d_mlp="moe_intermediate_size", experts=COUNTS, experts_per_token="num_experts_per_tok"),
    decides=(
        *(word for word in QWEN3.decides if word not in ("max_window_layers", "layer_types")),
        "moe_intermediate_size",
        *COUNTS,
        "num_experts_per_tok",
        "norm_topk_prob",
    ),
    gguf=None,
    parts=_without_neurons(QWEN3),
    refuses={"mlp_only_layers": SOME},
    only={"decoder_sparse_step": Only(1, SOME)},
)
