"""What a family of models is: one frozen record, data only, in a file named after the family.

A view says how the heads of a part lie in the last axis of what a module takes or gives; `entrack.engine.views` gets
and puts them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from entrack.frozen import frozen
from entrack.sites import Part

ATTENTIONS = ("sdpa", "eager", "flash_attention_2")
"""Ways to compute attention: the fused one of torch, plain matrix products, and a kernel for some GPUs."""


@frozen
class Whole:
    """The whole vector (d_model, or d_mlp of neurons): the part has no heads."""


@frozen
class Heads:
    """Nothing but the part's heads, one after the other (head * d_head)."""


@frozen
class Block:
    """The heads of the part number `index` of `count` that stand side by side (count * head * d_head)."""

    index: int
    count: int


@frozen
class Interleaved:
    """Site by head, each with its own `count` parts, of which this is number `index` (head * count * d_head)."""

    index: int
    count: int


@frozen
class Beside:
    """The part's heads beside those of parts that need not have as many: they start `start` times as far on as they are
    wide, from the beginning, or, where that is negative, from the end (query heads, key heads, value heads)."""

    start: int


@frozen
class Axis:
    """Heads on an axis of their own, counted from the end: -2 for (..., token, head, d_head), -3 for (..., head, token,
    d_head)."""

    number: int


View = Whole | Heads | Block | Interleaved | Beside | Axis


@frozen
class Door:
    """One side of a module: its `input` or its `output`; `path` is from the layer, and empty for the layer itself.

    Where queries or keys pass a norm before rotary embedding, `path` is the norm, and `projection` the linear map that
    it norms: what one head is given after the norm moves no other head, whatever the norm is over. Where a part is
    `flat`, the tokens of all prompts stand one after the other: (prompt * token, width).
    """

    path: str
    side: Literal["input", "output"]
    view: View = Whole()
    projection: str | None = None
    flat: bool = False

    @property
    def linear(self) -> str:
        """The path of the linear map, of a part that has one."""
        return self.projection or self.path


@frozen
class ConfigWords:
    """Which word of a config.json says what of a model's shape. Those that are None the family does not have.

    Without `key_value_heads` there are as many as heads, without `d_head` the heads share d_model; where `d_mlp` may
    be left out, it is `d_mlp_factor` times d_model. `positions` is how many tokens there are positions for, of a family
    that has a table of them. `parallel` is whether blocks are parallel, or the word that says so, and a file that does
    not say it means true. `experts` is how many MLPs a layer has, under any of these words, and `experts_per_token` how
    many of them answer a token.
    """

    layers: str
    heads: str
    d_model: str
    d_mlp: str
    vocabulary: str
    key_value_heads: str | None = None
    d_head: str | None = None
    d_mlp_factor: int | None = None
    positions: str | None = None
    parallel: str | bool = False
    experts: tuple[str, ...] = ()
    experts_per_token: str | None = None


@frozen
class Only:
    """What a configuration may say of a word, if it says anything: this `value`, or, with `of_word`, what it says of
    the word that is called so. `why` is what is so of a model that says something else."""

    value: object
    why: str
    of_word: bool = False


@frozen
class Family:
    """A family of models. `name` is what a config.json calls it (`model_type`), `model_class` what transformers does;
    `examples` are published models.

    `decides` are the words of a config.json that decide what a model computes; it is built from these and no others. A
    file that says a word of `refuses`, or something else than `only` allows, is refused, for the reason that stands
    there. `attentions` are those that compute
    what the model does; the first holds where a spec says none.

    `taken_over` names classes that were published as code beside the weights and are part of transformers now: an
    `auto_map` that names these is not refused, and the code is not run.

    `parts` says where each part of a layer is found, in the order in which a pass comes by them. An attention's input,
    where no norm stands before it, is `NORMED`; outputs of attention and MLP are what stands before a norm that comes
    after them, as `norms_what_is_added` says. Blocks that are always parallel have no `MID`, MLPs that are experts no
    `NEURON`. `layers`, the final `norm` and `lm_head` start at the model, `attention` at a layer. An MLP has
    `mlp_matrices` matrices of d_model x d_mlp. With `transposed_weights` a projection keeps its weight as (input,
    output), as GPT-2's Conv1D does, instead of (output, input). `gguf` is what a GGUF file calls the family, where such
    files are read; `gguf_words` are values of such a file that transformers does not read, after the family's name, and
    the words of a config.json that say the same.

    With `layers_give_pairs` a layer gives a pair whose first is its output. `own_mask` is a buffer of an attention, its
    path from the layer, that says what a token may attend to (1, 1, token, token read); its last rows are taken.

    What is relied on beyond the paths: a layer's first argument and its output are the residual stream; an attention
    takes an `attention_mask` by name and gives a pair whose first is its output; in a sequential block the tensor that
    stands at `MID` is the very one to which the MLP's output is added.
    """

    name: str
    model_class: str
    examples: tuple[str, ...]
    words: ConfigWords
    decides: tuple[str, ...]
    layers: str
    attention: str
    norm: str
    lm_head: str
    parts: Mapping[Part, Door]
    mlp_matrices: int
    transposed_weights: bool = False
    layers_give_pairs: bool = False
    norms_what_is_added: bool = False
    own_mask: str | None = None
    attentions: tuple[str, ...] = ATTENTIONS
    refuses: Mapping[str, str] = MappingProxyType({})
    only: Mapping[str, Only] = MappingProxyType({})
    gguf: str | None = None
    gguf_words: Mapping[str, str] = MappingProxyType({})
    taken_over: tuple[str, ...] = ()
