"""Capture, SumOutputs and Evaluate with edits in force: equal to the oracle."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from engine_by_hooks import Hooked
from engine_models import (
    ALTERNATES,
    ASKED,
    EXECUTORS,
    LAST,
    ORIGINALS,
    REF,
    SPREAD,
    Saved,
    agree,
    capture,
    outcomes,
    prompts,
    same,
    tensor,
)

from entrack.engine.errors import EngineError
from entrack.engine.inputs import bound
from entrack.plan.steps import (
    At,
    Capture,
    Chosen,
    Edit,
    Elsewhere,
    Evaluate,
    FromCapture,
    FromMean,
    FromZero,
    Ref,
    Set,
    SumOutputs,
)
from entrack.sites import Part, Site

HEADS = (Site.of_head(0, 1), Site.of_head(1, 0), Site.of_head(1, 2))
MEAN = FromMean((Ref("one"), Ref("two")))


def evaluate(saved: Saved, executor: str, edits: tuple[Edit, ...]) -> dict[str, np.ndarray]:
    inputs = {**sums(saved, executor), **capture(saved, ALTERNATES, SPREAD)}
    return saved.compute(executor, Evaluate(saved.key, ORIGINALS, edits, ASKED), inputs)


def sums(saved: Saved, executor: str) -> dict[str, dict[str, np.ndarray]]:
    batches = {"one": prompts(3), "two": prompts(4, count=2)}
    return {name: saved.compute(executor, SumOutputs(saved.key, batch)) for name, batch in batches.items()}


def mean_by_hooks(model: Hooked) -> torch.Tensor:
    """(layer, token, head, d_head)"""
    z = torch.cat([model.z(tensor(prompts(3))), model.z(tensor(prompts(4, count=2)))], dim=1)
    return z.double().mean(1).float()


@pytest.mark.parametrize("executor", EXECUTORS)
def test_capture_and_sums(saved: Saved, executor: str) -> None:
    z = Hooked(saved.module).z(tensor(ORIGINALS))
    found = saved.compute(executor, Capture(saved.key, ORIGINALS, SPREAD))
    agree(found, {"output": z[:, torch.arange(5), torch.tensor(SPREAD)].numpy()})
    found = saved.compute(executor, SumOutputs(saved.key, ORIGINALS))
    agree(found, {"sum": z.double().sum(1).numpy(), "count": np.array(5)})


@pytest.mark.parametrize("executor", EXECUTORS)
def test_no_edit(saved: Saved, executor: str) -> None:
    agree(evaluate(saved, executor, ()), outcomes(Hooked(saved.module).run(tensor(ORIGINALS))))


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("source", [FromCapture(REF), MEAN, FromZero()], ids=["capture", "mean", "zero"])
def test_set_heads(saved: Saved, executor: str, source: FromCapture | FromMean | FromZero) -> None:
    model = Hooked(saved.module)
    alternate, mean = model.z(tensor(ALTERNATES)), mean_by_hooks(model)

    def change(layer: int, z: torch.Tensor) -> None:
        for head in (h.head for h in HEADS if h.layer == layer):
            for prompt, token in enumerate(SPREAD):
                match source:
                    case FromCapture():
                        z[prompt, token, head] = alternate[layer, prompt, token, head]
                    case FromMean():
                        z[prompt, token, head] = mean[layer, token, head]
                    case FromZero():
                        z[prompt, token, head] = 0

    logits = model.run(tensor(ORIGINALS), {i: partial(change, i) for i in range(model.layers)})
    agree(evaluate(saved, executor, (Set(At(HEADS, SPREAD), source),)), outcomes(logits))


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_mean_of_prompts_that_end_earlier(saved: Saved, executor: str) -> None:
    """At tokens that they have it is a mean as any other; at others there is none."""
    shorter = {"one": saved.compute(executor, SumOutputs(saved.key, prompts(3, length=max(SPREAD) + 1)))}
    source, z = FromMean((Ref("one"),)), Hooked(saved.module).z(tensor(prompts(3, length=max(SPREAD) + 1))).mean(1)

    def change(layer: int, value: torch.Tensor) -> None:
        for head in (h.head for h in HEADS if h.layer == layer):
            value[torch.arange(len(SPREAD)), SPREAD, head] = z[layer, SPREAD, head]

    def edited(at: tuple[int, ...] | None) -> Evaluate:
        return Evaluate(saved.key, ORIGINALS, (Set(At(HEADS, at), source),), ASKED)

    logits = Hooked(saved.module).run(tensor(ORIGINALS), {i: partial(change, i) for i in (0, 1)})
    agree(saved.compute(executor, edited(SPREAD), shorter), outcomes(logits))
    for at in (None, (*SPREAD[:-1], max(SPREAD) + 1)):
        with pytest.raises(EngineError, match="no value at a token"):
            saved.compute(executor, edited(at), shorter)


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("reads", [None, Part.QUERY, Part.VALUE], ids=str)
def test_a_group_that_has_no_heads_changes_nothing(saved: Saved, executor: str, reads: Part | None) -> None:
    """As one that a discovery found none for."""
    at = None if reads is Part.VALUE else SPREAD
    taken = Capture(saved.key, ALTERNATES, at, (), reads or Part.OUTPUT)
    edits = (Set(At((), SPREAD, reads), FromCapture(REF)),)
    inputs = {REF.id: saved.compute(executor, taken)}
    found = saved.compute(executor, Evaluate(saved.key, ORIGINALS, edits, ASKED), inputs)
    agree(found, outcomes(Hooked(saved.module).run(tensor(ORIGINALS))))


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("source", [MEAN, FromZero()], ids=["mean", "zero"])
def test_set_elsewhere(saved: Saved, executor: str, source: FromMean | FromZero) -> None:
    """Two groups at one position, one at another; where two name a token, both keep."""
    model = Hooked(saved.module)
    mean = mean_by_hooks(model) if isinstance(source, FromMean) else torch.zeros_like(mean_by_hooks(model))
    kept = (At(HEADS[:2], LAST), At(HEADS[2:], LAST), At((Site.of_head(1, 1),), SPREAD))

    def change(layer: int, z: torch.Tensor) -> None:
        own = z.clone()
        z[:] = mean[layer]
        for group in kept:
            assert isinstance(group.at, tuple)
            for head in (h.head for h in bound(group.sites) if h.layer == layer):
                for prompt, token in enumerate(group.at):
                    z[prompt, token, head] = own[prompt, token, head]

    logits = model.run(tensor(ORIGINALS), {i: partial(change, i) for i in range(model.layers)})
    agree(evaluate(saved, executor, (Set(Elsewhere(kept), source),)), outcomes(logits))


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_run_patched_with_itself_is_the_same_bit_for_bit(saved: Saved, executor: str) -> None:
    heads = tuple(
        Site.of_head(layer, head) for layer in range(saved.key.facts.layers) for head in range(saved.key.facts.heads)
    )
    edit = Set(At(heads, SPREAD), FromCapture(REF))
    found = saved.compute(executor, Evaluate(saved.key, ORIGINALS, (edit,), ASKED), capture(saved, ORIGINALS, SPREAD))
    same(found, saved.compute(executor, Evaluate(saved.key, ORIGINALS, (), ASKED)))


def test_a_later_edit_goes_before_an_earlier_one(grouped: Saved) -> None:
    mean, zero = Set(At(HEADS, SPREAD), MEAN), Set(At(HEADS, SPREAD), FromZero())
    same(evaluate(grouped, "optimised", (mean, zero)), evaluate(grouped, "optimised", (zero,)))
    same(evaluate(grouped, "optimised", (zero, mean)), evaluate(grouped, "optimised", (mean,)))


def test_keeping_every_head_everywhere_changes_nothing(grouped: Saved) -> None:
    heads = tuple(Site.of_head(layer, head) for layer in range(4) for head in range(4))
    kept = tuple(At(heads, (token,) * 5) for token in range(9))
    same(evaluate(grouped, "optimised", (Set(Elsewhere(kept), MEAN),)), evaluate(grouped, "optimised", ()))


def test_unbound_steps_and_missing_inputs_are_named(grouped: Saved) -> None:
    from entrack.engine.errors import EngineError

    with pytest.raises(EngineError, match="only bound steps"):
        evaluate(grouped, "reference", (Set(At(Chosen("select"), SPREAD), FromZero()),))
    with pytest.raises(EngineError, match="was not handed over"):
        evaluate(grouped, "reference", (Set(At(HEADS, SPREAD), FromCapture(Ref("elsewhere"))),))
