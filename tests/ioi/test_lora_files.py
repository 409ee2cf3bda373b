"""The study of a LoRA fine-tune of SmolLM2: its files. No model is read here."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors import safe_open

FOLDER = Path(__file__).parents[2] / "specs" / "boxes_smollm2"


def test_the_adapter_is_small_and_names_no_folder_of_anybody_s() -> None:
    weights = FOLDER / "adapter" / "adapter_model.safetensors"
    config = json.loads((FOLDER / "adapter" / "adapter_config.json").read_text())
    assert weights.stat().st_size < 2_500_000
    assert "/" not in config["base_model_name_or_path"]
    assert config["target_modules"] == sorted(config["target_modules"])
    with safe_open(weights, framework="numpy") as file:
        names = list(file.keys())
    assert len(names) == 30 * len(config["target_modules"]) * 2
    assert all(name.startswith("base_model.model.model.layers.") for name in names)


def test_the_adapter_was_trained_on_prompts_of_another_seed() -> None:
    from entrack import api

    assert api.load(FOLDER / "train.et").resolved.seed != api.load(FOLDER / "lora.et").resolved.seed
