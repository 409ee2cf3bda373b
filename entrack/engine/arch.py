"""Where the parts of a model stand in its module tree: one `Arch` per family, data only.

A family is a key of `entrack.model_config.FAMILIES`; a test holds the two tables together.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Literal

from attrs import frozen


class Part(IntEnum):
    """A place in a layer where a forward pass is read or changed, numbered in the order in which the pass comes by.

    Per-head parts have the axes (prompt, token, head, d_head); the others (prompt, token, d_model).
    """

    RESIDUAL = 0
    """The layer's input."""
    NORMED = 1
    """The input of the attention, after the norm."""
    QUERY = 2
    KEY = 3
    VALUE = 4
    """Outputs of the projections, before rotary embedding. Key and value have key/value heads."""
    OUTPUT = 5
    """z, the input of the output projection, per query head."""
    ATTENTION = 6
    """The output of the attention, which is added to the residual."""


PER_HEAD = (Part.QUERY, Part.KEY, Part.VALUE, Part.OUTPUT)
SHARED = (Part.KEY, Part.VALUE)
"""Parts that have one row per key/value head instead of one per query head."""


@frozen
class Door:
    """One side of a module: its `input` or its `output`; `path` is from the layer, and empty for the layer itself."""

    path: str
    side: Literal["input", "output"]


@frozen
class Arch:
    """`parts` says where each part of a layer is found; the other paths start at the model, `attention` at a layer.

    What is relied on beyond the paths: a layer's first argument and its output are the residual; an attention takes an
    `attention_mask` by name and gives a pair whose first is its output. With all heads held, `post_attention_norm` and
    `mlp` are what is computed anew.
    """

    layers: str
    attention: str
    post_attention_norm: str
    mlp: str
    final_norm: str
    lm_head: str
    parts: Mapping[Part, Door]


LLAMA = Arch(
    layers="model.layers",
    attention="self_attn",
    post_attention_norm="post_attention_layernorm",
    mlp="mlp",
    final_norm="model.norm",
    lm_head="lm_head",
    parts={
        Part.RESIDUAL: Door("", "input"),
        Part.NORMED: Door("input_layernorm", "output"),
        Part.QUERY: Door("self_attn.q_proj", "output"),
        Part.KEY: Door("self_attn.k_proj", "output"),
        Part.VALUE: Door("self_attn.v_proj", "output"),
        Part.OUTPUT: Door("self_attn.o_proj", "input"),
        Part.ATTENTION: Door("self_attn", "output"),
    },
)

ARCHS: Mapping[str, Arch] = {"llama": LLAMA, "mistral": LLAMA, "qwen2": LLAMA}
