"""GGUF files of several families: config and tokenizer are written beside, and the model is the one in the file, also
where transformers leaves out what the file says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from engine_gguf import write_gguf
from engine_models import tiny
from gguf import RopeScalingType
from ioi_gguf import TOKENS, add_tokens

from entrack.engine.errors import ModelUnreadable
from entrack.engine.gguf import unpack
from entrack.engine.load import load
from entrack.model_config import ModelFacts, read_facts
from entrack.models.key import ModelKey, ModelSource
from entrack.prompts.tokenizer import Tokenizer

CPU = torch.device("cpu")
PROMPT = torch.tensor([[5, 40, 7, 99, 12, 200, 31, 8, 2]])
SIZE = {"vocab_size": len(TOKENS)}
FILES: dict[str, tuple[Callable[[], Any], Callable[[Any], None]]] = {
    "qwen3": (
        lambda: tiny("qwen3", 2, 4, 2, head_dim=12, tie_word_embeddings=True, **SIZE),
        lambda writer: writer.add_key_length(12),
    ),
    "gpt2": (lambda: tiny("gpt2", 2, 4, 4, n_positions=16, n_inner=40, **SIZE), lambda writer: None),
    "phi3": (
        lambda: tiny("phi3", 2, 4, 2, sliding_window=4, **SIZE),
        lambda writer: writer.add_sliding_window(4),
    ),
}
"""A model, and what else a file of it says."""
AS_TRANSFORMERS: dict[str, Callable[[], Any]] = {
    "qwen3": lambda: tiny("qwen3", 2, 2, 1, hidden_size=128, head_dim=128, **SIZE),
    "gpt2": lambda: tiny("gpt2", 2, 4, 4, n_positions=1024, n_inner=128, **SIZE),
    "phi3": lambda: tiny("phi3", 2, 4, 2, **SIZE),
}
"""Models of which transformers reads all that a file says."""


def packed(folder: Path, module: Any, more: Callable[[Any], None]) -> Path:
    """A file of a model with a tokenizer, and `more` in its header."""

    def both(writer: Any) -> None:
        add_tokens(writer)
        more(writer)

    write_gguf(module, folder / "tiny.gguf", both)
    return folder / "tiny.gguf"


def facts(folder: Path) -> ModelFacts:
    return read_facts(json.loads((folder / "config.json").read_text()))


def logits(folder: Path) -> torch.Tensor:
    key = ModelKey("weights", "config", "tokenizer", facts(folder))
    with torch.no_grad():
        found: torch.Tensor = load(key, ModelSource("gguf", folder, gguf="tiny.gguf"), CPU).module(PROMPT).logits
    return found


@pytest.mark.parametrize("family", FILES)
def test_what_is_unpacked_is_the_model_in_the_file(tmp_path: Path, family: str) -> None:
    make, more = FILES[family]
    module = make()
    unpack(packed(tmp_path, module, more))
    assert facts(tmp_path) == read_facts(module.config.to_dict())
    with torch.no_grad():
        torch.testing.assert_close(logits(tmp_path), module(PROMPT).logits, rtol=0, atol=1e-5)
    ours = Tokenizer(tmp_path / "tokenizer.json")
    assert [ours.word(token) for token in ours.encode("Ann").ids][-1] == "n"


@pytest.mark.parametrize("family", AS_TRANSFORMERS)
def test_it_is_what_transformers_reads(tmp_path: Path, family: str) -> None:
    from transformers import AutoModelForCausalLM

    unpack(packed(tmp_path, AS_TRANSFORMERS[family](), lambda writer: None))
    theirs: Any = AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file="tiny.gguf", local_files_only=True)
    with torch.no_grad():
        assert torch.equal(logits(tmp_path), theirs.eval()(PROMPT).logits)


SCALED: dict[str, tuple[Callable[[Any], None], str]] = {
    "scaled": (lambda writer: writer.add_rope_scaling_type(RopeScalingType.YARN), "its rotary embedding is scaled"),
    "factors": (
        lambda writer: writer.add_tensor("rope_factors_long.weight", np.ones(4, np.float32)),
        "its rotary embedding is scaled",
    ),
    "in part": (lambda writer: writer.add_rope_dimension_count(6), "only a part of each head is turned"),
}


@pytest.mark.parametrize("what", SCALED)
def test_a_rotary_embedding_that_would_be_left_out_is_refused(tmp_path: Path, what: str) -> None:
    more, message = SCALED[what]
    path = packed(tmp_path, tiny("phi3", 1, 4, 2, **SIZE), more)
    with pytest.raises(ModelUnreadable, match=message):
        unpack(path)
    assert [each.name for each in tmp_path.iterdir()] == ["tiny.gguf"]


def test_a_rotary_embedding_that_is_not_scaled_is_read(tmp_path: Path) -> None:
    unpack(
        packed(
            tmp_path, tiny("llama", 1, 4, 4, **SIZE), lambda writer: writer.add_rope_scaling_type(RopeScalingType.NONE)
        )
    )
