"""The matrix products of a GPT-2 in bare torch, part by part as those of a Llama: learned positions, layer norms,
biases, and weights as (input, output)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor
from torch.nn.functional import gelu, layer_norm

from benchmarks.llama import Llama

BLOCK = {"q": 0, "k": 1, "v": 2}
"""Where a projection stands in the one that has all three."""


class Gpt2(Llama):
    """A model read from a folder."""

    def __init__(self, folder: Path, device: str) -> None:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self.layers = config["n_layer"]
        self.heads = self.shared = config["n_head"]
        self.d_head = config["n_embd"] // self.heads
        self.eps = config["layer_norm_epsilon"]
        mapped = load_file(folder / "model.safetensors", device=device)
        self.weights: Mapping[str, Tensor] = {name: tensor.clone() for name, tensor in mapped.items()}
        self.device = device

    def embed(self, tokens: Tensor) -> Tensor:
        positions = self.weights["transformer.wpe.weight"][: tokens.shape[-1]]
        return self.weights["transformer.wte.weight"][tokens] + positions

    def normed(self, layer: int, x: Tensor) -> Tensor:
        return self._normed(f"h.{layer}.ln_1", x)

    def mlp_output(self, layer: int, x: Tensor) -> Tensor:
        inner = gelu(self._mapped(layer, "mlp.c_fc", self._normed(f"h.{layer}.ln_2", x)), approximate="tanh")
        return self._mapped(layer, "mlp.c_proj", inner)

    def projected(self, layer: int, name: str, h: Tensor) -> Tensor:
        weight, bias = (self._part(layer, "attn.c_attn", kind).chunk(3, -1)[BLOCK[name]] for kind in ("weight", "bias"))
        return (h @ weight + bias).unflatten(-1, (-1, self.d_head))

    def projected_one(self, layer: int, name: str, head: int, h: Tensor) -> Tensor:
        weight, bias = (self._part(layer, "attn.c_attn", kind).chunk(3, -1)[BLOCK[name]] for kind in ("weight", "bias"))
        own = slice(head * self.d_head, (head + 1) * self.d_head)
        return h @ weight[:, own] + bias[own]

    def joined(self, layer: int, z: Tensor) -> Tensor:
        return self._mapped(layer, "attn.c_proj", z.flatten(-2))

    def by_head(self, layer: int) -> Tensor:
        return self._part(layer, "attn.c_proj", "weight").T.unflatten(1, (self.heads, -1))

    def turned(self, x: Tensor, since: int) -> Tensor:
        return x

    def logits(self, x: Tensor) -> Tensor:
        return (self._normed("ln_f", x) @ self.weights["transformer.wte.weight"].T).float()

    def _part(self, layer: int, name: str, kind: str) -> Tensor:
        return self.weights[f"transformer.h.{layer}.{name}.{kind}"]

    def _mapped(self, layer: int, name: str, x: Tensor) -> Tensor:
        return x @ self._part(layer, name, "weight") + self._part(layer, name, "bias")

    def _normed(self, name: str, x: Tensor) -> Tensor:
        weight, bias = (self.weights[f"transformer.{name}.{kind}"] for kind in ("weight", "bias"))
        return layer_norm(x, x.shape[-1:], weight, bias, self.eps)


def opened(folder: Path, device: str) -> Llama:
    """The model of a folder, by its family."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return Gpt2(folder, device) if config["model_type"] == "gpt2" else Llama(folder, device)
