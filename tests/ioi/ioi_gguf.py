"""A tiny GGUF file, made here: a random grouped-query Llama, and a byte-level tokenizer that knows a space and a
capital as one token."""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from tokenizers.pre_tokenizers import ByteLevel

LAYERS, HEADS, SHARED, D_HEAD = 2, 4, 2, 8
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
SPACE = "Ġ"
MERGES = tuple(f"{SPACE} {letter}" for letter in string.ascii_uppercase)
TOKENS = (*SPECIAL, *sorted(ByteLevel.alphabet()), *(merge.replace(" ", "") for merge in MERGES))
NAMES = {
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


def tiny() -> Any:
    """A random model whose attentions matter."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    width = HEADS * D_HEAD
    config = LlamaConfig(
        vocab_size=len(TOKENS),
        hidden_size=width,
        intermediate_size=48,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=SHARED,
        initializer_range=0.3,
        max_position_embeddings=128,
        tie_word_embeddings=True,
    )
    model: Any = LlamaForCausalLM(config)
    return model.eval()


def write(path: Path, family: str = "llama") -> Any:
    """The tiny model in llama.cpp's format, which keeps the rows of queries and keys in another order. Gives the
    model."""
    module, writer = tiny(), gguf.GGUFWriter(str(path), family)
    _values(module.config, writer)
    add_tokens(writer)
    _weights(module, writer)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return module


def _values(config: Any, writer: Any) -> None:
    writer.add_name("Tiny")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_dimension_count(D_HEAD)
    writer.add_vocab_size(config.vocab_size)


def add_tokens(writer: Any) -> None:
    """The tokenizer, in the header of a file."""
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(list(TOKENS))
    writer.add_token_types([3 if token in SPECIAL else 1 for token in TOKENS])
    writer.add_token_merges(list(MERGES))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_pad_token_id(2)
    writer.add_add_bos_token(False)


def _weights(module: Any, writer: Any) -> None:
    weights = {name: value.detach().numpy() for name, value in module.state_dict().items()}
    writer.add_tensor("token_embd.weight", weights["model.embed_tokens.weight"])
    writer.add_tensor("output_norm.weight", weights["model.norm.weight"])
    rows = {"attn_q": HEADS, "attn_k": SHARED}
    for layer in range(LAYERS):
        for ours, theirs in NAMES.items():
            value = weights[f"model.layers.{layer}.{ours}.weight"]
            if theirs in rows:
                halves = value.reshape(rows[theirs], 2, -1, value.shape[-1])
                value = np.ascontiguousarray(halves.swapaxes(1, 2).reshape(value.shape))
            writer.add_tensor(f"blk.{layer}.{theirs}.weight", value)
