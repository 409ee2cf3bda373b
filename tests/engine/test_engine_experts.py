"""Experts: which of them answer a token is decided anew in each pass, also where what they read was changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from attrs import evolve
from engine_by_hooks import Hooked
from engine_models import ALTERNATES, ASKED, EXECUTORS, MODELS, ORIGINALS, Saved, agree, outcomes, save, tensor, tiny
from safetensors.torch import load_file

from entrack.engine.errors import ModelUnreadable
from entrack.engine.load import load
from entrack.model_config import read_facts
from entrack.plan.steps import At, Capture, Evaluate, FromCapture, PathPatch, Receivers, Ref, Set
from entrack.sites import Part, Site

CPU = torch.device("cpu")
NAMES = ("mixtral, grouped", "qwen3_moe, grouped")
EVERY_ROW = torch.arange(5)
HEAD, TOKEN = Site.of_head(0, 1), 3


@pytest.fixture(scope="module", params=NAMES)
def routed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Saved:
    return save(MODELS[request.param](), tmp_path_factory.mktemp("routed"))


@contextmanager
def chosen(module: Any) -> Iterator[list[torch.Tensor]]:
    """Which experts answer, layer by layer: (prompt * token, experts per token)."""
    seen: list[torch.Tensor] = []
    hooks = [
        layer.mlp.gate.register_forward_hook(lambda _, __, output: seen.append(output[2].sort(-1).values))
        for layer in module.model.layers
    ]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def moved_by_the_patch(saved: Saved) -> torch.Tensor:
    """Of which (layer, prompt) other experts answer at `TOKEN` where the head is patched there. By hooks alone."""
    model, at = Hooked(saved.module), [TOKEN] * 5
    others = model.z(tensor(ALTERNATES))

    def patch(z: torch.Tensor) -> None:
        z[:, TOKEN, HEAD.head] = others[HEAD.layer, :, TOKEN, HEAD.head]

    with chosen(saved.module) as before:
        model.run(tensor(ORIGINALS))
    with chosen(saved.module) as after:
        model.run(tensor(ORIGINALS), {HEAD.layer: patch})
    rows = torch.arange(5) * ORIGINALS.length + torch.tensor(at)
    return torch.stack([(old != new).any(-1)[rows] for old, new in zip(before, after, strict=True)])


def test_a_patch_changes_which_experts_answer(routed: Saved) -> None:
    """Also in the layer of the patched head itself, whose MLP reads it."""
    moved = moved_by_the_patch(routed)
    assert moved[0].any() and moved[1:].any()


@pytest.mark.parametrize("executor", EXECUTORS)
def test_routing_is_computed_anew_where_a_head_is_patched(routed: Saved, executor: str) -> None:
    model = Hooked(routed.module)
    others = model.z(tensor(ALTERNATES))

    def patch(z: torch.Tensor) -> None:
        z[:, TOKEN, HEAD.head] = others[HEAD.layer, :, TOKEN, HEAD.head]

    at = (TOKEN,) * 5
    inputs = {"others": routed.compute("reference", Capture(routed.key, ALTERNATES, at))}
    step = Evaluate(routed.key, ORIGINALS, (Set(At((HEAD,), at), FromCapture(Ref("others"))),), ASKED)
    agree(routed.compute(executor, step, inputs), outcomes(model.run(tensor(ORIGINALS), {HEAD.layer: patch})))


@pytest.mark.parametrize("executor", EXECUTORS)
def test_routing_is_computed_anew_in_path_patching(routed: Saved, executor: str) -> None:
    """What is held are the heads' outputs, not which experts answer."""
    model, at = Hooked(routed.module), (TOKEN,) * 5
    others = model.z(tensor(ALTERNATES))[:, EVERY_ROW, TOKEN]
    receivers = (Receivers(Part.VALUE, (Site.of_head(2, 1),)),)
    step = PathPatch(routed.key, ORIGINALS, ASKED, at, 0, Ref("alternate"), receivers)
    inputs = {"alternate": {"output": others.numpy()}}
    expected = [
        outcomes(model.path_patch(tensor(ORIGINALS), list(at), (0, head), others, [("value", (2, 1))]))
        for head in range(4)
    ]
    stacked = {name: np.stack([one[name] for one in expected]) for name in expected[0]}
    agree(routed.compute(executor, step, inputs), stacked)
    assert not np.allclose(stacked["logit"], outcomes(model.run(tensor(ORIGINALS)))["logit"], atol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_experts_as_they_are_published(tmp_path: Path, name: str) -> None:
    """A weight for each expert, and the number of experts under the family's first name for it."""
    saved = save(MODELS[name](), tmp_path)
    assert any("experts.4." in weight for weight in load_file(tmp_path / "model.safetensors"))
    config = json.loads((tmp_path / "config.json").read_text())
    config["num_experts" if "qwen" in name else "num_local_experts"] = config.pop("num_local_experts")
    (tmp_path / "config.json").write_text(
        json.dumps({**config, "output_router_logits": True, "router_jitter_noise": 1.0})
    )
    with torch.no_grad():
        key = evolve(saved.key, facts=read_facts(config))
        found = load(key, saved.source, CPU).module(tensor(ORIGINALS)).logits
        theirs: Any = transformers.AutoModelForCausalLM.from_pretrained(tmp_path, experts_implementation="eager")
        usual: Any = transformers.AutoModelForCausalLM.from_pretrained(tmp_path)
        assert torch.equal(found, theirs.eval()(tensor(ORIGINALS)).logits)
        torch.testing.assert_close(found, usual.eval()(tensor(ORIGINALS)).logits, rtol=0, atol=1e-4)


def test_experts_of_any_width(tmp_path: Path) -> None:
    """Kernels for grouped products need widths that are multiples of 16 bytes; the plain loop does not."""
    module = tiny("mixtral", 1, 1, 1, hidden_size=6, intermediate_size=5, num_local_experts=3, num_experts_per_tok=1)
    saved = save(module, tmp_path)
    assert torch.equal(
        load(saved.key, saved.source, CPU).module(tensor(ORIGINALS)).logits, module(tensor(ORIGINALS)).logits
    )


def test_experts_that_are_not_in_the_weights(tmp_path: Path) -> None:
    """Room for them would be made before anybody looks."""
    saved = save(MODELS["mixtral, grouped"](), tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "num_local_experts": 16_000}))
    key = evolve(saved.key, facts=evolve(saved.key.facts, experts=16_000))
    with pytest.raises(ModelUnreadable, match="describes a model of 184,"):
        load(key, saved.source, CPU)
