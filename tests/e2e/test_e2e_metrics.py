"""Every metric of a spec, computed a second time from the logits of plain transformers, in five families."""

from __future__ import annotations

import json
import re
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from e2e_world import World, make_model, make_world
from engine_by_hooks import Hooked
from torch import Tensor

from entrack.analysis.estimates import Kind, Mean, Ratio
from entrack.report.document import document
from entrack.results import Measure, Results
from entrack.store import MemoryStore

FAMILIES = ("llama", "gpt2", "gpt_neox", "gemma2", "qwen3")
N = 12
WRITTEN = ((0, 1), (2, 3))
"""Heads, set to zero at the last token."""
METRICS = (
    "accuracy in top 3",
    "accuracy in top 2 of any of object",
    "accuracy of any of object",
    "log probability of answer",
    "log probability of any of object",
    "probability difference of answer and wrong",
    "log probability difference of answer and wrong",
    "probability of any of object",
    "rank of wrong",
    "rank of any of object",
    "entropy",
    "KL from clean",
    "logit difference of answer and object",
    "logit of object",
)
SPEC = "\n".join(
    [
        "group written in base at last = 0.1 2.3",
        *(f"measure m{i} = {metric} (base with zero written) on {N} boxes" for i, metric in enumerate(METRICS)),
        f"measure noised = recovery of log probability against scrambled (base with zero written) on {N} boxes",
        f"measure restored = recovery of logit difference (base with [nothing, zero written]) on {N} scrambled, 2 draws",
        f"measure unmoved = recovery of probability (base) on {N} same",
        f"measure lost = loss over query (base with zero written) on {N} boxes",
        f"measure seen = attention from last to [query, previous] (base) on {N} boxes",
        'claim "from one run" restored[zero written] + 0 <= 9',
        'claim "nothing lies between" unmoved >= 0',
    ]
)


@pytest.fixture(scope="module", params=FAMILIES)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("world")
    made = make_world(folder)
    more = {"gpt2": {"n_positions": 64}, "gemma2": {"head_dim": 6, "intermediate_size": 16}, "qwen3": {"head_dim": 6}}
    make_model(folder / "base", heads=4, shared=4, family=request.param, **more.get(request.param, {}))
    return made


@pytest.fixture(scope="module")
def results(world: World) -> Results:
    return world.spec(SPEC).run(MemoryStore())


def measure(results: Results, name: str) -> Measure:
    found = results[name]
    assert isinstance(found, Measure)
    return found


def tokens(entries: list[dict[str, Any]]) -> Tensor:
    return torch.tensor([entry["token_ids"] for entry in entries])


def silent(hooked: Hooked, entries: list[dict[str, Any]]) -> Tensor:
    """Logits at every token with two heads silent at the last. -> (prompt, token, vocabulary)"""

    def change(layer: int, z: Tensor) -> None:
        for head in (head for at, head in WRITTEN if at == layer):
            z[:, -1, head] = 0

    return hooked.run_all(tokens(entries), {layer: partial(change, layer) for layer, _ in WRITTEN})


@pytest.mark.parametrize("place", range(len(METRICS)), ids=METRICS)
def test_a_metric(world: World, results: Results, hooked: Hooked, place: int) -> None:
    entries = world.prompts("boxes", N)
    vocabulary = json.loads((world.folder / "base" / "tokenizer.json").read_text())["model"]["vocab"]
    clean = hooked.run(tokens(entries)).double().log_softmax(-1)
    edited = silent(hooked, entries)[:, -1].double()
    expected = []
    for entry, before, logits in zip(entries, clean, edited, strict=True):
        objects = [vocabulary[word] for word in re.findall(r"[Tt]he (\w+) is in", entry["text"])]
        assert len(objects) == 3
        words = {"answer": entry["answer_ids"][:1], "wrong": entry["words"]["wrong"]["ids"][:1], "object": objects}
        expected.append(by_hand(METRICS[place], logits, before, words))
    (cell,) = measure(results, f"m{place}").cells
    np.testing.assert_allclose(cell.outcomes, expected, rtol=0, atol=2e-4)
    assert cell.value == pytest.approx(np.mean(expected), abs=2e-4)


def by_hand(metric: str, logits: Tensor, clean: Tensor, words: dict[str, list[int]]) -> float:
    """From the logits of one prompt, and the log probabilities of its clean run."""
    chances, order = logits.softmax(-1), logits.argsort(descending=True).tolist()
    answer, wrong, objects = (words[name] for name in ("answer", "wrong", "object"))
    best = min(order.index(token) for token in objects) + 1
    values: dict[str, Any] = {
        "accuracy in top 3": order.index(answer[0]) < 3,
        "accuracy in top 2 of any of object": best <= 2,
        "accuracy of any of object": order[0] in objects,
        "log probability of answer": chances[answer].sum().log(),
        "log probability of any of object": chances[objects].sum().log(),
        "probability difference of answer and wrong": chances[answer].sum() - chances[wrong].sum(),
        "log probability difference of answer and wrong": chances[answer].sum().log() - chances[wrong].sum().log(),
        "probability of any of object": chances[objects].sum(),
        "rank of wrong": order.index(wrong[0]) + 1,
        "rank of any of object": best,
        "entropy": -(chances * chances.log()).sum(),
        "KL from clean": (clean.exp() * (clean - chances.log())).sum(),
        "logit difference of answer and object": logits[answer].mean() - logits[objects].mean(),
        "logit of object": logits[objects].mean(),
    }
    return float(values[metric])


def log_probabilities(logits: Tensor, entries: list[dict[str, Any]]) -> np.ndarray[Any, Any]:
    chances = logits.double().log_softmax(-1)
    return np.array([float(row[entry["answer_ids"][0]]) for row, entry in zip(chances, entries, strict=True)])


def differences(logits: Tensor, entries: list[dict[str, Any]]) -> np.ndarray[Any, Any]:
    pairs = zip(logits, entries, strict=True)
    return np.array([float(row[one["answer_ids"][0]] - row[one["words"]["wrong"]["ids"][0]]) for row, one in pairs])


def test_a_recovery_of_noise(world: World, results: Results, hooked: Hooked) -> None:
    """On originals: the alternate's run is the corrupted one, of the words of the original."""
    entries = world.prompts("scrambled", N)
    alternates = [entry["alternate"] for entry in entries]
    clean, corrupted = (log_probabilities(hooked.run(tokens(some)), entries) for some in (entries, alternates))
    edited = log_probabilities(silent(hooked, entries)[:, -1], entries)
    come, way = edited - corrupted, clean - corrupted
    (cell,) = measure(results, "noised").cells
    assert cell.value == pytest.approx(come.mean() / way.mean(), abs=2e-3, rel=2e-3)
    assert cell.outcomes == pytest.approx(come / way.mean(), abs=2e-3, rel=2e-3)
    assert cell.ranges == pytest.approx(way / way.mean(), abs=2e-3, rel=2e-3)
    assert np.mean(cell.ranges) == pytest.approx(1)
    assert cell.interval is not None
    said = (np.array(values) for values in (cell.outcomes, cell.ranges))
    expected = Ratio.of(*(Mean.of("", [values], Kind.NUMBER) for values in said)).limits()
    assert (cell.interval.low, cell.interval.high) == pytest.approx((expected.low, expected.high), rel=1e-4)


def test_a_recovery_of_what_was_corrupted(world: World, results: Results, hooked: Hooked) -> None:
    """On alternates: without a change exactly 0, of the words of the originals, each draw by itself."""
    nothing, cell = measure(results, "restored").cells
    assert (nothing.value, nothing.sd, set(nothing.outcomes)) == (0, 0, {0.0})
    entries = world.prompts("scrambled", N)
    alternates = [entry["alternate"] for entry in entries]
    clean, corrupted = (differences(hooked.run(tokens(some)), entries) for some in (entries, alternates))
    edited = differences(silent(hooked, alternates)[:, -1], entries)
    come, way = edited - corrupted, clean - corrupted
    assert cell.draws[0] == pytest.approx(come.mean() / way.mean(), abs=2e-3, rel=2e-3)
    assert cell.n == len(cell.outcomes) == len(cell.ranges) == 2 * N
    assert cell.value == pytest.approx(np.mean(cell.outcomes)) and np.mean(cell.ranges) == pytest.approx(1)
    other = np.mean(cell.outcomes[N:]) / np.mean(cell.ranges[N:])
    assert cell.draws[1] == pytest.approx(other) and cell.draws[1] != cell.draws[0]
    ranges = np.array(cell.ranges[:N])
    assert ranges / ranges.mean() == pytest.approx(way / way.mean(), abs=5e-3, rel=5e-3)


def test_a_recovery_between_equal_runs_has_no_value(results: Results) -> None:
    (cell,) = measure(results, "unmoved").cells
    assert np.isnan(cell.value) and cell.interval is None and cell.outcomes == cell.ranges == ()
    whole = json.loads(document(results))
    (written,) = next(one for one in whole["measures"] if one["name"] == "unmoved")["cells"]
    assert written["value"] is None and "ranges" not in written
    claims = {claim.text: claim for claim in results.claims}
    assert not claims["nothing lies between"].passed
    of_ratio, restored = claims["from one run"], measure(results, "restored").cells[1]
    assert (of_ratio.interval, of_ratio.value) == (restored.interval, restored.value)


def test_a_loss_and_an_attention(world: World, results: Results, hooked: Hooked) -> None:
    entries = world.prompts("boxes", N)
    chances = silent(hooked, entries).double().log_softmax(-1)
    at = [entry["positions"]["query"] for entry in entries]
    expected = [-float(chances[i, token - 1, entries[i]["token_ids"][token]]) for i, token in enumerate(at)]
    assert measure(results, "lost").cells[0].outcomes == pytest.approx(expected, abs=1e-4)
    hooked.model.set_attn_implementation("eager")
    with torch.no_grad():
        weights = torch.stack(hooked.model(tokens(entries), output_attentions=True).attentions)
    seen = measure(results, "seen")
    assert [axis.name for axis in seen.axes] == ["model", "intervention", "prompts", "layer", "head"]
    for layer in range(4):
        for head in range(4):
            several = [
                float(weights[layer, i, head, -1, [entry["positions"][name] for name in ("query", "previous")]].sum())
                for i, entry in enumerate(entries)
            ]
            assert seen.cell(str(layer), str(head)).outcomes == pytest.approx(several, abs=1e-5)
