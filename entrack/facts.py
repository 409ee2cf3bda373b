"""A model's facts: what its config.json says, read without loading a weight.

A family is supported when it is in `FAMILIES`; what the engine needs to know of a family stands in `engine/arch.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

FAMILIES = {
    "llama": "LlamaForCausalLM",
    "mistral": "MistralForCausalLM",
    "qwen2": "Qwen2ForCausalLM",
}
MOST = {"layers": 1024, "heads": 1024, "d_model": 1 << 20, "vocabulary": 1 << 24}


class BadConfig(ValueError):
    """A config.json that does not describe a model entrack can work with; the message says why."""


@frozen
class ModelFacts:
    """Shape of a model. `key_value_heads` is smaller than `heads` under grouped-query attention; `d_mlp` is the width inside an MLP."""

    family: str
    layers: int
    heads: int
    key_value_heads: int
    d_model: int
    d_head: int
    d_mlp: int
    vocabulary: int

    @property
    def grouped(self) -> bool:
        return self.key_value_heads != self.heads

    def key_value_head(self, head: int) -> int:
        """The key/value head that serves a query head."""
        return head // (self.heads // self.key_value_heads)

    def sharers(self, head: int) -> tuple[int, ...]:
        """The query heads that share this one's key/value head, itself included."""
        size = self.heads // self.key_value_heads
        first = self.key_value_head(head) * size
        return tuple(range(first, first + size))


def read_facts(config: object) -> ModelFacts:
    """Facts from a parsed config.json. Raises BadConfig with what is missing or impossible."""
    if not isinstance(config, dict):
        raise BadConfig("config.json is not an object")
    family = config.get("model_type")
    if family not in FAMILIES:
        raise BadConfig(f"the model family {family!r} is not known; known are {', '.join(sorted(FAMILIES))}")
    if config.get("auto_map"):
        raise BadConfig("config.json asks for code of its own (auto_map), which entrack never runs")
    layers, heads = _number(config, "num_hidden_layers", MOST["layers"]), _number(config, "num_attention_heads", MOST["heads"])
    d_model = _number(config, "hidden_size", MOST["d_model"])
    shared = _number(config, "num_key_value_heads", heads) if config.get("num_key_value_heads") is not None else heads
    if heads % shared:
        raise BadConfig(f"{heads} heads cannot share {shared} key/value heads")
    if config.get("head_dim") is None and d_model % heads:
        raise BadConfig(f"a width of {d_model} does not divide into {heads} heads")
    d_head = _number(config, "head_dim", d_model) if config.get("head_dim") is not None else d_model // heads
    d_mlp = _number(config, "intermediate_size", 16 * MOST["d_model"])
    return ModelFacts(family, layers, heads, shared, d_model, d_head, d_mlp, _number(config, "vocab_size", MOST["vocabulary"]))


def _number(config: Mapping[str, Any], name: str, most: int) -> int:
    value = config.get(name)
    if type(value) is not int or not 1 <= value <= most:
        raise BadConfig(f"config.json needs a whole number from 1 to {most} as {name}, not {value!r}")
    return value
