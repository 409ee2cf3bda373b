"""LoRA adapters of every family: merged weights are those of peft's own merge."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from attrs import evolve
from engine_models import MODELS, ORIGINALS, Saved, save, tensor
from safetensors.torch import load_file, save_file

from entrack.engine.errors import AdapterRefused
from entrack.engine.load import load
from entrack.families import FAMILIES

peft = pytest.importorskip("peft")
CPU = torch.device("cpu")
SEPARATE = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
MODULES: Mapping[str, tuple[str, ...]] = {
    "llama": SEPARATE,
    "mistral, grouped": SEPARATE,
    "qwen2, grouped, biased": SEPARATE,
    "qwen3, grouped": SEPARATE,
    "olmo2": SEPARATE,
    "olmo3, grouped, windows": SEPARATE,
    "gemma2, grouped, windows": SEPARATE,
    "gemma3, grouped, windows": SEPARATE,
    "phi3, grouped": ("qkv_proj", "o_proj", "gate_up_proj", "down_proj"),
    "gpt2, tied": ("c_attn", "c_proj", "c_fc"),
    "gpt_neo, local": ("q_proj", "k_proj", "v_proj", "out_proj", "c_fc", "c_proj"),
    "gptj": ("q_proj", "k_proj", "v_proj", "out_proj", "fc_in", "fc_out"),
    "gpt_neox, parallel": ("query_key_value", "dense", "dense_h_to_4h", "dense_4h_to_h"),
    "opt, tied": ("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2"),
    "mixtral, grouped": ("q_proj", "k_proj", "v_proj", "o_proj"),
    "qwen3_moe, grouped": ("q_proj", "k_proj", "v_proj", "o_proj"),
}
"""What an adapter of a family may change, by the names that peft calls it."""


@pytest.fixture(autouse=True)
def no_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    """A template, which would be compiled."""
    monkeypatch.setattr(peft.PeftModel, "create_or_update_model_card", lambda *_: None)


def adapted(name: str, folder: Path, modules: tuple[str, ...], **words: Any) -> tuple[Saved, Any]:
    """A model on disk with an adapter beside it, and the same in peft."""
    saved = save(MODELS[name](), folder / "model")
    wrapped = peft.get_peft_model(
        MODELS[name](), peft.LoraConfig(r=2, lora_alpha=4, target_modules=list(modules), **words)
    )
    torch.manual_seed(1)
    for part, parameter in wrapped.named_parameters():
        if "lora_" in part:
            torch.nn.init.normal_(parameter, 0, 0.3)
    wrapped.eval().save_pretrained(folder / "adapter")
    return Saved(saved.module, saved.key, evolve(saved.source, adapter=folder / "adapter")), wrapped


def test_every_family_has_its_row() -> None:
    assert {MODELS[name]().config.model_type for name in MODULES} == set(FAMILIES)


@pytest.mark.parametrize("name", MODULES)
def test_merged_weights_are_those_of_peft(tmp_path: Path, name: str) -> None:
    saved, wrapped = adapted(name, tmp_path, MODULES[name])
    plain = {part: weight.clone() for part, weight in saved.module.state_dict().items()}
    with torch.no_grad():
        beside = wrapped(tensor(ORIGINALS)).logits
        loaded = load(saved.key, saved.source, CPU).module
        torch.testing.assert_close(loaded(tensor(ORIGINALS)).logits, beside, rtol=0, atol=1e-3)
    found, merged = loaded.state_dict(), wrapped.merge_and_unload().state_dict()
    assert set(found) == set(merged) == set(plain)
    changed = set()
    for part, weight in merged.items():
        assert torch.equal(found[part], weight), part
        changed |= set() if torch.equal(weight, plain[part]) else {part.split(".")[-2]}
    assert changed == set(MODULES[name])


def test_one_adapter_of_phi3_changes_queries_keys_and_values(tmp_path: Path) -> None:
    """They are one linear map, so they are changed by one pair of matrices."""
    saved, _ = adapted("phi3, grouped", tmp_path, ("qkv_proj",))
    place = "model.layers.1.self_attn.qkv_proj.weight"
    changed = load(saved.key, saved.source, CPU).module.get_parameter(place) - saved.module.get_parameter(place)
    queries, keys, values = changed.detach().split((32, 16, 16))
    assert all(part.abs().max() > 0.1 for part in (queries, keys, values))
    assert torch.linalg.matrix_rank(changed, atol=1e-4) == 2


@pytest.mark.parametrize("name", ["gpt2, tied", "gpt_neo, local"])
@pytest.mark.parametrize("said", [True, False])
def test_how_a_weight_is_kept_follows_from_the_module(tmp_path: Path, name: str, said: bool) -> None:
    """GPT-2 keeps weights as (input, output) and others as (output, input), whatever the adapter's settings say of
    it."""
    saved, wrapped = adapted(name, tmp_path, MODULES[name][:1])
    path = tmp_path / "adapter" / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "fan_in_fan_out": said}))
    merged = wrapped.merge_and_unload().state_dict()
    for part, weight in load(saved.key, saved.source, CPU).module.state_dict().items():
        assert torch.equal(weight, merged[part])


def renamed(old: str, new: str) -> Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]:
    return lambda weights: {name.replace(old, new): weight for name, weight in weights.items()}


def test_an_adapter_of_another_family_has_no_place(tmp_path: Path) -> None:
    """One that was made where queries, keys and values are three."""
    saved, _ = adapted("phi3, grouped", tmp_path, ("qkv_proj",))
    path = tmp_path / "adapter" / "adapter_model.safetensors"
    save_file(renamed("qkv_proj", "q_proj")(load_file(path)), path)
    with pytest.raises(AdapterRefused, match="have no place in the model"):
        load(saved.key, saved.source, CPU)


def test_an_adapter_of_experts_is_refused(tmp_path: Path) -> None:
    """They are not linear maps but matrices in a row, which plain LoRA does not know."""
    saved, _ = adapted("mixtral, grouped", tmp_path, ("q_proj",), target_parameters=["mlp.experts.down_proj"])
    with pytest.raises(AdapterRefused, match="more than plain LoRA: target_parameters"):
        load(saved.key, saved.source, CPU)


@pytest.mark.parametrize(("name", "module"), [("llama, grouped, tied", "lm_head"), ("gpt2, tied", "wte")])
def test_an_adapter_of_a_tied_weight_is_refused(tmp_path: Path, name: str, module: str) -> None:
    """Beside the weight it would change the embedding or the logits, and merged into it both."""
    saved, wrapped = adapted(name, tmp_path, (module,))
    with torch.no_grad():
        beside = wrapped(tensor(ORIGINALS)).logits
        assert (wrapped.merge_and_unload()(tensor(ORIGINALS)).logits - beside).abs().max() > 0.1
    with pytest.raises(AdapterRefused, match=f"changes .*{module}, whose weight is tied"):
        load(saved.key, saved.source, CPU)


@pytest.mark.parametrize("module", ["lm_head", "embed_tokens"])
def test_an_adapter_of_a_weight_of_its_own_is_merged(tmp_path: Path, module: str) -> None:
    saved, wrapped = adapted("llama", tmp_path, (module,))
    with torch.no_grad():
        expected = wrapped(tensor(ORIGINALS)).logits
        found = load(saved.key, saved.source, CPU).module(tensor(ORIGINALS)).logits
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)
