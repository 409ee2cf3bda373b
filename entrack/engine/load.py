"""Loading: a model key and its files become a `LoadedModel`. No network, and no code or pickles from the files."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors.torch import load_file
from torch import nn

from entrack.engine.access import LoadedModel
from entrack.engine.arch import ARCHS, Part
from entrack.engine.errors import AdapterRefused, EngineError, ModelMismatch, ModelUnreadable
from entrack.engine.gguf import check
from entrack.engine.settings import is_out_of_memory
from entrack.facts import FAMILIES, ModelFacts
from entrack.models.model import ATTENTIONS, DTYPES, ModelKey, ModelSource


def load(key: ModelKey, source: ModelSource, device: torch.device) -> LoadedModel:
    """Read a model from disk and compare its shape with its facts.

    Raises ModelUnreadable, ModelMismatch or AdapterRefused, and what torch raises when memory is out.
    """
    if key.attention not in ATTENTIONS or key.dtype not in DTYPES:
        raise ModelUnreadable(f"{source.description}: attention {key.attention!r} or dtype {key.dtype!r} is not known")
    with quiet(bars=source.gguf is not None):
        module = _read(key, source)
        if source.adapter is not None:
            module = _with_adapter(module, source, source.adapter)
        _check(module, key.facts, source.description)
        module = module.to(device).eval().requires_grad_(False)
    return LoadedModel.of(key, module, device)


def _read(key: ModelKey, source: ModelSource) -> nn.Module:
    if (source.folder / "adapter_config.json").exists():  # transformers would go and load the model that it names
        raise ModelUnreadable(f"{source.description}: {source.folder} holds an adapter, not a model")
    family: Any = getattr(transformers, FAMILIES[key.facts.family])
    gguf: dict[str, Any] = {}
    if source.gguf is not None:
        check(source.folder / source.gguf)  # gguf's own reader believes every number in the file
        gguf["gguf_file"] = source.gguf
    try:
        module, found = family.from_pretrained(
            str(source.folder),
            dtype=getattr(torch, key.dtype),
            attn_implementation=key.attention,
            trust_remote_code=False,
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
            **gguf,
        )
    except Exception as error:  # whatever transformers, safetensors or gguf make of damaged files
        if is_out_of_memory(error):
            raise
        why = f"cannot be read from {source.folder}: {_first_line(error)}"
        raise ModelUnreadable(f"{source.description} {why}") from error
    _complete(found, source)
    return module  # type: ignore[no-any-return]  # transformers is untyped here


def _complete(found: Mapping[str, Any], source: ModelSource) -> None:
    """Weights that are not in the files would be random: transformers only warns."""
    for what in ("missing_keys", "mismatched_keys"):
        names = sorted(str(name) for name in found.get(what) or ())
        if names:
            count, shown = f"{len(names)} {what.replace('_', ' ')}", ", ".join(names[:3])
            raise ModelUnreadable(f"{source.description}: {count} in its weights, such as {shown}")


def _with_adapter(module: nn.Module, source: ModelSource, adapter: Path) -> nn.Module:
    """LoRA weights added to the model's own, so that its modules stay what they were.

    peft leaves weights that it cannot place at their start, which is no change at all: such an adapter is refused.
    """
    try:
        import peft
    except ImportError as error:
        raise AdapterRefused(f"{source.description} has an adapter, which needs peft: pip install peft") from error
    try:
        config = peft.PeftConfig.from_pretrained(str(adapter), local_files_only=True)
        if str(getattr(config.peft_type, "value", config.peft_type)) != "LORA":
            raise AdapterRefused(f"{source.description}: its adapter is {config.peft_type}, and only LoRA is applied")
        config.inference_mode = True
        wrapped = peft.get_peft_model(module, config)
        weights = load_file(adapter / "adapter_model.safetensors")
        result: Any = peft.set_peft_model_state_dict(wrapped, weights)
    except EngineError:
        raise
    except Exception as error:  # whatever peft makes of damaged or foreign files
        raise AdapterRefused(f"{source.description}: its adapter cannot be applied: {_first_line(error)}") from error
    added = [name for name in result.missing_keys if "lora_" in name]
    unplaced = [*result.unexpected_keys, *added]
    if unplaced or not weights:
        raise AdapterRefused(f"{source.description}: weights of its adapter have no place in the model: {unplaced[:3]}")
    return wrapped.merge_and_unload()  # type: ignore[no-any-return]  # peft is untyped here


def _check(module: nn.Module, facts: ModelFacts, description: str) -> None:
    arch = ARCHS[facts.family]
    expected: dict[str, tuple[int, ...]] = {arch.lm_head: (facts.vocabulary, facts.d_model)}
    for layer in range(facts.layers):
        for part, rows in (
            (Part.QUERY, facts.heads),
            (Part.KEY, facts.key_value_heads),
            (Part.VALUE, facts.key_value_heads),
        ):
            expected[f"{arch.layers}.{layer}.{arch.parts[part].path}"] = (rows * facts.d_head, facts.d_model)
        expected[f"{arch.layers}.{layer}.{arch.parts[Part.OUTPUT].path}"] = (facts.d_model, facts.heads * facts.d_head)
    try:
        layers = len(module.get_submodule(arch.layers))  # type: ignore[arg-type]  # a ModuleList
        found = {path: _shape(module.get_submodule(path)) for path in expected}
    except (AttributeError, TypeError) as error:
        raise ModelMismatch(f"{description} is not a {facts.family} model inside: {_first_line(error)}") from error
    if layers != facts.layers:
        raise ModelMismatch(f"{description} has {layers} layers, where its facts say {facts.layers}")
    for path, shape in expected.items():
        if found[path] != shape:
            raise ModelMismatch(f"{description}: {path} has shape {found[path]}, where the model's facts say {shape}")


def _shape(module: nn.Module) -> tuple[int, ...]:
    if not isinstance(module, nn.Linear):
        raise TypeError(f"a {type(module).__name__} where a linear layer is expected")
    return tuple(module.weight.shape)


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


@contextmanager
def quiet(bars: bool) -> Iterator[None]:
    """No progress bars, log lines or warnings while a model is read. `bars` are drawn by tqdm whatever one asks it."""
    log: Any = transformers.utils.logging
    verbosity, shown = log.get_verbosity(), log.is_progress_bar_enabled()
    log.set_verbosity(log.CRITICAL)
    log.disable_progress_bar()
    try:
        with warnings.catch_warnings(), redirect_stderr(StringIO()) if bars else nullcontext():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.set_verbosity(verbosity)
        if shown:
            log.enable_progress_bar()
