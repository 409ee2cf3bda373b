"""Loading: a model key and its files become a `LoadedModel`. No network, and no code or pickles from the files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import torch
import transformers
from safetensors import safe_open
from torch import nn
from transformers.pytorch_utils import Conv1D
from transformers.utils.import_utils import is_flash_attn_2_available

from entrack.engine import views
from entrack.engine.adapter import with_adapter
from entrack.engine.errors import EngineError, ModelMismatch, ModelUnreadable
from entrack.engine.gguf import ALONE, alone, check
from entrack.engine.loaded_model import LoadedModel
from entrack.engine.place import place
from entrack.engine.quiet import quiet
from entrack.engine.settings import is_out_of_memory
from entrack.error_text import reason
from entrack.model_config import ModelFacts
from entrack.models.key import DTYPES, ModelKey, ModelSource
from entrack.models.locate import read_json
from entrack.models.weight_files import tensors_in, weights_of
from entrack.plan.placement import layer_weights
from entrack.sites import PER_HEAD, SHARED, Part

MOST_MISSING = 1 << 20
"""Weights that may be missing from a small model and still be named."""


def load(
    key: ModelKey, source: ModelSource, device: torch.device, places: Sequence[torch.device] | None = None
) -> LoadedModel:
    """Read a model from disk and compare its shape with its facts. `places` are the devices of its layers, where they
    do not all stand on its own.

    Raises ModelUnreadable, ModelMismatch or AdapterRefused, and what torch raises when memory is out.
    """
    if key.attention not in key.facts.layout.attentions or key.dtype not in DTYPES:
        raise ModelUnreadable(f"{source.description}: attention {key.attention!r} or dtype {key.dtype!r} is not known")
    with quiet(bars=source.gguf is not None):
        module = _read(key, source)
        if source.adapter is not None:
            module = with_adapter(module, source, source.adapter)
        _check(module, key.facts, source.description)
        layers = tuple(places or (device,) * key.facts.layers)
        module = place(module, key.facts.layout, device, layers).eval().requires_grad_(requires_grad=False)
    return LoadedModel.of(key, module, device, layers)


def _read(key: ModelKey, source: ModelSource) -> nn.Module:
    if (source.folder / "adapter_config.json").exists():
        raise ModelUnreadable(f"{source.description}: {source.folder} holds an adapter, not a model")
    if key.attention == "flash_attention_2" and not is_flash_attn_2_available():  # a kernel would be downloaded
        raise ModelUnreadable(
            f"{source.description}: attention = flash_attention_2 needs a GPU and the package flash-attn; "
            "attention = sdpa does not"
        )
    family: Any = getattr(transformers, key.facts.layout.model_class)
    try:
        config = _config(family, key, source)
        with ExitStack() as files:
            given, elements = _gguf(source, files) if source.gguf else _safetensors(source, files)
            _enough(key.facts, elements)
            module, found = family.from_pretrained(
                config=config,
                dtype=getattr(torch, key.dtype),
                trust_remote_code=False,
                use_safetensors=True,
                local_files_only=True,
                output_loading_info=True,
                **given,
            )
    except EngineError:
        raise
    except Exception as error:  # whatever transformers, safetensors or gguf make of damaged files
        if is_out_of_memory(error):
            raise
        why = f"cannot be read from {source.folder}: {reason(error)}"
        raise ModelUnreadable(f"{source.description} {why}") from error
    _complete(found, source)
    return module  # type: ignore[no-any-return]  # transformers is untyped here


def _config(family: Any, key: ModelKey, source: ModelSource) -> Any:
    """The model's configuration from the words that decide what it computes; transformers never sees the others."""
    said = read_json(source.folder / "config.json")
    config = family.config_class(**{word: said[word] for word in key.facts.layout.decides if word in said})
    config._attn_implementation = key.attention
    config._experts_implementation = "eager"  # other kernels need widths that are multiples of some bytes
    return config


def _safetensors(source: ModelSource, files: ExitStack) -> tuple[dict[str, Any], int]:
    """Every tensor by name, read when it is wanted, and how many numbers they have. transformers never sees the
    folder."""
    paths = weights_of(source.folder)
    elements = sum(facts.elements for facts in tensors_in(paths).values())
    opened = [files.enter_context(safe_open(path, framework="pt")) for path in paths]
    state = {name: file.get_slice(name) for file in opened for name in file.keys()}  # noqa: SIM118  # not a mapping
    return {"pretrained_model_name_or_path": None, "state_dict": state}, elements


def _gguf(source: ModelSource, files: ExitStack) -> tuple[dict[str, Any], int]:
    """A GGUF file in a folder that holds nothing else, and how many numbers its tensors have."""
    path = source.folder / str(source.gguf)
    elements = check(path)  # gguf's own reader believes every number in the file
    folder = files.enter_context(alone(path))
    return {"pretrained_model_name_or_path": str(folder), "gguf_file": ALONE}, elements


def _enough(facts: ModelFacts, elements: int) -> None:
    """That the configuration is not of a much larger model: transformers makes room for weights that are not there,
    and only then says so."""
    beside = facts.d_model * (facts.vocabulary + (facts.positions or 0))
    wanted = facts.layers * layer_weights(facts) + beside
    if wanted > 2 * elements + MOST_MISSING:
        raise ModelUnreadable(f"config.json describes a model of {wanted:,} weights, and there are {elements:,}")


def _complete(found: Mapping[str, Any], source: ModelSource) -> None:
    """Weights that are not in the files would be random: transformers only warns."""
    for what in ("missing_keys", "mismatched_keys"):
        names = sorted(str(name) for name in found.get(what) or ())
        if names:
            count, shown = f"{len(names)} {what.replace('_', ' ')}", ", ".join(names[:3])
            raise ModelUnreadable(f"{source.description}: {count} in its weights, such as {shown}")


def _check(module: nn.Module, facts: ModelFacts, description: str) -> None:
    layout, expected = facts.layout, _expected(facts)
    try:
        layers = len(module.get_submodule(layout.layers))  # type: ignore[arg-type]  # a ModuleList
        found = {path: _shape(module.get_submodule(path)) for path in expected}
    except (AttributeError, TypeError) as error:
        raise ModelMismatch(f"{description} is not a {facts.family} model inside: {reason(error)}") from error
    if layers != facts.layers:
        raise ModelMismatch(f"{description} has {layers} layers, where its facts say {facts.layers}")
    for path, shape in expected.items():
        if found[path] != shape:
            raise ModelMismatch(f"{description}: {path} has shape {found[path]}, where the model's facts say {shape}")


def _expected(facts: ModelFacts) -> dict[str, tuple[int, int]]:
    """The shapes (output, input) of the projections, by path."""
    every = facts.heads + 2 * facts.key_value_heads
    layout, found = facts.layout, {facts.layout.lm_head: (facts.vocabulary, facts.d_model)}
    for layer in range(facts.layers):
        for part in PER_HEAD:
            door = layout.parts[part]
            heads = facts.key_value_heads if part in SHARED else facts.heads
            shape = views.width(door.view, heads, facts.d_head, every), facts.d_model
            found[f"{layout.layers}.{layer}.{door.linear}"] = shape if door.side == "output" else shape[::-1]
        if facts.has(Part.NEURON):
            found[f"{layout.layers}.{layer}.{layout.parts[Part.NEURON].linear}"] = facts.d_model, facts.d_mlp
    return found


def _shape(module: nn.Module) -> tuple[int, ...]:
    """The shape (output, input) of a linear map, however its weight is kept."""
    if isinstance(module, Conv1D):
        return tuple(module.weight.T.shape)
    if not isinstance(module, nn.Linear):
        raise TypeError("another kind of layer stands where a linear one is expected")
    return tuple(module.weight.shape)
