"""Path patching in both executors: equal to the oracle, and exactly nothing where exactly nothing changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from attrs import evolve
from engine_by_hooks import Hooked
from engine_models import (
    ALTERNATES,
    ASKED,
    EXECUTORS,
    LAST,
    MODELS,
    ORIGINALS,
    REF,
    SPREAD,
    TOKENS,
    Saved,
    agree,
    capture,
    outcomes,
    same,
    save,
    tensor,
)

from entrack.engine.inputs import bound
from entrack.plan.passes import PASSES
from entrack.plan.schedule import Memory
from entrack.plan.steps import Evaluate, PathPatch, Receivers
from entrack.sites import Part, Site

Q, K, V = Part.QUERY, Part.KEY, Part.VALUE
RECEIVERS: dict[str, tuple[tuple[Part, tuple[tuple[int, int], ...]], ...]] = {
    "logits": (),
    "query": ((Q, ((1, 0), (-1, 2))),),
    "key": ((K, ((-1, 1),)),),
    "value": ((V, ((1, 2), (-1, 0))),),
    "several": ((Q, ((-1, 1),)), (V, ((-1, 0), (1, 2))), (K, ((1, 1),)), (Q, ((1, 0),))),
}


def patch(
    saved: Saved, receivers: str = "logits", at: tuple[int, ...] = LAST, layer: int = 0, originals: Any = ORIGINALS
) -> PathPatch:
    layers = saved.key.facts.layers
    groups = tuple(
        Receivers(component, tuple(Site.of_head(index % layers, head) for index, head in heads))
        for component, heads in RECEIVERS[receivers]
    )
    return PathPatch(saved.key, originals, ASKED, at, layer, REF, groups)


def clean(saved: Saved, executor: str) -> dict[str, np.ndarray]:
    return saved.compute(executor, Evaluate(saved.key, ORIGINALS, (), ASKED))


def repeated(value: dict[str, np.ndarray], heads: int) -> dict[str, np.ndarray]:
    return {name: np.stack([one] * heads) for name, one in value.items()}


@pytest.mark.parametrize("at", [LAST, SPREAD, (0,) * 5], ids=["last", "spread", "first"])
@pytest.mark.parametrize("receivers", list(RECEIVERS))
def test_both_executors_equal_the_oracle(saved: Saved, receivers: str, at: tuple[int, ...]) -> None:
    model, inputs = Hooked(saved.module), capture(saved, ALTERNATES, at)
    engines = [saved.engine(executor) for executor in EXECUTORS]
    for layer in range(saved.key.facts.layers):
        step = patch(saved, receivers, at, layer)
        named = [(group.part.value, (h.layer, h.head)) for group in step.receivers for h in bound(group.sites)]
        z = torch.from_numpy(inputs[REF.id]["output"])
        senders = [(layer, head) for head in range(saved.key.facts.heads)]
        expected = [model.path_patch(tensor(ORIGINALS), list(at), sender, z, named) for sender in senders]
        for engine in engines:
            agree(engine.compute(step, inputs).tensors, outcomes(torch.stack(expected)))


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("receivers", list(RECEIVERS))
def test_patching_a_run_with_itself_changes_nothing_at_all(saved: Saved, executor: str, receivers: str) -> None:
    step, inputs = patch(saved, receivers, SPREAD), capture(saved, ORIGINALS, SPREAD)
    same(saved.compute(executor, step, inputs), repeated(clean(saved, executor), saved.key.facts.heads))


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("receivers", ["logits", "several"])
def test_heads_that_write_nothing_score_exactly_zero(tmp_path: Any, executor: str, receivers: str) -> None:
    module = MODELS["llama, grouped, tied"]()
    d_head = module.config.hidden_size // module.config.num_attention_heads
    with torch.no_grad():
        for head in (1, 3):
            module.model.layers[0].self_attn.o_proj.weight[:, head * d_head : (head + 1) * d_head] = 0
    silent = save(module, tmp_path)
    found = silent.compute(executor, patch(silent, receivers), capture(silent, ALTERNATES, LAST))
    for head in range(4):
        changed = (found["logit"][head] != clean(silent, executor)["logit"]).any()
        assert changed == (head in (0, 2))


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("receivers", ["query", "key", "value", "several"])
def test_a_sender_at_or_above_every_receiver_changes_nothing(grouped: Saved, executor: str, receivers: str) -> None:
    step, inputs = patch(grouped, receivers, SPREAD, layer=3), capture(grouped, ALTERNATES, SPREAD)
    same(grouped.compute(executor, step, inputs), repeated(clean(grouped, executor), 4))


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_sender_away_from_the_last_token_has_no_direct_path_to_the_logits(grouped: Saved, executor: str) -> None:
    found = grouped.compute(
        executor, patch(grouped, at=(TOKENS - 2,) * 5), capture(grouped, ALTERNATES, (TOKENS - 2,) * 5)
    )
    same(found, repeated(clean(grouped, executor), 4))


def test_rows_go_in_chunks_and_the_numbers_stay(grouped: Saved) -> None:
    inputs = capture(grouped, ALTERNATES, SPREAD)
    for receivers in ("logits", "several"):
        step = patch(grouped, receivers, SPREAD if receivers == "several" else LAST)
        whole = grouped.engine("optimised").compute(step, inputs)
        pieces = grouped.engine("optimised", memory=Memory(a_pass=100_000)).compute(step, inputs)
        agree(pieces.tensors, whole.tensors)


def test_the_key_value_head_that_serves_a_head_receives(grouped: Saved) -> None:
    """Two query heads of one key/value head cannot be told apart as receivers of a value."""
    inputs = capture(grouped, ALTERNATES, SPREAD)
    results = [
        grouped.compute(
            "optimised",
            PathPatch(grouped.key, ORIGINALS, ASKED, SPREAD, 0, REF, (Receivers(V, (Site.of_head(2, h),)),)),
            inputs,
        )
        for h in range(4)
    ]
    same(results[0], results[1])
    same(results[2], results[3])
    assert (results[0]["logit"] != results[2]["logit"]).any()


def test_the_batched_executor_runs_far_less(grouped: Saved) -> None:
    inputs = capture(grouped, ALTERNATES, LAST)
    engine, plain = grouped.engine("optimised"), grouped.engine("reference")
    engine.compute(patch(grouped, "query"), inputs)
    again = engine.compute(patch(grouped, "query"), inputs)
    assert float(again.how["forwards"]) < 1
    plain.compute(patch(grouped, "query"), inputs)
    assert plain.compute(patch(grouped, "query"), inputs).how["forwards"] == 8


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("receivers", ["logits", "several"])
def test_some_senders_give_what_they_give_among_all(grouped: Saved, executor: str, receivers: str) -> None:
    step = patch(grouped, receivers, SPREAD if receivers == "several" else LAST)
    inputs = capture(grouped, ALTERNATES, step.at)
    every = grouped.compute(executor, step, inputs)
    some = grouped.compute(executor, evolve(step, senders=(Site.of_head(0, 1), Site.of_head(0, 3))), inputs)
    agree(some, {name: value[[1, 3]] for name, value in every.items()})
    assert (every["logit"][1] != every["logit"][3]).any()


@pytest.mark.parametrize(
    "left_out",
    [(), ("eliminate unreachable",), ("eliminate unreachable", "liveness"), tuple(one.name for one in PASSES)],
)
def test_receivers_that_are_not_above_take_nothing_whatever_passes_run(
    grouped: Saved, left_out: tuple[str, ...]
) -> None:
    step = evolve(patch(grouped, layer=1), receivers=(Receivers(Part.QUERY, (Site.of_head(0, 0), Site.of_head(1, 2))),))
    passes = tuple(one for one in PASSES if one.name not in left_out)
    found = grouped.compute("optimised", step, capture(grouped, ALTERNATES, step.at), passes=passes)
    agree(found, grouped.compute("reference", step, capture(grouped, ALTERNATES, step.at)))
