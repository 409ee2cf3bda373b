"""Adapters: LoRA weights added to a model's own, so that its modules stay what they were.

peft is never given a stranger's adapter_config.json: it would load modules and pickles that the file names, and search
with regular expressions from it. It is given settings made from the few words that a plain LoRA adapter needs.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import nn

from entrack.engine.errors import AdapterRefused, EngineError
from entrack.engine.settings import is_out_of_memory
from entrack.error_text import reason
from entrack.models.key import ModelSource
from entrack.models.locate import read_json
from entrack.models.weight_files import ModelMissing, tensors_in

ABOUT = (
    "peft_type",
    "task_type",
    "peft_version",
    "auto_mapping",
    "base_model_name_or_path",
    "revision",
    "inference_mode",
    "runtime_config",
    "lora_dropout",
    "megatron_core",
    "qalora_group_size",
    "ensure_weight_tying",
)
"""Words that say nothing about the numbers of a merged adapter."""
SETTINGS = (
    "r",
    "lora_alpha",
    "target_modules",
    "use_rslora",
    "fan_in_fan_out",
    "rank_pattern",
    "alpha_pattern",
    "layers_to_transform",
    "layers_pattern",
)
OFF: tuple[Any, ...] = (None, False, "none", [], {})
MODULE = re.compile(r"[\w.-]{1,200}", re.ASCII)


def with_adapter(module: nn.Module, source: ModelSource, adapter: Path) -> nn.Module:
    """The model with the adapter in a folder merged into its weights. Raises AdapterRefused.

    peft leaves weights that it cannot place at their start, which is no change at all: such an adapter is refused.
    """
    try:
        import peft
    except ImportError as error:
        raise AdapterRefused(f"{source.description} has an adapter, which needs peft: pip install peft") from error
    try:
        path = adapter / "adapter_model.safetensors"
        ranks = [facts.shape[0] for name, facts in tensors_in([path]).items() if "lora_A" in name and facts.shape]
        config = peft.LoraConfig(
            **_settings(read_json(adapter / "adapter_config.json"), max(ranks, default=64)), inference_mode=True
        )
        shared = _shared(module)
        wrapped = peft.get_peft_model(module, config)
        changed: Any = wrapped.base_model.targeted_module_names
        if twice := sorted(shared.intersection(changed)):
            raise AdapterRefused(f"changes {twice[0]}, whose weight is tied to another's: both would change")
        weights = load_file(path)
        result: Any = peft.set_peft_model_state_dict(wrapped, weights)
    except EngineError as error:
        raise AdapterRefused(f"{source.description}: its adapter {error}") from None
    except ModelMissing as error:
        raise AdapterRefused(f"{source.description}: its adapter cannot be read: {error}") from None
    except Exception as error:  # whatever peft makes of damaged or foreign files
        if is_out_of_memory(error):
            raise
        raise AdapterRefused(f"{source.description}: its adapter cannot be applied: {reason(error)}") from error
    added = [name for name in result.missing_keys if "lora_" in name]
    unplaced = [*result.unexpected_keys, *added]
    if unplaced or not weights:
        raise AdapterRefused(f"{source.description}: weights of its adapter have no place in the model: {unplaced[:3]}")
    merged: nn.Module = wrapped.merge_and_unload()
    return merged


def _shared(module: nn.Module) -> set[str]:
    """Modules whose weight is that of another one too: tied embeddings. Merged into one, an adapter changes both."""
    weights = {name: id(part.weight) for name, part in module.named_modules() if hasattr(part, "weight")}
    counts = Counter(weights.values())
    return {name for name, weight in weights.items() if counts[weight] > 1}


def _settings(said: object, most: int) -> dict[str, Any]:
    """What peft is told, of what an adapter_config.json says. `most` is the largest rank among the adapter's
    weights."""
    if not isinstance(said, dict) or said.get("peft_type") != "LORA":
        kind = said.get("peft_type") if isinstance(said, dict) else said
        raise AdapterRefused(f"is {str(kind)[:40]!r}, and only LoRA is applied")
    if said.get("init_lora_weights") not in (None, True, False, "gaussian"):
        raise AdapterRefused(
            f"changes the model's own weights (init_lora_weights = {str(said['init_lora_weights'])[:40]!r}), "
            "which is not done"
        )
    for word, value in said.items():
        if word not in (*ABOUT, *SETTINGS, "init_lora_weights") and value not in OFF:
            raise AdapterRefused(f"asks for more than plain LoRA: {word[:60]} = {str(value)[:60]!r}")
    settings = {word: said[word] for word in SETTINGS if said.get(word) is not None}
    for word, value in settings.items():
        if not _fits(word, value, most):
            raise AdapterRefused(f"has {word} = {str(value)[:60]!r}, which makes no sense")
    return settings


def _fits(word: str, value: object, most: int) -> bool:
    match word, value:
        case "r", int(rank):
            return 1 <= rank <= most
        case "lora_alpha", int() | float():
            return abs(value) < 1e9
        case "use_rslora" | "fan_in_fan_out", bool():
            return True
        case "rank_pattern", dict(pattern):
            return all(_is_module(name) and _fits("r", rank, most) for name, rank in pattern.items())
        case "alpha_pattern", dict(pattern):
            return all(_is_module(name) and _fits("lora_alpha", alpha, most) for name, alpha in pattern.items())
        case "layers_to_transform", int():
            return True
        case "layers_to_transform", list(layers):
            return all(type(layer) is int for layer in layers)
        case "target_modules" | "layers_pattern", str():
            return _is_module(value)
        case "target_modules" | "layers_pattern", list(names):
            return all(_is_module(name) for name in names)
    return False


def _is_module(name: object) -> bool:
    """Nothing in it that a regular expression would act on, but for the dot."""
    return isinstance(name, str) and MODULE.fullmatch(name) is not None
