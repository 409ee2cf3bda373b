"""Acts at any site, from the text of a spec to its numbers, computed a second time with plain torch hooks from nothing
but the JSON of `entrack prompts`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from e2e_world import World, make_world
from engine_by_hooks import Hooked
from test_e2e_numbers import alternates, answers, at, measure, tokens
from torch import Tensor

from entrack.results import Results
from entrack.store import MemoryStore

FACTS = """
task facts {
  size   = one from ["big", "old red", "small new green"]
  object = one from ["apple", "ball", "bell", "book"]
  label  = one of A..Z
  prompt = "The {size} {object} is in Box {label}. Box {label} contains the"
  answer = object
  at last = end of prompt
  at size = span of prompt.size
}
alternate refacts of facts { fresh object, label }
"""
Change = Callable[[Tensor], None]
Entries = list[dict[str, Any]]
EXECUTORS = pytest.mark.parametrize("reference", [False, True], ids=["optimised", "reference"])


@pytest.fixture(scope="module", params=["llama", "gpt2", "gpt_neox"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> World:
    world = make_world(tmp_path_factory.mktemp("world"), request.param)
    (world.folder / "tasks.et").write_text((world.folder / "tasks.et").read_text() + FACTS)
    return world


def logits_with(hooked: Hooked, entries: Entries, changes: Mapping[tuple[int, str], Change]) -> list[float]:
    """The answers' logits with functions at parts of layers, all prompts at once."""
    logits = hooked.changed(tokens(entries), changes)
    return logits[torch.arange(len(entries)), answers(entries)].tolist()


def put(tokens_of: list[list[int]], values: Tensor) -> Change:
    """Sets some tokens of each prompt to the values (prompt, token, ...) there."""

    def change(value: Tensor) -> None:
        for prompt, some in enumerate(tokens_of):
            value[prompt, some] = values[prompt, some]

    return change


def written(hooked: Hooked, layer: int, head: int, z: Tensor) -> Tensor:
    """What a head adds to the residual stream: its output times its rows of the output projection, without bias."""
    projection = hooked._output_projection(layer)
    weight = projection.weight if type(projection).__name__ == "Conv1D" else projection.weight.T
    rows: Tensor = weight[head * hooked.d_head : (head + 1) * hooked.d_head].detach()
    return z @ rows


def agree(found: Results, name: str, labels: tuple[str, ...], expected: list[float]) -> None:
    outcomes = measure(found, name).cell(*labels).outcomes
    np.testing.assert_allclose(outcomes, expected, rtol=0, atol=1e-4)


@EXECUTORS
def test_a_grid_of_layers_and_tokens(world: World, hooked: Hooked, reference: bool) -> None:
    text = "measure m = logit of answer (base with patch residual[k] at t from scrambled) on 5 boxes"
    found = world.spec(f"{text} for k in layers for t in tokens\n").run(MemoryStore(), reference=reference)
    entries = world.prompts("scrambled", 5)
    values = hooked.part(tokens(alternates(entries)), "residual")
    length = len(entries[0]["token_ids"])
    assert [axis.labels for axis in measure(found, "m").axes[1:3]] == [
        tuple(map(str, range(hooked.layers))),
        tuple(map(str, range(length))),
    ]
    cells = {cell.labels[1:3]: cell.outcomes for cell in measure(found, "m").cells}
    for layer in (0, hooked.layers - 1):
        for token in (2, length - 5, length - 1):
            change = {(layer, "residual"): put([[token]] * 5, values[layer])}
            expected = logits_with(hooked, entries, change)
            np.testing.assert_allclose(cells[str(layer), str(token)], expected, rtol=0, atol=1e-4)


@EXECUTORS
def test_a_window_of_mlps_takes_a_mean(world: World, hooked: Hooked, reference: bool) -> None:
    """Clamped at both ends, at a position that each prompt has elsewhere."""
    act = "mean mlp[k - 1..k + 1] attention[k] at p over 7 scrambled"
    text = f"measure m = logit of answer (base with {act}) on 5 boxes for k in layers for p in [last, previous]\n"
    found = world.spec(text).run(MemoryStore(), reference=reference)
    entries = world.prompts("boxes", 5)
    others = tokens(alternates(world.prompts("scrambled", 7, "mean")))
    means = {part: hooked.part(others, part).mean(1, keepdim=True) for part in ("mlp", "attention")}
    for layer in range(hooked.layers):
        window = [other for other in (layer - 1, layer, layer + 1) if 0 <= other < hooked.layers]
        for position in ("last", "previous"):
            places = [[place] for place in at(entries, position)]
            change = {(one, "mlp"): put(places, means["mlp"][one].expand(5, -1, -1)) for one in window}
            change[layer, "attention"] = put(places, means["attention"][layer].expand(5, -1, -1))
            cell = next(c for c in measure(found, "m").cells if c.labels[1:3] == (str(layer), position))
            np.testing.assert_allclose(cell.outcomes, logits_with(hooked, entries, change), rtol=0, atol=1e-4)


@EXECUTORS
def test_spans_of_several_lengths(world: World, hooked: Hooked, reference: bool) -> None:
    acts = ("patch residual.1 neuron.2.3 at size from refacts", "zero mlp.0 1.2 at [size, last]")
    text = f"measure m = logit of answer (base with [{', '.join(acts)}]) on 12 facts\n"
    found = world.spec(text).run(MemoryStore(), reference=reference)
    entries = world.prompts("refacts", 12)
    assert {len(entry["spans"]["size"]) for entry in entries} == {1, 2, 3}
    expected: dict[str, list[float]] = {act: [] for act in acts}
    for entry in entries:
        span, donor = entry["spans"]["size"], tokens([entry["alternate"]])
        values, neurons = hooked.part(donor, "residual")[1], hooked.part(donor, "neuron")[2]

        def one_neuron(value: Tensor, span: list[int] = span, neurons: Tensor = neurons) -> None:
            value[0, span, 3] = neurons[0, span, 3]

        def one_head(value: Tensor, span: list[int] = span) -> None:
            value[0, [*span, -1], 2] = 0

        changes = {(1, "residual"): put([span], values), (2, "neuron"): one_neuron}
        expected[acts[0]] += logits_with(hooked, [entry], changes)
        nothing = put([[*span, len(entry["token_ids"]) - 1]], torch.zeros_like(values))
        expected[acts[1]] += logits_with(hooked, [entry], {(0, "mlp"): nothing, (1, "output"): one_head})
    for act in acts:
        agree(found, "m", (act,), expected[act])


@EXECUTORS
def test_a_vector_is_added_and_projected_out(world: World, hooked: Hooked, reference: bool) -> None:
    """A mean over the tokens of each prompt first, then over prompts; and what a head writes."""
    text = """
    vector v in base = mean residual.2 at last over 6 boxes - 0.5 * mean residual.2 at every token over 7 scrambled
    vector w in base = mean 1.3 at query over 5 boxes
    measure m = logit of answer (base with [add -2 * v to residual.2 at last, project v out of mlp.1 at every token,
      add v + 3 * w to residual.1.post at query]) on 5 boxes
    """
    found = world.spec(text).run(MemoryStore(), reference=reference)
    entries = world.prompts("boxes", 5)
    first, second = world.prompts("boxes", 6, "mean"), alternates(world.prompts("scrambled", 7, "mean"))
    plus = hooked.part(tokens(first), "residual")[2][range(6), at(first, "last")].mean(0)
    minus = hooked.part(tokens(second), "residual")[2].mean((0, 1))
    v = plus - 0.5 * minus
    z = hooked.z(tokens(first[:5]))[1, range(5), at(first[:5], "query"), 3].mean(0)
    w = written(hooked, 1, 3, z)
    last, query = at(entries, "last"), at(entries, "query")
    unit = v / v.norm()

    def steered(value: Tensor) -> None:
        value[range(5), last] += -2 * v

    def without(value: Tensor) -> None:
        value -= (value @ unit)[..., None] * unit

    def both(value: Tensor) -> None:
        value[range(5), query] += v + 3 * w

    labels = [cell.labels[1] for cell in measure(found, "m").cells]
    changes: tuple[dict[tuple[int, str], Change], ...] = (
        {(2, "residual"): steered},
        {(1, "mlp"): without},
        {(2, "residual"): both},
    )
    for label, change in zip(labels, changes, strict=True):
        agree(found, "m", (label,), logits_with(hooked, entries, change))


@EXECUTORS
def test_frozen_sites_and_originals(world: World, hooked: Hooked, reference: bool) -> None:
    text = """
    intervention held = zero residual.0 at query, freeze mlp[1..] at every token
    measure m = logit of answer (base with held) on 5 boxes
    measure n = logit of answer (base with patch residual[k] at query from original) on 5 scrambled for k in [1, 3]
    """
    found = world.spec(text).run(MemoryStore(), reference=reference)
    entries = world.prompts("boxes", 5)
    clean, places = hooked.part(tokens(entries), "mlp"), [[place] for place in at(entries, "query")]
    every = [list(range(len(entry["token_ids"]))) for entry in entries]
    changes = {(layer, "mlp"): put(every, clean[layer]) for layer in range(1, hooked.layers)}
    changes[0, "residual"] = put(places, torch.zeros_like(hooked.part(tokens(entries), "residual")[0]))
    agree(found, "m", (), logits_with(hooked, entries, changes))
    pairs = world.prompts("scrambled", 5)
    values, others = hooked.part(tokens(pairs), "residual"), alternates(pairs)
    for layer in (1, 3):
        expected = torch.zeros(5)
        logits = hooked.run(
            tokens(others),
            whole={(layer, "residual"): moved(values[layer], at(pairs, "query"), at(others, "query"))},
        )
        expected = logits[range(5), answers(others)]
        agree(found, "n", (str(layer),), expected.tolist())


def moved(values: Tensor, given: list[int], taken: list[int]) -> Change:
    """Sets a token of each prompt to the value at a token of another."""

    def change(value: Tensor) -> None:
        value[range(len(taken)), taken] = values[range(len(given)), given]

    return change
