"""A model and its LoRA fine-tune, from a spec's text to its numbers. Model and adapter are random and tiny."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from ioi_gguf import LAYERS, tiny
from safetensors.torch import load_file, save_file

from entrack import api
from entrack.engine.errors import AdapterRefused
from entrack.results import Results
from entrack.source import Source

pytest.importorskip("peft", reason="adapters are applied by peft")

RANK, ALPHA, PARTS = 2, 4, ("q_proj", "k_proj", "v_proj", "o_proj")
SPEC = """entrack 1

model small = gguf("tiny.gguf")
model tuned = small + lora("adapter")

task held {
  object = 2 distinct from ["A", "B", "C", "D", "E", "F"]
  asked  = one index of object
  prompt = "Box X has {object[0]} and Y has {object[1]}, so"
  answer = object[asked]
  at last = end of prompt
}

measure plain   = logit of answer([small, tuned]) on 6 held
measure grafted = logit of answer(small with patch last_layer from tuned) on 6 held

group last_layer in small at last = 1.0 1.1 1.2 1.3
"""


def weights(seed: int) -> dict[str, torch.Tensor]:
    """Random A and B for every projection of every layer, under the names that peft writes."""
    module, found = tiny(), {}  # which begins with a seed of its own
    torch.manual_seed(seed)
    for layer in range(LAYERS):
        for part in PARTS:
            rows, columns = module.get_submodule(f"model.layers.{layer}.self_attn.{part}").weight.shape
            name = f"base_model.model.model.layers.{layer}.self_attn.{part}"
            found[f"{name}.lora_A.weight"] = 0.3 * torch.randn(RANK, columns)
            found[f"{name}.lora_B.weight"] = 0.3 * torch.randn(rows, RANK)
    return found


def merged(added: dict[str, torch.Tensor]) -> Any:
    """Hu et al. 2021: W + (alpha / r) B A."""
    module = tiny()
    with torch.no_grad():
        for layer in range(LAYERS):
            for part in PARTS:
                name = f"model.layers.{layer}.self_attn.{part}"
                a, b = (added[f"base_model.model.{name}.lora_{which}.weight"] for which in "AB")
                module.get_submodule(name).weight += ALPHA / RANK * b @ a
    return module


def write_adapter(folder: Path, added: dict[str, torch.Tensor]) -> None:
    folder.mkdir(exist_ok=True)
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "r": RANK,
        "lora_alpha": ALPHA,
        "target_modules": list(PARTS),
        "bias": "none",
    }
    (folder / "adapter_config.json").write_text(json.dumps(config))
    save_file(added, folder / "adapter_model.safetensors")


@pytest.fixture
def folder(unpacked: Path, tmp_path: Path) -> Path:
    shutil.copytree(unpacked.parent, tmp_path / "study")
    write_adapter(tmp_path / "study" / "adapter", weights(1))
    return tmp_path / "study"


def run(folder: Path, reference: bool = False) -> Results:
    return spec(folder).run(folder / ("reference" if reference else "optimised"), reference=reference, threads=1)


def spec(folder: Path) -> api.Spec:
    return api.loads(Source(str(folder / "study.et"), SPEC))


def by_hand(folder: Path, module: torch.nn.Module) -> list[float]:
    realised, _ = spec(folder).prompts("held", 6)
    with torch.no_grad():
        return [
            float(module(torch.tensor([pair.original.token_ids])).logits[0, -1, pair.original.ids["answer"][0]])
            for pair in realised.pairs
        ]


@pytest.mark.parametrize("reference", [False, True], ids=["optimised", "reference"])
def test_the_fine_tune_is_the_model_with_the_products_added(folder: Path, reference: bool) -> None:
    plain = run(folder, reference).measures[0]
    base, tuned = by_hand(folder, tiny()), by_hand(folder, merged(weights(1)))
    assert max(abs(one - other) for one, other in zip(base, tuned, strict=True)) > 0.1
    assert plain.cell("small").outcomes == pytest.approx(base, abs=1e-4)
    assert plain.cell("tuned").outcomes == pytest.approx(tuned, abs=1e-4)


def test_what_is_patched_comes_from_the_fine_tune(folder: Path) -> None:
    """The last layer's attention as it is in the merged model, in a model that is otherwise the plain one."""
    grafted = run(folder).measures[1].cells[0].outcomes
    small, tuned = tiny(), merged(weights(1))
    heads: list[torch.Tensor] = []
    tuned.get_submodule("model.layers.1.self_attn.o_proj").register_forward_pre_hook(
        lambda _, given: heads.append(given[0])
    )
    tuned_logits = by_hand(folder, tuned)

    def replaced(_: torch.nn.Module, given: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor]:
        z = given[0].clone()
        z[:, -1] = heads.pop(0)[:, -1]
        return (z,)

    small.get_submodule("model.layers.1.self_attn.o_proj").register_forward_pre_hook(replaced)
    assert grafted == pytest.approx(by_hand(folder, small), abs=1e-4)
    assert grafted != pytest.approx(tuned_logits, abs=1e-2)


def test_another_adapter_is_another_model(folder: Path) -> None:
    first, before = run(folder), spec(folder).plan().plan.models
    write_adapter(folder / "adapter", weights(2))
    second, after = run(folder), spec(folder).plan().plan.models
    assert before["small"] == after["small"]
    assert before["tuned"].weights == after["tuned"].weights
    assert before["tuned"].adapter != after["tuned"].adapter
    assert second.measures[0].cell("small").outcomes == first.measures[0].cell("small").outcomes
    assert second.measures[0].cell("tuned").outcomes == pytest.approx(by_hand(folder, merged(weights(2))), abs=1e-4)
    assert second.measures[0].cell("tuned").outcomes != pytest.approx(
        first.measures[0].cell("tuned").outcomes, abs=1e-2
    )


def test_an_adapter_without_a_place_is_refused(folder: Path) -> None:
    path = folder / "adapter" / "adapter_model.safetensors"
    save_file({name.replace("model.layers", "model.blocks"): weight for name, weight in load_file(path).items()}, path)
    with pytest.raises(AdapterRefused, match="have no place in the model"):
        run(folder)
