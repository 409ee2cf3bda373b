"""A model's facts: what its config.json says, read without loading a weight.

A family is supported when it is in `FAMILIES`; what the engine needs to know of a family stands in `engine/arch.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from entrack.address import tagged

FAMILIES = {
    "llama": "LlamaForCausalLM",
    "mistral": "MistralForCausalLM",
    "qwen2": "Qwen2ForCausalLM",
}
NARROW = 256
"""Width up to which one thread is enough: the products are too small to share, and two threads would only wait for
each other."""
MOST = {"layers": 1024, "heads": 1024, "d_model": 1 << 20, "vocabulary": 1 << 24}
DECIDES = (
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "hidden_act",
    "rms_norm_eps",
    "attention_bias",
    "mlp_bias",
    "tie_word_embeddings",
    "initializer_range",
    "max_position_embeddings",
    "rope_parameters",
    "rope_theta",
    "rope_scaling",
    "partial_rotary_factor",
    "sliding_window",
    "use_sliding_window",
    "max_window_layers",
    "layer_types",
)
"""The words of a config.json that decide what a model of a known family computes. A model is built from these and no
others."""
CODE = ("auto_map", "custom_pipelines", "custom_generate", "trust_remote_code", "use_kernels", "kernel_config")
OTHERWISE = {
    "quantization_config": "its weights are quantised",
    "compression_config": "its weights are compressed",
    "per_layer_config": "its layers differ from one another",
    "fusion_config": "its modules are fused",
    "transformers_weights": "its weights are in a file of another name",
}
"""What would change the numbers if it were obeyed, so that a model that says it is not one that can be had by
leaving it out."""


class BadConfig(ValueError):
    """A config.json that does not describe a model entrack can work with; the message says why."""


@tagged("facts", "family layers heads key_value_heads d_model d_head d_mlp vocabulary")
@frozen
class ModelFacts:
    """Shape of a model. `key_value_heads` is smaller than `heads` under grouped-query attention; `d_mlp` is the
    width inside an MLP."""

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

    @property
    def narrow(self) -> bool:
        return self.d_model <= NARROW

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
    if not isinstance(family, str) or family not in FAMILIES:
        raise BadConfig(f"the model family {str(family)[:60]!r} is not known; known are {', '.join(sorted(FAMILIES))}")
    _refuse(config)
    layers, heads = (
        _number(config, "num_hidden_layers", MOST["layers"]),
        _number(config, "num_attention_heads", MOST["heads"]),
    )
    d_model = _number(config, "hidden_size", MOST["d_model"])
    shared = _number(config, "num_key_value_heads", heads) if config.get("num_key_value_heads") is not None else heads
    if heads % shared:
        raise BadConfig(f"{heads} heads cannot share {shared} key/value heads")
    if config.get("head_dim") is None and d_model % heads:
        raise BadConfig(f"a width of {d_model} does not divide into {heads} heads")
    d_head = _number(config, "head_dim", d_model) if config.get("head_dim") is not None else d_model // heads
    d_mlp = _number(config, "intermediate_size", 16 * MOST["d_model"])
    return ModelFacts(
        family, layers, heads, shared, d_model, d_head, d_mlp, _number(config, "vocab_size", MOST["vocabulary"])
    )


def _refuse(config: Mapping[str, Any]) -> None:
    for word in CODE:
        if config.get(word):
            raise BadConfig(f"config.json asks for code of its own ({word}), which entrack never runs")
    for word in ("attn_implementation", "_attn_implementation", "experts_implementation", "_experts_implementation"):
        if any(mark in str(config.get(word)) for mark in "/:|"):
            raise BadConfig(f"config.json asks for code of its own ({word}), which entrack never runs")
    for word, why in OTHERWISE.items():
        if config.get(word):
            raise BadConfig(f"{why} ({word} in config.json), which entrack does not read")


def _number(config: Mapping[str, Any], name: str, most: int) -> int:
    value = config.get(name)
    if type(value) is not int or not 1 <= value <= most:
        raise BadConfig(f"config.json needs a whole number from 1 to {most} as {name}, not {str(value)[:60]}")
    return value
