"""Tiny models of every shape, drawn; built in memory when they are first asked for, and a few of them kept."""

from __future__ import annotations

import copy
from functools import lru_cache
from pathlib import Path
from typing import Any
from unittest import mock

import attrs
import torch
from attrs import frozen
from engine_models import tiny
from hypothesis import strategies as st

from entrack.address import address, tagged
from entrack.engine.engine import Computed, Engine
from entrack.engine.inputs import Inputs
from entrack.engine.kernels.knockout import MASKED
from entrack.engine.loaded_model import LoadedModel
from entrack.engine.quiet import quiet
from entrack.families import FAMILIES as KNOWN
from entrack.model_config import ModelFacts, read_facts
from entrack.models.key import ModelKey, ModelSource
from entrack.plan.executor_kind import ExecutorKind
from entrack.plan.passes import PASSES, Pass
from entrack.plan.passes.batch import LEAST
from entrack.plan.schedule import DEFAULT, Memory
from entrack.plan.steps import Step
from entrack.sites import Site

POOL = 64
CPU = torch.device("cpu")
EXPERTS = ("mixtral", "qwen3_moe")
GROUPED = ("llama", "mistral", "qwen2", "qwen3", "olmo2", "olmo3", "gemma2", "gemma3_text", "phi3", *EXPERTS)
WINDOWED = ("mistral", "mixtral", "olmo3", "gemma2", "gemma3_text")
FAMILIES = (*GROUPED, "gpt2", "gpt_neo", "gptj", "gpt_neox", "opt")


@tagged("shape", "family layers heads shared d_head d_model tied attention window parallel dead weights dtype")
@frozen
class Shape:
    """What a model looks like. `dead` heads have columns of zero in the output projection; `weights` are one of two."""

    family: str
    layers: int
    heads: int
    shared: int
    d_head: int
    d_model: int
    tied: bool = False
    attention: str = "sdpa"
    window: int | None = None
    parallel: bool = False
    dead: tuple[Site, ...] = ()
    weights: int = 0
    dtype: str = "float32"

    @property
    def key(self) -> ModelKey:
        """Its digest of weights tells weights and dead heads apart, as the digest of a file would."""
        weights = address(attrs.evolve(self, attention="", dtype="float32"))[:8]
        return ModelKey(weights, "config", "tokenizer", _facts(self), dtype=self.dtype, attention=self.attention)

    @property
    def every_head(self) -> tuple[Site, ...]:
        return tuple(Site.of_head(layer, head) for layer in range(self.layers) for head in range(self.heads))


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    """All families; in those of Llama, keys and values that are shared, and widths of heads that do not follow from
    the width of the model."""
    heads = draw(st.integers(1, 4))
    family = draw(st.sampled_from(FAMILIES))
    own = family in GROUPED
    shared = draw(st.sampled_from([count for count in range(heads, 0, -1) if heads % count == 0])) if own else heads
    d_model = heads * draw(st.sampled_from((4, 3, 7) if own else (4, 6)))
    shape = Shape(
        family,
        layers=draw(st.integers(1, 4)),
        heads=heads,
        shared=shared,
        d_head=draw(st.sampled_from([width for width in (4, 2, 6) if width <= d_model])) if own else d_model // heads,
        d_model=d_model,
        tied=draw(st.booleans()),
        attention=draw(st.sampled_from(_attentions(family))),
        window=draw(st.sampled_from((None, 3))) if family in WINDOWED else None,
        parallel=family == "gpt_neox" and draw(st.booleans()),
    )
    return attrs.evolve(shape, dead=tuple(sorted(draw(st.sets(st.sampled_from(shape.every_head), max_size=3)))))


def _attentions(family: str) -> list[str]:
    return [one for one in MASKED if one in KNOWN[family].attentions]


def others(shape: Shape) -> st.SearchStrategy[Shape]:
    """A model to take values from: tuned, or the same weights with attention computed otherwise."""
    ways = [attrs.evolve(shape, attention=other) for other in _attentions(shape.family) if other != shape.attention]
    return st.sampled_from((attrs.evolve(shape, weights=1), *ways))


@lru_cache(POOL)
def built(shape: Shape) -> Any:
    module = tiny(
        shape.family,
        shape.layers,
        shape.heads,
        shape.shared,
        hidden_size=shape.d_model,
        tie_word_embeddings=shape.tied,
        attn_implementation=shape.attention,
        **_words(shape),
    )
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += 0.1 * shape.weights * torch.randn_like(parameter)
        for head in shape.dead:
            columns = slice(head.head * shape.d_head, (head.head + 1) * shape.d_head)
            _output_weight(module, shape.family, head.layer)[:, columns] = 0
    return module.requires_grad_(False)


def _words(shape: Shape) -> dict[str, Any]:
    """What only the configuration of a family says."""
    match shape.family:
        case "gpt2":
            return {
                "n_inner": 10,
                "scale_attn_by_inverse_layer_idx": shape.layers == 3,
                "reorder_and_upcast_attn": shape.heads == 2,
            }
        case "gpt_neo":
            layers = [("global", "local")[layer % 2] for layer in range(shape.layers)]
            return {"intermediate_size": 10, "attention_types": [[layers, 1]], "window_size": 3}
        case "gptj":
            return {"n_inner": 10, "rotary_dim": 2 * (shape.d_head // 4)}
        case "opt":
            return {"ffn_dim": 10, "enable_bias": shape.layers != 3}
        case "gpt_neox":
            return {"intermediate_size": 10, "use_parallel_residual": shape.parallel, "rotary_pct": 0.5}
        case "mixtral":
            experts = {"num_local_experts": 4, "num_experts_per_tok": shape.layers}
            return {"intermediate_size": 10, "head_dim": shape.d_head, "sliding_window": shape.window, **experts}
        case "qwen3_moe":
            experts = {"num_local_experts": 4, "num_experts_per_tok": 2, "norm_topk_prob": shape.heads == 2}
            return {"moe_intermediate_size": 10, "head_dim": shape.d_head, **experts}
        case "mistral":
            return {"intermediate_size": 10, "head_dim": shape.d_head, "sliding_window": shape.window}
        case "gemma2":
            return {
                "intermediate_size": 10,
                "head_dim": shape.d_head,
                "sliding_window": shape.window or 99,
                "attn_logit_softcapping": 3.0,
            }
        case "gemma3_text":
            return {
                "intermediate_size": 10,
                "head_dim": shape.d_head,
                "sliding_window": shape.window or 99,
                "sliding_window_pattern": 2,
                "final_logit_softcapping": 20.0,
            }
        case "olmo3":  # every fourth layer has no window
            return {"intermediate_size": 10, "head_dim": shape.d_head, "sliding_window": shape.window or 99}
    return {"intermediate_size": 10, "head_dim": shape.d_head}


def _output_weight(module: Any, family: str, layer: int) -> torch.Tensor:
    """The weight of an output projection, which can be written to. -> (d_model, head * d_head)"""
    match family:
        case "gpt2":
            weight: torch.Tensor = module.transformer.h[layer].attn.c_proj.weight.T
        case "gpt_neo":
            weight = module.transformer.h[layer].attn.attention.out_proj.weight
        case "gptj":
            weight = module.transformer.h[layer].attn.out_proj.weight
        case "opt":
            weight = module.model.decoder.layers[layer].self_attn.out_proj.weight
        case "gpt_neox":
            weight = module.gpt_neox.layers[layer].attention.dense.weight
        case _:
            weight = module.model.layers[layer].self_attn.o_proj.weight
    return weight


@lru_cache(None)
def _facts(shape: Shape) -> ModelFacts:
    return read_facts(built(shape).config.to_dict())


@lru_cache(4 * POOL)
def loaded(shape: Shape, executor: ExecutorKind) -> LoadedModel:
    """One for each executor, so that what one does to a module tree is not done to the other's."""
    return LoadedModel.of(shape.key, _in_precision(built(attrs.evolve(shape, dtype="float32")), shape.dtype), CPU)


def _in_precision(module: Any, dtype: str) -> Any:
    """A copy of a float32 model, as it is when it is read in another number type: some of its buffers stay float32."""
    if dtype == "float32":
        return copy.deepcopy(module)
    config, state = copy.deepcopy(module.config), module.state_dict()
    config._experts_implementation = "eager"
    with quiet(bars=False):
        read = type(module).from_pretrained(None, config=config, state_dict=state, dtype=getattr(torch, dtype))
    return read.eval().requires_grad_(False)


@frozen
class Options:
    """How an engine goes about it, which changes no number: memory, from how many operations on prompts are run in
    groups (models of this size would never be), and passes of the compiler that are left out."""

    memory: Memory = DEFAULT
    least: int = LEAST
    without: tuple[str, ...] = ()

    @property
    def passes(self) -> tuple[Pass, ...]:
        return tuple(one for one in PASSES if one.name not in self.without)


USUAL = Options()
memories = st.builds(
    Memory,
    kept=st.sampled_from((DEFAULT.kept, 0, 4_000, 12_000, 40_000)),
    a_pass=st.sampled_from((DEFAULT.a_pass, 1, 60_000)),
)
"""Nothing or little is remembered; rows run one by one, or a few together."""
left_out = st.lists(st.sampled_from([one.name for one in PASSES]), unique=True, max_size=len(PASSES)).map(tuple)
leasts = st.sampled_from((LEAST, 1))
options = st.builds(Options, memories, leasts)
fewer_passes = st.builds(Options, memories, leasts, left_out)


class InMemory(Engine):
    """An engine that finds its models in the pool instead of on disk."""

    def __init__(self, shapes: tuple[Shape, ...], executor: ExecutorKind, options: Options = USUAL) -> None:
        sources = {shape.key: ModelSource("tiny", Path()) for shape in shapes}
        super().__init__(sources, executor=executor, device="cpu", memory=options.memory, passes=options.passes)
        self._least = options.least
        self._shapes = {shape.key: shape for shape in shapes}

    def compute(self, step: Step, inputs: Inputs) -> Computed:
        with mock.patch("entrack.plan.passes.batch.LEAST", self._least):
            return super().compute(step, inputs)

    def loaded(self, key: ModelKey) -> LoadedModel:
        return loaded(self._shapes[key], self.executor)
