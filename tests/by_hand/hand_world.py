"""Small random models of several families, which read the built-in tokenizer's tokens, and specs beside them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from e2e_world import TASKS, World, make_model

FAMILIES: Mapping[str, Mapping[str, Any]] = {
    "llama": {"shared": 2},
    "gpt2": {"n_positions": 64},
    "gpt_neox": {},
    "gemma2": {"shared": 2, "head_dim": 12, "sliding_window": 64, "query_pre_attn_scalar": 9},
}
"""Grouped queries; queries, keys and values side by side, and interleaved by head; norms after attention and MLP."""


def make_world(folder: Path, family: str) -> World:
    """A folder with the tasks of the tests' study and two models."""
    options: dict[str, Any] = {"shared": 4, **FAMILIES[family]}
    make_model(folder / "base", heads=4, layers=3, family=family, **options)
    make_model(folder / "tuned", heads=4, layers=3, seed=7, family=family, **options)
    (folder / "tasks.et").write_text(TASKS)
    return World(folder)
