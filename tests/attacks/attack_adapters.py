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
GOOD: Mapping[str, Any] = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": RANK, "lora_alpha": 4, "target_modules": list(PARTS), "bias": "none"}
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
        says(init_lora_weights=word, **{f"{word}_config": {name: str(adapter / "cache.pt") for name in inner}})(adapter, guard)

    return spoil


REFUSED: Mapping[str, tuple[Attack, str]] = {
    "code, a module by name": (megatron, "AdapterRefused"),
    "code, a cache that is a pickle": (cached("corda", cache_file="", covariance_file=""), "AdapterRefused"),
    "code, another cache": (cached("lora_ga", cache_file=""), "AdapterRefused"),
    "code, a class of its own": (both(says(auto_mapping={"base_model_class": "Evil", "parent_library": "evil"}, modules_to_save=["lm_head"]), code("evil.py")), "AdapterRefused"),
    "code, another kind": (says(peft_type="EVIL"), "AdapterRefused"),
    "pickle, alone": (both(without(WEIGHTS), torch_pickled("adapter_model.bin")), "ModelMissing"),
    "pickle, called safetensors": (torch_pickled(WEIGHTS), "ModelRefused"),
    "config, empty": (text(CONFIG, b""), "AdapterRefused"),
    "config, a list": (text(CONFIG, "[]"), "AdapterRefused"),
    "config, deep": (text(CONFIG, DEEP), "AdapterRefused"),
    "config, a rank of a terabyte": (says(r=10**9), "AdapterRefused"),
    "config, a rank of a terabyte for one": (says(rank_pattern={"q_proj": 10**9}), "AdapterRefused"),
    "config, a rank below nothing": (says(r=-2), "AdapterRefused"),
    "config, a rank of text": (says(r="2"), "AdapterRefused"),
    "config, a factor that is none": (text(CONFIG, json.dumps(GOOD).replace('"lora_alpha": 4', '"lora_alpha": NaN')), "AdapterRefused"),
    "config, an expression that does not end": (says(target_modules="(a*)*(b*)*(.*)*$"), "AdapterRefused"),
    "config, another that does not end": (says(rank_pattern={"(a*)*(.*)*$": 2}), "AdapterRefused"),
    "config, layers written again": (says(layer_replication=[[0, 1 << 20]]), "AdapterRefused"),
    "config, DoRA": (says(use_dora=True), "AdapterRefused"),
    "config, biases": (says(bias="all"), "AdapterRefused"),
    "config, other weights at the start": (says(init_lora_weights="pissa"), "AdapterRefused"),
    "config, whole modules": (says(modules_to_save=["embed_tokens"]), "AdapterRefused"),
    "config, a word that nobody knows": (says(evil={"a": 1}), "AdapterRefused"),
    "config, nothing to change": (says(target_modules=["nowhere"]), "AdapterRefused"),
    "weights, elsewhere": (weights(lambda tensors: {name.replace("layers.0", "layers.7"): value for name, value in tensors.items()}), "AdapterRefused"),
    "weights, of another shape": (weights(lambda tensors: {name: value[:, :1].clone() for name, value in tensors.items()}), "AdapterRefused"),
    "weights, half of them": (weights(lambda tensors: {name: value for name, value in tensors.items() if "lora_A" in name}), "AdapterRefused"),
    "weights, none": (weights(lambda tensors: {}), "AdapterRefused"),
    "weights, NaN": (weights(lambda tensors: {name: value * float("nan") for name, value in tensors.items()}), "NotFinite"),
    "link, weights": (linked(WEIGHTS, lambda adapter, guard: adapter.parents[1] / WEIGHTS), "ModelRefused"),
    "link, a secret as config": (linked(CONFIG, lambda adapter, guard: guard.secret), "ModelRefused"),
}  # fmt: skip

IGNORED: Mapping[str, Attack] = {
    "another base model": says(base_model_name_or_path="https://evil.example/base", revision="evil"),
    "pickles and modules beside": both(torch_pickled("adapter_model.bin"), pickled("training_args.bin"), code("modeling.py"), code("__init__.py")),
    "settings of a run": says(runtime_config={"evil": 1}, megatron_core="evil", peft_version="99", inference_mode=False),
}
