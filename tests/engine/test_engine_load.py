"""Loading: what is read, what is refused by name, and that nothing is printed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
import torch
from engine_models import MODELS, ORIGINALS, Saved, save, tensor
from safetensors.torch import load_file, save_file

from entrack.engine.errors import AdapterRefused, ModelMismatch, ModelUnreadable
from entrack.engine.load import load
from entrack.families import FAMILIES
from entrack.models.key import ModelSource
from entrack.sites import Part

CPU = torch.device("cpu")


@pytest.fixture
def fresh(tmp_path: Path) -> Saved:
    return save(MODELS["llama"](), tmp_path)


def refused(error: type[Exception], saved: Saved, match: str, **source: Any) -> None:
    with pytest.raises(error, match=match):
        load(saved.key, attrs.evolve(saved.source, **source), CPU)


def test_a_model_is_what_was_saved_and_nothing_is_said(saved: Saved, capfd: pytest.CaptureFixture[str]) -> None:
    loaded = load(saved.key, saved.source, CPU)
    with torch.no_grad():
        assert torch.equal(loaded.module(tensor(ORIGINALS)).logits, saved.module(tensor(ORIGINALS)).logits)
    assert not loaded.module.training
    assert not any(parameter.requires_grad for parameter in loaded.module.parameters())
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_the_dtype_is_the_key_s(grouped: Saved, dtype: str) -> None:
    loaded = load(attrs.evolve(grouped.key, dtype=dtype), grouped.source, CPU)
    assert {parameter.dtype for parameter in loaded.module.parameters()} == {getattr(torch, dtype)}


def test_every_family_has_its_module_paths() -> None:
    """All but what only some have."""
    assert all({*Part} - {Part.MID, Part.NEURON} <= set(family.parts) for family in FAMILIES.values())


def test_a_missing_folder(fresh: Saved, tmp_path: Path) -> None:
    refused(ModelUnreadable, fresh, "cannot be read", folder=tmp_path / "nowhere")


def test_damaged_weights(fresh: Saved) -> None:
    path = fresh.source.folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    refused(ModelUnreadable, fresh, "cannot be read")


def test_weights_that_are_not_there_are_never_made_up(fresh: Saved) -> None:
    path = fresh.source.folder / "model.safetensors"
    weights = load_file(path)
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, path, metadata={"format": "pt"})
    refused(ModelUnreadable, fresh, "1 missing keys .* model.layers.1.mlp.up_proj.weight")


def test_pickled_weights_are_never_read(fresh: Saved) -> None:
    path = fresh.source.folder / "model.safetensors"
    torch.save(load_file(path), fresh.source.folder / "pytorch_model.bin")
    path.unlink()
    refused(ModelUnreadable, fresh, "cannot be read")


def test_a_folder_with_an_adapter_in_it_is_no_model(fresh: Saved) -> None:
    (fresh.source.folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "some/where"}))
    refused(ModelUnreadable, fresh, "holds an adapter")


@pytest.mark.parametrize(
    ("change", "message"),
    [({"layers": 4}, "is not a llama model inside"), ({"layers": 2}, "3 layers"), ({"vocabulary": 51}, "lm_head")],
)
def test_facts_that_are_not_the_model_s(fresh: Saved, change: dict[str, Any], message: str) -> None:
    key = attrs.evolve(fresh.key, facts=attrs.evolve(fresh.key.facts, **change))
    with pytest.raises(ModelMismatch, match=message):
        load(key, fresh.source, CPU)


def test_an_adapter_without_peft(fresh: Saved, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    refused(AdapterRefused, fresh, "pip install peft", adapter=tmp_path)


def test_an_adapter_changes_the_model_as_peft_does(
    fresh: Saved, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    peft = pytest.importorskip("peft")
    monkeypatch.setattr(peft.PeftModel, "create_or_update_model_card", lambda *_: None)  # a template, which is compiled
    config = peft.LoraConfig(r=2, lora_alpha=4, target_modules=["q_proj", "v_proj", "o_proj"])
    wrapped = peft.get_peft_model(MODELS["llama"](), config).eval()
    for name, parameter in wrapped.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter)
    wrapped.save_pretrained(tmp_path / "adapter")
    loaded = load(fresh.key, attrs.evolve(fresh.source, adapter=tmp_path / "adapter"), CPU)
    with torch.no_grad():
        expected, plain = wrapped(tensor(ORIGINALS)).logits, fresh.module(tensor(ORIGINALS)).logits
        found = loaded.module(tensor(ORIGINALS)).logits
    assert not torch.allclose(expected, plain, atol=1e-2)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)

    path = tmp_path / "adapter" / "adapter_model.safetensors"
    weights = load_file(path)
    one = min(name for name in weights if "lora_B" in name)
    for what in (
        {name.replace("model.layers", "model.blocks"): w for name, w in weights.items()},
        {name: w for name, w in weights.items() if name != one},
        {**weights, one.replace("layers.0", "layers.9"): weights[one].clone()},
        {},
    ):
        save_file(what, path)
        refused(AdapterRefused, fresh, "have no place", adapter=tmp_path / "adapter")


@pytest.mark.parametrize("name", ["llama", "llama, grouped, tied", "gemma3, grouped, windows"])
def test_a_gguf_file(tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("accelerate", reason="transformers reads GGUF files only where accelerate is installed")
    pytest.importorskip("gguf")
    saved = save(MODELS[name](), tmp_path)
    write_gguf(saved.module, tmp_path / "model.gguf")
    loaded = load(saved.key, ModelSource("gguf", tmp_path, gguf="model.gguf"), CPU)
    with torch.no_grad():
        assert torch.equal(loaded.module(tensor(ORIGINALS)).logits, saved.module(tensor(ORIGINALS)).logits)
    assert capfd.readouterr() == ("", "")


def test_importing_the_engine_package_imports_no_torch() -> None:
    code = "import sys, entrack.engine, entrack.engine.errors; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=200).returncode == 0


GGUF_NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
GEMMA_NAMES = {
    **GGUF_NAMES,
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "post_attention_layernorm": "post_attention_norm",
    "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm",
}


def write_gguf(module: Any, path: Path) -> None:
    """A model in llama.cpp's format, which keeps the rows of Llama's queries and keys in another order, and the norms
    of Gemma with the one that is added to their weights."""
    import gguf

    gemma = module.config.model_type == "gemma3_text"
    config, writer = module.config, gguf.GGUFWriter(str(path), "gemma3" if gemma else "llama")
    names, added = (GEMMA_NAMES, np.float32(1)) if gemma else (GGUF_NAMES, np.float32(0))
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    weights = {name: value.detach().numpy() for name, value in module.state_dict().items()}
    writer.add_tensor("token_embd.weight", weights["model.embed_tokens.weight"])
    writer.add_tensor("output_norm.weight", weights["model.norm.weight"] + added)
    if not config.tie_word_embeddings:
        writer.add_tensor("output.weight", weights["lm_head.weight"])
    heads = {} if gemma else {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    for layer in range(config.num_hidden_layers):
        for ours, theirs in names.items():
            value = weights[f"model.layers.{layer}.{ours}.weight"] + (added if ours.endswith("norm") else 0)
            if theirs in heads:
                halves = value.reshape(heads[theirs], 2, -1, value.shape[-1])
                value = np.ascontiguousarray(halves.swapaxes(1, 2).reshape(value.shape))
            writer.add_tensor(f"blk.{layer}.{theirs}.weight", value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
