"""Models as GGUF files, in llama.cpp's format, weights as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np

SEPARATE = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
NORMED = {**SEPARATE, "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm"}
NAMES: Mapping[str, Mapping[str, str]] = {
    "llama": SEPARATE,
    "qwen2": SEPARATE,
    "qwen3": NORMED,
    "gemma3": {
        **NORMED,
        "post_attention_layernorm": "post_attention_norm",
        "pre_feedforward_layernorm": "ffn_norm",
        "post_feedforward_layernorm": "post_ffw_norm",
    },
    "phi3": {**SEPARATE, "self_attn.qkv_proj": "attn_qkv", "mlp.gate_up_proj": "ffn_up"},
    "gpt2": {
        "attn.c_attn": "attn_qkv",
        "attn.c_proj": "attn_output",
        "mlp.c_fc": "ffn_up",
        "mlp.c_proj": "ffn_down",
        "ln_1": "attn_norm",
        "ln_2": "ffn_norm",
    },
}
"""What stands in a layer, by family, and what it is called in a file."""
OUTSIDE = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "transformer.wte": "token_embd",
    "transformer.wpe": "position_embd",
    "transformer.ln_f": "output_norm",
    "lm_head": "output",
}
TURNED = ("attn_qkv.weight", "attn_output.weight", "ffn_up.weight", "ffn_down.weight")
"""Of GPT-2, which keeps weights as (input, output)."""


def write_gguf(module: Any, path: Path, more: Callable[[Any], None] = lambda writer: None) -> None:
    """A model in llama.cpp's format; `more` says what else is in the header."""
    family = str(module.config.model_type).removesuffix("_text")
    writer = gguf.GGUFWriter(str(path), family)
    _shape(module.config, writer)
    more(writer)
    for name, weight in module.state_dict().items():
        written = _called(name, family)
        if written is not None and not (written == "output.weight" and module.config.tie_word_embeddings):
            writer.add_tensor(written, np.ascontiguousarray(_kept(written, weight.numpy(), module.config, family)))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _shape(config: Any, writer: Any) -> None:
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(getattr(config, "intermediate_size", None) or config.n_inner or 4 * config.n_embd)
    writer.add_head_count(config.num_attention_heads)
    writer.add_vocab_size(config.vocab_size)
    if config.model_type == "gpt2":
        writer.add_layer_norm_eps(config.layer_norm_epsilon)
        return
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)


def _called(name: str, family: str) -> str | None:
    """The name of a tensor in a file; None for what is not written."""
    if "rotary_emb" in name or name.endswith(".attn.bias"):
        return None
    part, _, kind = name.rpartition(".")
    if part in OUTSIDE:
        return f"{OUTSIDE[part]}.{kind}"
    _, _, layer, inside = part.split(".", 3)
    return f"blk.{layer}.{NAMES[family][inside]}.{kind}"


def _kept(name: str, weight: Any, config: Any, family: str) -> Any:
    """A weight as a file has it: the rows of Llama's queries and keys in another order, norms of Gemma with the one
    that is added to them, linear maps of GPT-2 turned."""
    heads = {"attn_q": config.num_attention_heads, "attn_k": getattr(config, "num_key_value_heads", 0)}
    part = name.split(".")[-2]
    if family == "llama" and part in heads:
        halves = weight.reshape(heads[part], 2, -1, weight.shape[-1])
        return halves.swapaxes(1, 2).reshape(weight.shape)
    if family == "gemma3" and part.endswith("norm"):
        return weight + np.float32(1)
    return weight.T if family == "gpt2" and name.endswith(TURNED) else weight
