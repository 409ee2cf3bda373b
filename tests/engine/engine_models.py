"""Tiny random models, prompts for them, and ways to compute and to compare."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from attrs import frozen

from entrack.engine.engine import Engine
from entrack.families import FAMILIES
from entrack.model_config import read_facts
from entrack.models.key import ModelKey, ModelSource
from entrack.plan.steps import Batch, Capture, Ref, Step

torch.set_num_threads(1)  # the models are tiny: more threads only wait for one another
VOCABULARY, PROMPTS, TOKENS = 50, 5, 9
EXECUTORS = ("reference", "optimised")


def tiny(family: str, layers: int, heads: int, shared: int, **more: Any) -> Any:
    """A random model whose attentions and MLPs matter: the usual start is so small that nothing would show."""
    torch.manual_seed(0)
    options = {
        "vocab_size": VOCABULARY,
        "hidden_size": 8 * heads,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "initializer_range": 0.3,
        "experts_implementation": "eager",
        **OWN.get(family, {"intermediate_size": 40, "num_key_value_heads": shared}),
        **_besides(family, layers),
        **more,
    }
    config = transformers.AutoConfig.for_model(family, **options)
    module = getattr(transformers, FAMILIES[family].model_class)(config).eval()
    for parameter in module.parameters():
        if parameter.dim() == 1:  # norms and biases, which start as ones and zeros
            torch.nn.init.normal_(parameter, 0.0 if family in ADDED_TO_ONE else 1.0, 0.3)
    return module


def _besides(family: str, layers: int) -> dict[str, Any]:
    """What must be said of a small model that is not what a file leaves out."""
    match family:
        case "phi3":  # else a token for padding that a small vocabulary has not
            return {"pad_token_id": None}
        case "gpt_neo":
            return {"attention_types": [[["global"], layers]]}
    return {}


OWN: Mapping[str, Mapping[str, Any]] = {
    "gpt2": {"n_inner": 40, "n_positions": 16},
    "gpt_neo": {"intermediate_size": 40, "max_position_embeddings": 16},
    "gpt_neox": {"intermediate_size": 40, "rotary_pct": 0.25},
    "gptj": {"n_inner": 40, "n_positions": 16, "rotary_dim": 4},
    "opt": {"ffn_dim": 40, "max_position_embeddings": 16, "activation_function": "gelu"},
}
"""What families without grouped-query attention are told instead. OPT is made smooth, so that its derivatives are those
of small differences."""
ADDED_TO_ONE = ("gemma2", "gemma3_text")
"""Families whose norms' weights are."""
GLOBAL = {"sliding_window_pattern": 2}
"""Every second layer without a window."""
EXPERTS = {"num_local_experts": 5, "num_experts_per_tok": 2, "initializer_range": 0.22}
CAPPED = {"final_logit_softcapping": 4.0}
MODELS: dict[str, Callable[[], Any]] = {
    "llama": lambda: tiny("llama", 3, 4, 4),
    "llama, grouped, tied": lambda: tiny("llama", 4, 4, 2, tie_word_embeddings=True),
    "llama, wide heads": lambda: tiny("llama", 2, 3, 3, head_dim=6),
    "mistral, grouped": lambda: tiny("mistral", 3, 4, 1),
    "qwen2, grouped, biased": lambda: tiny("qwen2", 3, 4, 2),
    "qwen3, grouped": lambda: tiny("qwen3", 3, 4, 2, head_dim=12),
    "olmo2": lambda: tiny("olmo2", 2, 3, 3),
    "olmo3, grouped, windows": lambda: tiny(
        "olmo3", 3, 4, 2, sliding_window=4, layer_types=["sliding_attention", "full_attention", "sliding_attention"]
    ),
    "gemma3, grouped, windows": lambda: tiny(
        "gemma3_text", 3, 4, 2, head_dim=12, sliding_window=4, query_pre_attn_scalar=9, **GLOBAL, **CAPPED
    ),
    "gemma2, grouped, windows": lambda: tiny(
        "gemma2", 3, 4, 2, head_dim=12, sliding_window=4, query_pre_attn_scalar=9, attn_logit_softcapping=1.5, **CAPPED
    ),
    "phi3, grouped": lambda: tiny("phi3", 3, 4, 2, partial_rotary_factor=0.5),
    "gpt2, tied": lambda: tiny("gpt2", 3, 4, 4),
    "gpt2, scaled by layer": lambda: tiny(
        "gpt2", 3, 3, 3, n_inner=None, tie_word_embeddings=False, scale_attn_by_inverse_layer_idx=True
    ),
    "gpt_neo, local": lambda: tiny(
        "gpt_neo", 3, 4, 4, attention_types=[[["global", "local", "global"], 1]], window_size=4, initializer_range=0.15
    ),
    "mixtral, grouped": lambda: tiny("mixtral", 3, 4, 2, **EXPERTS),
    "qwen3_moe, grouped": lambda: tiny(
        "qwen3_moe", 3, 4, 2, head_dim=12, moe_intermediate_size=20, norm_topk_prob=True, **EXPERTS
    ),
    "gptj": lambda: tiny("gptj", 3, 4, 4),
    "opt, tied": lambda: tiny("opt", 3, 4, 4),
    "gpt_neox, parallel": lambda: tiny("gpt_neox", 3, 4, 4),
    "gpt_neox, sequential": lambda: tiny("gpt_neox", 3, 4, 4, use_parallel_residual=False, rotary_pct=0.5),
}


@frozen
class Saved:
    """A model in memory and on disk."""

    module: Any
    key: ModelKey
    source: ModelSource

    def engine(self, executor: str, **options: Any) -> Engine:
        return Engine({self.key: self.source}, executor=executor, device="cpu", **options)  # type: ignore[arg-type]

    def compute(
        self, executor: str, step: Step, inputs: Mapping[str, Any] | None = None, **options: Any
    ) -> dict[str, Any]:
        return self.engine(executor, **options).compute(step, inputs or {}).tensors


def save(module: Any, folder: Path, description: str = "tiny") -> Saved:
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # untyped in transformers
    module.save_pretrained(folder)
    facts = read_facts(json.loads((folder / "config.json").read_text()))
    key = ModelKey("weights", "config", "tokenizer", facts, attention=facts.layout.attentions[0])
    return Saved(module, key, ModelSource(description, folder))


def prompts(seed: int, count: int = PROMPTS, length: int = TOKENS) -> Batch:
    drawn = np.random.default_rng(seed).integers(0, VOCABULARY, (count, length))
    return Batch(tuple(tuple(row) for row in drawn.tolist()))


def tensor(batch: Batch) -> torch.Tensor:
    return torch.tensor(batch.tokens)


ORIGINALS, ALTERNATES = prompts(1), prompts(2)
ASKED = tuple((i, 2 * i + 1, 49) for i in range(PROMPTS))
SPREAD = (3, 5, 3, 7, 4)
"""A position that differs from prompt to prompt."""
LAST = (TOKENS - 1,) * PROMPTS
REF = Ref("alternate")


def capture(saved: Saved, batch: Batch, at: tuple[int, ...]) -> dict[str, dict[str, np.ndarray]]:
    return {REF.id: saved.compute("reference", Capture(saved.key, batch, at))}


def outcomes(logits: torch.Tensor, asked: tuple[tuple[int, ...], ...] = ASKED) -> dict[str, np.ndarray]:
    """The oracle's logits (..., prompt, vocabulary) as a step's outcomes."""
    index = torch.tensor(asked).expand(*logits.shape[:-1], -1)
    return {
        "top": logits.argmax(-1).numpy(),
        "logit": logits.gather(-1, index).numpy(),
        "log_probability": logits.log_softmax(-1).gather(-1, index).numpy(),
    }


def agree(found: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray], within: float = 1e-5) -> None:
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert found[name].shape == value.shape, name
        assert found[name].dtype == value.dtype, name
        np.testing.assert_allclose(found[name], value, rtol=0, atol=within, err_msg=name)


def same(found: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray]) -> None:
    """Equal bit for bit."""
    for name, value in expected.items():
        assert found[name].tobytes() == value.tobytes(), name
