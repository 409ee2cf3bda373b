"""Metrics in loops over layers and tokens, and over spans, computed a second time with plain torch hooks."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from e2e_world import World, make_world
from engine_by_hooks import Hooked
from test_e2e_any_site import FACTS, Entries, put
from test_e2e_numbers import alternates, answers, measure, tokens
from torch import Tensor

from entrack.plan.steps import Evaluate
from entrack.ranking import Ranking
from entrack.report.figures import usual
from entrack.results import Group, Results
from entrack.sites import Part, Site
from entrack.store import MemoryStore

N = 4
EVERY = "for k in layers for t in tokens"
PATCH = "patch residual[k] at t from scrambled"
SPEC = f"""
measure grid = recovery of logit difference of answer and wrong against scrambled (base with {PATCH}) on {N} boxes {EVERY}
measure far = KL from clean (base with {PATCH}) on {N} boxes {EVERY}
measure early = logit lens of log probability at query (base with {PATCH}) on {N} boxes for k in [0, 2] for t in tokens
measure seen = attention from last to [query, previous] (base with {PATCH}) on {N} boxes for k in [1] for t in [3]
measure lost = loss over size (base with zero mlp[k] at size) on 9 facts for k in layers
measure read = attention from last to size (base) on 9 facts
claim "the third layer, the fourth token" grid[2, 3] - grid[k = 2, t = 3] within 0 of 0
claim "after the last layer" early[2, 3, layer = 1] - early[k = 2, t = 3, layer = 1] within 0 of 0
"""


@pytest.fixture(scope="module", params=["llama", "gpt2"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> World:
    world = make_world(tmp_path_factory.mktemp("world"), request.param)
    (world.folder / "tasks.et").write_text((world.folder / "tasks.et").read_text() + FACTS)
    return world


@pytest.fixture(scope="module", params=[False, True], ids=["optimised", "reference"])
def results(request: pytest.FixtureRequest, world: World) -> Results:
    return world.spec(SPEC).run(MemoryStore(), reference=request.param)


@pytest.fixture(scope="module")
def entries(world: World) -> Entries:
    return world.prompts("scrambled", N)


def patched(hooked: Hooked, entries: Entries, layer: int, token: int) -> Tensor:
    """Logits at every token with the residual stream before a layer taken from the alternates at one token."""
    values = hooked.part(tokens(alternates(entries)), "residual")
    return hooked.run_all(tokens(entries), whole={(layer, "residual"): put([[token]] * len(entries), values[layer])})


def difference(logits: Tensor, entries: Entries) -> Tensor:
    rows = torch.arange(len(entries))
    wrong = [entry["words"]["wrong"]["ids"][0] for entry in entries]
    return (logits[rows, answers(entries)] - logits[rows, wrong]).double()


def test_a_recovery_in_every_cell(results: Results, hooked: Hooked, entries: Entries) -> None:
    clean, corrupted = (difference(hooked.run(tokens(some)), entries) for some in (entries, alternates(entries)))
    way, found = (clean - corrupted).mean(), measure(results, "grid")
    last = len(entries[0]["token_ids"]) - 1
    for layer in range(hooked.layers):
        for token in (3, last - 4, last):
            come = difference(patched(hooked, entries, layer, token)[:, -1], entries) - corrupted
            cell = found.cell(str(layer), str(token))
            np.testing.assert_allclose(cell.outcomes, come / way, rtol=0, atol=2e-3)
            assert cell.value == pytest.approx(float(come.mean() / way), abs=2e-3)
    assert found.cell("0", "0").value == pytest.approx(1, abs=1e-5), "all prompts begin alike"


def test_the_ends_of_a_recovery_run_once(world: World) -> None:
    plan = world.spec(SPEC).plan().plan
    cells, bare = (
        plan.cells["grid"],
        [node for node in plan.nodes.values() if isinstance(node, Evaluate) and not node.edits and not node.also],
    )
    assert len({id(cell.between) for cell in cells}) == 1
    assert cells[0].between is not None
    ends = (cells[0].between.clean[0].evaluations, cells[0].between.corrupted[0].evaluations)
    assert list(map(len, ends)) == [1, 1] and ends[0] != ends[1]
    assert bare == [plan.nodes[one] for (one,) in ends]


def test_a_divergence_in_every_cell(results: Results, hooked: Hooked, entries: Entries) -> None:
    clean, found = hooked.run(tokens(entries)).double().log_softmax(-1), measure(results, "far")
    last = len(entries[0]["token_ids"]) - 1
    for layer, token in ((0, 0), (1, last - 4), (hooked.layers - 1, last)):
        edited = patched(hooked, entries, layer, token)[:, -1].double().log_softmax(-1)
        expected = (clean.exp() * (clean - edited)).sum(-1)
        np.testing.assert_allclose(found.cell(str(layer), str(token)).outcomes, expected, rtol=0, atol=1e-5)


def test_a_lens_in_every_cell(results: Results, hooked: Hooked, entries: Entries) -> None:
    found, rows = measure(results, "early"), torch.arange(N)
    at = [entry["positions"]["query"] for entry in entries]
    assert [axis.name for axis in found.axes] == ["model", "k", "t", "intervention", "prompts", "layer"]
    for layer, token in ((0, at[0] - 3), (2, at[0])):
        streams, said = looked_at(hooked, entries, layer, token)
        logits = [*(unembedded(hooked, stream[rows, at]) for stream in streams), said[rows, at]]
        for place, one in enumerate(logits):
            expected = one.double().log_softmax(-1)[rows, answers(entries)]
            cell = found.cell(str(layer), str(token), str(place))
            np.testing.assert_allclose(cell.outcomes, expected, rtol=0, atol=1e-4)


def looked_at(hooked: Hooked, entries: Entries, layer: int, token: int) -> tuple[list[Tensor], Tensor]:
    """With the residual stream before a layer patched at one token: what it is before each layer (prompt, token,
    d_model), and the logits (prompt, token, vocabulary)."""
    values = hooked.part(tokens(alternates(entries)), "residual")
    change, seen = put([[token]] * len(entries), values[layer]), dict[int, Tensor]()

    def look(place: int) -> Callable[[Tensor], None]:
        def at(value: Tensor) -> None:
            if place == layer:
                change(value)
            seen[place] = value.clone()

        return at

    said = hooked.run_all(tokens(entries), whole={(place, "residual"): look(place) for place in range(hooked.layers)})
    return [seen[place] for place in range(hooked.layers)], said


def unembedded(hooked: Hooked, stream: Tensor) -> Tensor:
    norm = {"llama": "model.norm", "gpt2": "transformer.ln_f"}[hooked.model.config.model_type]
    with torch.no_grad():
        logits: Tensor = hooked.model.lm_head(hooked.model.get_submodule(norm)(stream))
    return logits


def test_losses_and_attention_over_spans(world: World, results: Results, hooked: Hooked) -> None:
    entries = world.prompts("facts", 9)
    assert {len(entry["spans"]["size"]) for entry in entries} == {1, 2, 3}
    hooked.model.set_attn_implementation("eager")
    for place, entry in enumerate(entries):
        own, span = tokens([entry]), entry["spans"]["size"]
        with torch.no_grad():
            weights = torch.stack(hooked.model(own, output_attentions=True).attentions)
        for layer in range(hooked.layers):
            zero = put([span], torch.zeros(1, own.shape[1], 1))
            chances = hooked.run_all(own, whole={(layer, "mlp"): zero}).double().log_softmax(-1)[0]
            expected = -np.mean([float(chances[token - 1, own[0, token]]) for token in span])
            assert measure(results, "lost").cell(str(layer)).outcomes[place] == pytest.approx(expected, abs=1e-4)
            for head in range(2):
                read = measure(results, "read").cell(str(layer), str(head)).outcomes[place]
                assert read == pytest.approx(float(weights[layer, 0, head, -1, span].sum()), abs=1e-5)


def test_what_axes_go_through_and_how_they_are_drawn(results: Results) -> None:
    def over(name: str) -> list[tuple[str, str]]:
        return [(axis.name, axis.over) for axis in measure(results, name).axes if axis.over]

    grid = [("k", "layers"), ("t", "tokens")]
    assert over("grid") == over("far") == grid
    assert over("early") == [*grid, ("layer", "layers")]
    assert over("seen") == [*grid, ("layer", "layers"), ("head", "heads")]
    assert over("lost") == [("k", "layers")] and over("read") == [("layer", "layers"), ("head", "heads")]
    kinds = {figure.of: figure.kind for figure in usual(results)}
    assert kinds == {
        "grid": "heatmap",
        "far": "heatmap",
        "early": "heatmap",
        "seen": "heatmap",
        "read": "heatmap",
        "lost": "curves",
    }
    assert [claim.passed for claim in results.claims] == [True, True]


def test_scores_that_rise(world: World, hooked: Hooked) -> None:
    """The MLP of the last layer sends to nothing but the logits: there it can be patched by hand."""
    text = f"""
discover far in base on {N} boxes against scrambled {{
  score KL from clean
  group a of heads and mlps at last -> logits keep 2 highest
}}
discover placed in base on {N} boxes against scrambled {{
  score rank of any of object
  group a of mlps at last -> logits keep 2 strongest
}}
"""
    runs = [scored(world.spec(text).run(MemoryStore(), reference=reference)) for reference in (False, True)]
    for ranking, many, key, group, again in zip(
        (Ranking.HIGHEST, Ranking.STRONGEST), (20, 4), (float, abs), *runs, strict=True
    ):
        scores = {site: score for site, score in group.scores.items() if score is not None}
        assert group.ranking == ranking and len(scores) == many
        assert list(group.sites) == sorted((s for s in scores if scores[s]), key=lambda s: (-key(scores[s]), s))[:2]
        assert dict(again.scores) == pytest.approx(scores, abs=1e-4)
    entries = world.prompts("scrambled", N, "discover")
    values, last = hooked.part(tokens(alternates(entries)), "mlp")[3], [[len(e["token_ids"]) - 1] for e in entries]
    clean = hooked.run(tokens(entries)).double()
    edited = hooked.changed(tokens(entries), {(3, "mlp"): put(last, values)}).double()
    known = json.loads((world.folder / "base" / "tokenizer.json").read_text())["model"]["vocab"]
    far, placed = (group.scores[Site(3, Part.MLP)] for group in runs[0])
    divergence = (clean.softmax(-1) * (clean.log_softmax(-1) - edited.log_softmax(-1))).sum(-1).mean()
    assert far == pytest.approx(float(divergence), abs=1e-5)
    assert placed == np.mean(
        [
            best(after, e, known) - best(before, e, known)
            for before, after, e in zip(clean, edited, entries, strict=True)
        ]
    )


def scored(results: Results) -> list[Group]:
    return [discovery.groups[0] for discovery in results.discoveries]


def best(logits: Tensor, entry: dict[str, Any], vocabulary: dict[str, int]) -> int:
    """The rank of the most likely object of a prompt, of those in its boxes."""
    order, words = logits.argsort(descending=True).tolist(), re.findall(r"[Tt]he (\w+) is in", entry["text"])
    return 1 + min(order.index(vocabulary[word]) for word in words)
