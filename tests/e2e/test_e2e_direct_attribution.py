"""Direct logit attributions in specs: every cell a second time with plain torch hooks, sums that are the logits of
plain transformers, one step for all that differ in `by` alone, and figures."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest
import torch
from e2e_world import World, make_model, make_world
from engine_by_hooks import Hooked
from test_e2e_numbers import measure, tokens
from torch import Tensor

from entrack.plan.steps import DirectAttribution
from entrack.report.figures import usual
from entrack.results import Results
from entrack.store import MemoryStore

FAMILIES = ("llama", "gpt2", "gpt_neox", "opt", "gptj", "qwen3")
N = 6
SILENT = "zero heads[0, 1] at last"
OF = "direct logit attribution of logit difference of answer and object at query"
SPEC = f"""
measure heads = {OF} by heads (base with [nothing, {SILENT}]) on {N} boxes
measure layers_ = {OF} by layers (base with [nothing, {SILENT}]) on {N} boxes
measure whole = {OF} by parts (base with [nothing, {SILENT}]) on {N} boxes
measure told = direct logit attribution of logit at last by parts (base with zero mlp[k] at last) on {N} boxes for k in layers
measure plain = logit (base with zero mlp[k] at last) on {N} boxes for k in layers
measure aimed = direct logit attribution of logit at last by parts (base) on {N} position
claim "one head" heads[nothing, 1, 2] - heads[nothing, layer = 1, head = 2] within 0 of 0
claim "all of it" told[k = 0, embedding] + told[k = 0, attention] + told[k = 0, mlp] + told[k = 0, bias] within 0.0001 of plain[0]
"""


@pytest.fixture(scope="module", params=FAMILIES)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> World:
    made = make_world(tmp_path_factory.mktemp("world"))
    more: dict[str, dict[str, Any]] = {"qwen3": {"head_dim": 6}, "gptj": {"rotary_dim": 4, "n_positions": 64}}
    more |= {"gpt2": {"n_positions": 64}, "opt": {"max_position_embeddings": 64}}
    make_model(made.folder / "base", heads=4, shared=4, family=request.param, **more.get(request.param, {}))
    return made


@pytest.fixture(scope="module", params=[False, True], ids=["optimised", "reference"])
def results(request: pytest.FixtureRequest, world: World) -> Results:
    return world.spec(SPEC).run(MemoryStore(), reference=request.param)


@pytest.fixture(scope="module")
def entries(world: World) -> list[dict[str, Any]]:
    return world.prompts("boxes", N)


def read(world: World, logits: Tensor, entries: list[dict[str, Any]]) -> np.ndarray:
    """The logit difference of the answer and the mean of the objects, of (prompt, vocabulary)."""
    vocabulary = json.loads((world.folder / "base" / "tokenizer.json").read_text())["model"]["vocab"]
    said = []
    for entry, row in zip(entries, logits, strict=True):
        objects = [vocabulary[word] for word in re.findall(r"[Tt]he (\w+) is in", entry["text"])]
        said.append(float(row[entry["answer_ids"][0]] - row[objects].mean()))
    return np.array(said)


def through(hooked: Hooked, entries: list[dict[str, Any]], vector: Tensor) -> Tensor:
    """Logits (prompt, vocabulary) of what a vector (prompt, d_model) at the query adds: as the final norm maps it, which
    is linear once its scale is held. The scale is read off the norm itself, at the point at which it runs."""
    names = ("model.norm", "transformer.ln_f", "gpt_neox.final_layer_norm", "model.decoder.final_layer_norm")
    (norm,) = [module for name, module in hooked.model.named_modules() if name in names]
    rows, at, seen = torch.arange(len(entries)), [entry["positions"]["query"] for entry in entries], []
    hook = norm.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    hooked.run_all(tokens(entries))
    hook.remove()
    final = seen[0][rows, at].double()
    centre = final.mean(-1, keepdim=True) if isinstance(norm, torch.nn.LayerNorm) else 0
    with torch.no_grad():
        normed = norm(final.float()).double() - (0 if getattr(norm, "bias", None) is None else norm.bias)
        scale = ((final - centre) * norm.weight).square().sum(-1) / ((final - centre) * norm.weight * normed).sum(-1)
        own = vector.double() - (vector.double().mean(-1, keepdim=True) if isinstance(norm, torch.nn.LayerNorm) else 0)
        logits: Tensor = own / scale[:, None] * norm.weight @ hooked.model.lm_head.weight.double().T
    return logits


def test_each_head(world: World, results: Results, hooked: Hooked, entries: list[dict[str, Any]]) -> None:
    rows, at = torch.arange(N), [entry["positions"]["query"] for entry in entries]
    z = hooked.z(tokens(entries))[:, rows, at]
    found = measure(results, "heads")
    assert [axis.name for axis in found.axes] == ["model", "intervention", "prompts", "layer", "head"]
    for layer in range(hooked.layers):
        projection = hooked._output_projection(layer)
        weight = projection.weight.T if type(projection).__name__ == "Conv1D" else projection.weight
        for head in range(hooked.heads):
            part = weight[:, head * hooked.d_head : (head + 1) * hooked.d_head].detach()
            expected = read(world, through(hooked, entries, z[layer, :, head] @ part.T), entries)
            np.testing.assert_allclose(
                found.cell("nothing", str(layer), str(head)).outcomes, expected, rtol=0, atol=1e-4
            )


def test_each_layer_and_the_embedding(
    world: World, results: Results, hooked: Hooked, entries: list[dict[str, Any]]
) -> None:
    rows, at = torch.arange(N), [entry["positions"]["query"] for entry in entries]
    for part in ("attention", "mlp"):
        values = hooked.parts(tokens(entries), part)[:, rows, at]
        several = [read(world, through(hooked, entries, value), entries) for value in values]
        for layer, expected in enumerate(several):
            cell = measure(results, "layers_").cell("nothing", str(layer), part)
            np.testing.assert_allclose(cell.outcomes, expected, rtol=0, atol=1e-4)
        total = measure(results, "whole").cell("nothing", part)
        np.testing.assert_allclose(total.outcomes, np.sum(several, axis=0), rtol=0, atol=1e-4)
    embedded = through(hooked, entries, hooked.parts(tokens(entries), "residual")[0][rows, at])
    found = measure(results, "whole").cell("nothing", "embedding")
    np.testing.assert_allclose(found.outcomes, read(world, embedded, entries), rtol=0, atol=1e-4)


def test_all_parts_are_the_logits_of_the_model(
    world: World, results: Results, hooked: Hooked, entries: list[dict[str, Any]]
) -> None:
    at = [entry["positions"]["query"] for entry in entries]
    logits = hooked.run_all(tokens(entries))[torch.arange(N), at]
    parts = [measure(results, "whole").cell("nothing", part) for part in ("embedding", "attention", "mlp", "bias")]
    total = np.sum([cell.outcomes for cell in parts], axis=0)
    np.testing.assert_allclose(total, read(world, logits.double(), entries), rtol=0, atol=1e-4)
    claims = {claim.text: claim for claim in results.claims}
    assert claims["one head"].passed and claims["all of it"].passed


def test_in_a_loop_they_are_those_of_the_changed_runs(results: Results) -> None:
    plain, told = measure(results, "plain"), measure(results, "told")
    for cell in plain.cells:
        k = cell.labels[1]
        parts = [told.cell(k, part).outcomes for part in ("embedding", "attention", "mlp", "bias")]
        np.testing.assert_allclose(np.sum(parts, axis=0), cell.outcomes, rtol=0, atol=1e-4)


def test_what_differs_in_by_alone_is_one_step(world: World) -> None:
    plan = world.spec(SPEC).plan().plan
    steps = [node for node in plan.nodes.values() if isinstance(node, DirectAttribution)]
    layers = len({cell.labels[1] for cell in plan.cells["told"]})
    assert len(steps) == 2 + layers + len({id for cell in plan.cells["aimed"] for id in cell.runs[0].evaluations})


def test_what_is_changed_later_moves_no_share_and_how_they_are_drawn(results: Results) -> None:
    (label,) = [label for label in measure(results, "heads").axes[1].labels if label != "nothing"]
    clean, silent = (measure(results, "heads").cell(which, "0", "1") for which in ("nothing", label))
    assert clean.value != 0
    assert clean.outcomes == silent.outcomes, "it is silent at the last token, and this is the query"
    kinds = {figure.of: figure.kind for figure in usual(results)}
    assert (kinds["heads"], kinds["layers_"], kinds["whole"]) == ("heatmap", "curves", "bars")
