"""LoRA adapters as a stranger might send them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from attack_guard import Guard
from attack_models import DEEP, Attack, both, code, linked, pickled, text, torch_pickled, without
from safetensors.torch import load_file, save_file

RANK, PARTS = 2, ("q_proj", "v_proj")
GOOD: Mapping[str, Any] = {
    "peft_type": "LORA",
    "task_type": "CAUSAL_LM",
    "r": RANK,
    "lora_alpha": 4,
    "target_modules": list(PARTS),
    "bias": "none",
}
CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"


def write(folder: Path, model: Path) -> None:
    """A good adapter for a model's folder."""
    torch.manual_seed(1)
    added = {}
    for name, weight in load_file(model / "model.safetensors").items():
        if any(part in name for part in PARTS):
            place = f"base_model.model.{name.removesuffix('.weight')}"
            added[f"{place}.lora_A.weight"] = 0.3 * torch.randn(RANK, weight.shape[1])
            added[f"{place}.lora_B.weight"] = 0.3 * torch.randn(weight.shape[0], RANK)
    folder.mkdir()
    save_file(added, folder / WEIGHTS)
    (folder / CONFIG).write_text(json.dumps(GOOD))


def says(**words: Any) -> Attack:
    return lambda adapter, guard: (adapter / CONFIG).write_text(json.dumps({**GOOD, **words})) and None


def weights(change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> Attack:
    return lambda adapter, guard: save_file(change(load_file(adapter / WEIGHTS)), adapter / WEIGHTS)


def megatron(adapter: Path, guard: Guard) -> None:
    """A module that peft would import by the name that the file gives."""
    (adapter / "evil.py").write_text(guard.payload("megatron"))
    says(megatron_config={"a": 1}, megatron_core="evil")(adapter, guard)


def cached(word: str, **inner: str) -> Attack:
    """A pickle that peft would load from a path that the file gives."""

    def spoil(adapter: Path, guard: Guard) -> None:
        torch_pickled("cache.pt")(adapter, guard)
        says(init_lora_weights=word, **{f"{word}_config": {name: str(adapter / "cache.pt") for name in inner}})(
            adapter, guard
        )

    return spoil


REFUSED: Mapping[str, tuple[Attack, str]] = {
    "code, a module by name": (megatron, "adapter refused"),
    "code, a cache that is a pickle": (cached("corda", cache_file="", covariance_file=""), "adapter refused"),
    "code, another cache": (cached("lora_ga", cache_file=""), "adapter refused"),
    "code, a class of its own": (
        both(
            says(auto_mapping={"base_model_class": "Evil", "parent_library": "evil"}, modules_to_save=["lm_head"]),
            code("evil.py"),
        ),
        "adapter refused",
    ),
    "code, another kind": (says(peft_type="EVIL"), "adapter refused"),
    "pickle, alone": (both(without(WEIGHTS), torch_pickled("adapter_model.bin")), "model missing"),
    "pickle, called safetensors": (torch_pickled(WEIGHTS), "model refused"),
    "config, empty": (text(CONFIG, b""), "adapter refused"),
    "config, a list": (text(CONFIG, "[]"), "adapter refused"),
    "config, deep": (text(CONFIG, DEEP), "adapter refused"),
    "config, a rank of a terabyte": (says(r=10**9), "adapter refused"),
    "config, a rank of a terabyte for one": (says(rank_pattern={"q_proj": 10**9}), "adapter refused"),
    "config, a rank below nothing": (says(r=-2), "adapter refused"),
    "config, a rank of text": (says(r="2"), "adapter refused"),
    "config, a factor that is none": (
        text(CONFIG, json.dumps(GOOD).replace('"lora_alpha": 4', '"lora_alpha": NaN')),
        "adapter refused",
    ),
    "config, an expression that does not end": (says(target_modules="(a*)*(b*)*(.*)*$"), "adapter refused"),
    "config, another that does not end": (says(rank_pattern={"(a*)*(.*)*$": 2}), "adapter refused"),
    "config, layers written again": (says(layer_replication=[[0, 1 << 20]]), "adapter refused"),
    "config, DoRA": (says(use_dora=True), "adapter refused"),
    "config, biases": (says(bias="all"), "adapter refused"),
    "config, other weights at the start": (says(init_lora_weights="pissa"), "adapter refused"),
    "config, whole modules": (says(modules_to_save=["embed_tokens"]), "adapter refused"),
    "config, a word that nobody knows": (says(evil={"a": 1}), "adapter refused"),
    "config, nothing to change": (says(target_modules=["nowhere"]), "adapter refused"),
    "weights, elsewhere": (
        weights(lambda tensors: {name.replace("layers.0", "layers.7"): value for name, value in tensors.items()}),
        "adapter refused",
    ),
    "weights, of another shape": (
        weights(lambda tensors: {name: value[:, :1].clone() for name, value in tensors.items()}),
        "adapter refused",
    ),
    "weights, half of them": (
        weights(lambda tensors: {name: value for name, value in tensors.items() if "lora_A" in name}),
        "adapter refused",
    ),
    "weights, none": (weights(lambda tensors: {}), "adapter refused"),
    "weights, NaN": (
        weights(lambda tensors: {name: value * float("nan") for name, value in tensors.items()}),
        "not finite",
    ),
    "link, weights": (linked(WEIGHTS, lambda adapter, guard: adapter.parents[1] / WEIGHTS), "model refused"),
    "link, a secret as config": (linked(CONFIG, lambda adapter, guard: guard.secret), "model refused"),
}

IGNORED: Mapping[str, Attack] = {
    "another base model": says(base_model_name_or_path="https://evil.example/base", revision="evil"),
    "pickles and modules beside": both(
        torch_pickled("adapter_model.bin"), pickled("training_args.bin"), code("modeling.py"), code("__init__.py")
    ),
    "settings of a run": says(
        runtime_config={"evil": 1}, megatron_core="evil", peft_version="99", inference_mode=False
    ),
}
