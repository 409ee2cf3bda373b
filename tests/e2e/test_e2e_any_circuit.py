"""Discoveries of heads and MLPs, and circuits of both, from the text of a spec to its numbers, computed a second time
with plain torch hooks from nothing but the JSON of `entrack prompts`."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from e2e_world import World, make_world
from engine_by_hooks import Hooked
from test_e2e_any_site import EXECUTORS, logits_with
from test_e2e_numbers import alternates, answers, at, measure, tokens

from entrack.report.document import document
from entrack.results import Discovery, Results
from entrack.sites import Part, Site
from entrack.store import MemoryStore

DISCOVERY = """
group declared in base at last = 1.1 1.2
discover cir in base on 5 boxes against scrambled {
  score logit of answer
  group writer of heads and mlps at last -> logits                        keep 5 strongest
  group upper of mlps            at last -> [writer.query, writer.input]  keep 3 highest
  group other                    at last -> declared.value                keep 3 lowest
}
"""
CIRCUIT = """
circuit known in base {
  group movers at last  = 1.1 mlp.0 mlp.1
  group early  at query = 0.2
}
"""
OTHERS = "over 6 scrambled"


@pytest.fixture(scope="module", params=["llama", "gpt2", "gpt_neox"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("world"), request.param)


def group_of(found: Results, name: str) -> Any:
    discovery = found["cir"]
    assert isinstance(discovery, Discovery)
    return discovery.group(name)


def scores(world: World, hooked: Hooked, receivers: list[tuple[str, tuple[int, int | None]]]) -> dict[Site, float]:
    """Of every head and MLP at the last token, to these receivers."""
    entries = world.prompts("scrambled", 5, "discover")
    originals, others = tokens(entries), tokens(alternates(entries))
    last, rows = at(entries, "last"), torch.arange(len(entries))
    there = at(alternates(entries), "last")
    z = hooked.z(others)[:, rows, there]
    mlps = hooked.part(others, "mlp")[:, rows, there]
    asked = answers(entries)
    clean = hooked.run(originals)[rows, asked]
    found: dict[Site, float] = {}
    for layer in range(hooked.layers):
        for head in (*range(hooked.heads), None):
            given = mlps if head is None else z
            moved = hooked.path_patch(originals, last, (layer, head), given, receivers)[rows, asked] - clean
            site = Site(layer, Part.MLP) if head is None else Site.of_head(layer, head)
            found[site] = float(moved.mean())
    return found


def agree(found: Results, name: str, expected: dict[Site, float]) -> None:
    scored = group_of(found, name).scores
    for site, value in expected.items():
        if site in scored:
            assert scored[site] == pytest.approx(value, abs=1e-4), (name, site)


@EXECUTORS
def test_heads_and_mlps_send_and_receive(world: World, hooked: Hooked, reference: bool) -> None:
    found = world.spec(DISCOVERY).run(MemoryStore(), reference=reference)
    writer = group_of(found, "writer")
    direct = scores(world, hooked, [])
    agree(found, "writer", direct)
    assert set(writer.scores) == set(direct)
    assert set(writer.sites) == set(sorted(direct, key=lambda site: -abs(direct[site]))[:5])
    receivers = [
        ("query", (site.layer, site.head)) if site.part is Part.OUTPUT else ("mlp input", (site.layer, None))
        for site in writer.sites
    ]
    upper = group_of(found, "upper")
    agree(found, "upper", scores(world, hooked, receivers))
    assert {site.part for site in upper.scores} == {Part.MLP}
    assert all(upper.scores[site] > 0 for site in upper.sites)
    agree(found, "other", scores(world, hooked, [("value", (1, 1)), ("value", (1, 2))]))


@EXECUTORS
def test_a_circuit_of_heads_and_mlps_is_kept(world: World, hooked: Hooked, reference: bool) -> None:
    """All heads and all MLPs at all tokens take their mean, but for those of the circuit at its positions."""
    act = f"keep known, mean elsewhere {OTHERS}"
    text = (
        f"{CIRCUIT}intervention only = {act}\nintervention gone = mean known {OTHERS}\n"
        "measure m = logit of answer (base with [only, gone]) on 5 boxes\n"
    )
    found = world.spec(text).run(MemoryStore(), reference=reference)
    entries = world.prompts("boxes", 5)
    others = tokens(alternates(world.prompts("scrambled", 6, "mean")))
    means = {part: hooked.part(others, part).mean(1, keepdim=True) for part in ("output", "mlp")}
    last, query = at(entries, "last"), at(entries, "query")
    kept: dict[tuple[int, str], list[tuple[list[int], int | None]]] = {
        (1, "output"): [(last, 1)],
        (0, "output"): [(query, 2)],
        (0, "mlp"): [(last, None)],
        (1, "mlp"): [(last, None)],
    }

    def elsewhere(layer: int, part: str) -> Any:
        def change(value: torch.Tensor) -> None:
            own, rows = value.clone(), torch.arange(len(value))
            value[:] = means[part][layer]
            for tokens_of, head in kept.get((layer, part), []):
                index = (rows, tokens_of) if head is None else (rows, tokens_of, head)
                value[index] = own[index]

        return change

    def here(layer: int, part: str) -> Any:
        def change(value: torch.Tensor) -> None:
            rows = torch.arange(len(value))
            for tokens_of, head in kept[layer, part]:
                mean = means[part][layer].expand(len(value), *means[part][layer].shape[1:])
                index = (rows, tokens_of) if head is None else (rows, tokens_of, head)
                value[index] = mean[index]

        return change

    every = {(layer, part): elsewhere(layer, part) for layer in range(hooked.layers) for part in ("output", "mlp")}
    for label, changes in (("only", every), ("gone", {place: here(*place) for place in kept})):
        expected = logits_with(hooked, entries, changes)
        np.testing.assert_allclose(measure(found, "m").cell(label).outcomes, expected, rtol=0, atol=1e-4)


def test_random_circuits_have_as_many_of_each_kind_and_examinations_go_through(world: World) -> None:
    text = (
        f"{CIRCUIT}intervention only(c) = keep c, zero elsewhere\n"
        "measure m = accuracy(base with only(random like known)) on 5 boxes, 2 draws\n"
        f"measure whole = completeness(known, 3) in base {OTHERS} on 5 boxes\n"
        f"measure least = minimality(known) in base {OTHERS} on 5 boxes\n"
        "measure shared = overlap(known, known)\n"
        "mask role over known in base for position { train 6; validate 4; epochs 1; batch 3 }\n"
        "measure masked = accuracy(base with patch role.heads from alternate) on 5 role.desideratum\n"
    )
    found, slow = (world.spec(text).run(MemoryStore(), reference=reference) for reference in (False, True))
    labels = measure(found, "least").axes[1].labels
    assert set(labels) == {"movers 1.1", "movers mlp.0", "movers mlp.1", "early 0.2"}
    assert measure(found, "shared").unit == "fraction of sites"
    for name in ("m", "whole", "least", "masked"):
        for one, other in zip(measure(found, name).cells, measure(slow, name).cells, strict=True):
            assert one.outcomes == pytest.approx(other.outcomes, abs=1e-4)
    assert [mask.sites for mask in found.masks] == [mask.sites for mask in slow.masks]


def test_what_was_drawn_for_a_random_circuit_is_named(world: World) -> None:
    """A circuit that is written as the first draw's gives the same numbers."""
    text = (
        f"{CIRCUIT}intervention only(c) = keep c, zero elsewhere\n"
        "measure m = logit of answer (base with only(random like known)) on 5 boxes, 2 draws\n"
    )
    found = world.spec(text).run(MemoryStore())
    (cell,) = measure(found, "m").cells
    first, second = json.loads(document(found))["measures"][0]["cells"][0]["random"]
    assert first != second
    for draw in (first, second):
        assert [(entry["group"], len(entry["sites"])) for entry in draw] == [("movers", 3), ("early", 1)]
        assert sum(site.startswith("mlp.") for site in draw[0]["sites"]) == 2
    movers, early = (" ".join(entry["sites"]) for entry in first)
    drawn = f"circuit drawn in base {{\n  group movers at last  = {movers}\n  group early  at query = {early}\n}}\n"
    written = drawn + text.replace("random like known", "drawn").replace(", 2 draws", "")
    (again,) = measure(world.spec(written).run(MemoryStore()), "m").cells
    assert again.outcomes == cell.outcomes[:5]
    assert again.random == ()
