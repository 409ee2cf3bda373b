"""The matrix products of a Llama in bare torch: weights by name, and a function for each part of a layer. No
framework, no hooks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn.functional import linear, rms_norm, scaled_dot_product_attention, silu


class Llama:
    """A model read from a folder. Token axes are second to last of (..., token, d_model); heads stand before tokens."""

    def __init__(self, folder: Path, device: str) -> None:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self.layers: int = config["num_hidden_layers"]
        self.heads: int = config["num_attention_heads"]
        self.shared: int = config["num_key_value_heads"]
        self.d_head: int = config["head_dim"]
        self.eps: float = config["rms_norm_eps"]
        mapped = load_file(folder / "model.safetensors", device=device)
        self.weights: Mapping[str, Tensor] = {
            name: tensor.clone() for name, tensor in mapped.items()
        }  # in memory before anything is measured
        self.device = device
        pairs = torch.arange(0, self.d_head, 2, device=device).float() / self.d_head
        angles = (
            torch.arange(config["max_position_embeddings"], device=device).float()[:, None]
            * config["rope_parameters"]["rope_theta"] ** -pairs
        )
        dtype = self.weights["model.norm.weight"].dtype
        self.cos, self.sin = (turn(torch.cat([angles, angles], -1)).to(dtype) for turn in (torch.cos, torch.sin))

    def of(self, layer: int, name: str) -> Tensor:
        return self.weights[f"model.layers.{layer}.{name}.weight"]

    def embed(self, tokens: Tensor) -> Tensor:
        return self.weights["model.embed_tokens.weight"][tokens]

    def normed(self, layer: int, x: Tensor) -> Tensor:
        """What the attention gets."""
        return rms_norm(x, x.shape[-1:], self.of(layer, "input_layernorm"), self.eps)

    def mlp(self, layer: int, x: Tensor) -> Tensor:
        """The residual after the MLP's norm and products were added."""
        return x + self.mlp_output(layer, x)

    def mlp_output(self, layer: int, x: Tensor) -> Tensor:
        """What the MLP adds to the residual."""
        h = rms_norm(x, x.shape[-1:], self.of(layer, "post_attention_layernorm"), self.eps)
        inner = silu(linear(h, self.of(layer, "mlp.gate_proj"))) * linear(h, self.of(layer, "mlp.up_proj"))
        return linear(inner, self.of(layer, "mlp.down_proj"))

    def projected(self, layer: int, name: str, h: Tensor) -> Tensor:
        """Queries, keys or values before rotary embedding. (..., d_model) -> (..., head, d_head)"""
        return linear(h, self.of(layer, f"self_attn.{name}_proj")).unflatten(-1, (-1, self.d_head))

    def projected_one(self, layer: int, name: str, head: int, h: Tensor) -> Tensor:
        """The same of one head or key/value head. (..., d_model) -> (..., d_head)"""
        return linear(h, self.of(layer, f"self_attn.{name}_proj").unflatten(0, (-1, self.d_head))[head])

    def by_head(self, layer: int) -> Tensor:
        """The output projection. -> (d_model, head, d_head)"""
        return self.of(layer, "self_attn.o_proj").unflatten(1, (self.heads, -1))

    def joined(self, layer: int, z: Tensor) -> Tensor:
        """(..., head, d_head) -> the attention's output (..., d_model)"""
        return linear(z.flatten(-2), self.of(layer, "self_attn.o_proj"))

    def turned(self, x: Tensor, since: int) -> Tensor:
        """Rotary embedding of (..., token, head, d_head), whose first token is number `since`."""
        rows = slice(since, since + x.shape[-3])
        first, second = x.chunk(2, -1)
        return x * self.cos[rows, None] + torch.cat([-second, first], -1) * self.sin[rows, None]

    def logits(self, x: Tensor) -> Tensor:
        """(..., d_model) -> float32 (..., vocabulary)"""
        h = rms_norm(x, x.shape[-1:], self.weights["model.norm.weight"], self.eps)
        return linear(h, self.weights["model.embed_tokens.weight"]).float()

    def attended(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Causal attention of (prompt, token, head, d_head), all tokens. -> z, the same shape"""
        q, k, v = (part.transpose(1, 2) for part in (query, key, value))
        return scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True).transpose(1, 2)


class Clean:
    """A clean run, kept: residual, attention and MLP output (prompt, token, d_model) per layer, z (prompt, token, head,
    d_head), keys after rotary embedding and values (prompt, token, key/value head, d_head), and the logits at the
    last token."""

    def __init__(self, llama: Llama, tokens: Tensor) -> None:
        x = llama.embed(tokens)
        self.residual: list[Tensor] = []
        self.attention: list[Tensor] = []
        self.mlp: list[Tensor] = []
        self.z: list[Tensor] = []
        self.keys: list[Tensor] = []
        self.values: list[Tensor] = []
        for layer in range(llama.layers):
            h = llama.normed(layer, x)
            q, k = (llama.turned(llama.projected(layer, name, h), 0) for name in "qk")
            v = llama.projected(layer, "v", h)
            z = llama.attended(q, k, v)
            out = llama.joined(layer, z)
            mlp = llama.mlp_output(layer, x + out)
            for kept, value in (
                (self.mlp, mlp),
                (self.residual, x),
                (self.attention, out),
                (self.z, z),
                (self.keys, k),
                (self.values, v),
            ):
                kept.append(value)
            x = x + out + mlp
        self.logits = llama.logits(x[:, -1])
