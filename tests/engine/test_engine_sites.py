"""Sites without heads - the residual stream before a layer, what its attention and its MLP add to it - captured, summed
and set, at a token of each prompt and at every token: equal to the oracle, for every family."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from engine_by_hooks import Hooked
from engine_models import ALTERNATES, ASKED, EXECUTORS, ORIGINALS, SPREAD, Saved, agree, outcomes, prompts, same, tensor

from entrack.plan.steps import (
    At,
    Capture,
    Elsewhere,
    Evaluate,
    FromCapture,
    FromMean,
    FromZero,
    Ref,
    Set,
    Source,
    SumOutputs,
)
from entrack.sites import Part, Site

PARTS = (Part.RESIDUAL, Part.ATTENTION, Part.MLP)
EVERY_ROW = torch.arange(5)
AT = pytest.mark.parametrize("at", [SPREAD, None], ids=["token", "every token"])
PART = pytest.mark.parametrize("part", PARTS, ids=lambda part: part.value)
EXECUTOR = pytest.mark.parametrize("executor", EXECUTORS)


def layers(saved: Saved) -> tuple[int, int]:
    """Of the sites that are set: the last and the one before it, so not in order."""
    return saved.key.facts.layers - 1, saved.key.facts.layers - 2


def sites(saved: Saved, part: Part) -> tuple[Site, ...]:
    return tuple(Site(layer, part) for layer in layers(saved))


@EXECUTOR
@AT
@PART
def test_captures(saved: Saved, executor: str, part: Part, at: tuple[int, ...] | None) -> None:
    seen = Hooked(saved.module).parts(tensor(ORIGINALS), part.value)
    expected = seen if at is None else seen[:, EVERY_ROW, torch.tensor(at)]
    agree(saved.compute(executor, Capture(saved.key, ORIGINALS, at, None, part)), {part.value: expected.numpy()})
    found = saved.compute(executor, Capture(saved.key, ORIGINALS, at, sites(saved, part), part))
    agree(found, {part.value: expected[list(layers(saved))].numpy()})


@EXECUTOR
@PART
def test_sums(saved: Saved, executor: str, part: Part) -> None:
    seen = Hooked(saved.module).parts(tensor(ORIGINALS), part.value)
    found = saved.compute(executor, SumOutputs(saved.key, ORIGINALS, part))
    agree(found, {"sum": seen.double().sum(1).numpy(), "count": np.array(5)})


@EXECUTOR
@AT
@PART
@pytest.mark.parametrize("source", ["zero", "mean", "capture"])
def test_sets(saved: Saved, executor: str, part: Part, at: tuple[int, ...] | None, source: str) -> None:
    model = Hooked(saved.module)
    others, summed = model.parts(tensor(ALTERNATES), part.value), prompts(3)
    mean = model.parts(tensor(summed), part.value).double().mean(1, keepdim=True).float()
    given = {"zero": torch.zeros_like(others), "mean": mean.expand_as(others), "capture": others}[source]

    def change(layer: int, value: torch.Tensor) -> None:
        for prompt in range(5):
            for token in range(value.shape[1]) if at is None else (at[prompt],):
                value[prompt, token] = given[layer, prompt, token]

    logits = model.run(
        tensor(ORIGINALS), whole={(layer, part.value): partial(change, layer) for layer in layers(saved)}
    )
    sources: dict[str, Source] = {
        "zero": FromZero(),
        "mean": FromMean((Ref("sum"),)),
        "capture": FromCapture(Ref("others")),
    }
    inputs = {
        "sum": saved.compute("reference", SumOutputs(saved.key, summed, part)),
        "others": saved.compute("reference", Capture(saved.key, ALTERNATES, at, sites(saved, part), part)),
    }
    step = Evaluate(saved.key, ORIGINALS, (Set(At(sites(saved, part), at), sources[source]),), ASKED)
    agree(saved.compute(executor, step, inputs), outcomes(logits))


@EXECUTOR
@PART
def test_a_run_patched_with_itself_is_the_same_bit_for_bit(saved: Saved, executor: str, part: Part) -> None:
    every = tuple(Site(layer, part) for layer in range(saved.key.facts.layers))
    inputs = {"own": saved.compute(executor, Capture(saved.key, ORIGINALS, None, every, part))}
    edit = Set(At(every, None), FromCapture(Ref("own")))
    found = saved.compute(executor, Evaluate(saved.key, ORIGINALS, (edit,), ASKED), inputs)
    same(found, saved.compute(executor, Evaluate(saved.key, ORIGINALS, (), ASKED)))


@EXECUTOR
@PART
def test_beside_heads_that_are_held_elsewhere(saved: Saved, executor: str, part: Part) -> None:
    """Nothing is taken for known that the set part changes: heads that are kept compute anew from it."""
    model, kept = Hooked(saved.module), Site.of_head(layers(saved)[0], 1)
    given = model.parts(tensor(ALTERNATES), part.value)

    def bare(layer: int, z: torch.Tensor) -> None:
        own = z[EVERY_ROW, torch.tensor(SPREAD), 1].clone()
        z[:] = 0
        if layer == kept.layer:
            z[EVERY_ROW, torch.tensor(SPREAD), 1] = own

    def put(layer: int, value: torch.Tensor) -> None:
        value[EVERY_ROW, torch.tensor(SPREAD)] = given[layer, EVERY_ROW, torch.tensor(SPREAD)]

    logits = model.run(
        tensor(ORIGINALS),
        {layer: partial(bare, layer) for layer in range(model.layers)},
        whole={(layer, part.value): partial(put, layer) for layer in layers(saved)},
    )
    inputs = {"others": saved.compute("reference", Capture(saved.key, ALTERNATES, SPREAD, sites(saved, part), part))}
    edits = (
        Set(Elsewhere((At((kept,), SPREAD),)), FromZero()),
        Set(At(sites(saved, part), SPREAD), FromCapture(Ref("others"))),
    )
    agree(saved.compute(executor, Evaluate(saved.key, ORIGINALS, edits, ASKED), inputs), outcomes(logits))


@EXECUTOR
def test_all_heads_take_the_alternates(saved: Saved, executor: str) -> None:
    """Elsewhere, token by token, from a capture of every token (resample ablation)."""
    model, kept = Hooked(saved.module), (Site.of_head(0, 1), Site.of_head(layers(saved)[0], 0))
    given = model.z(tensor(ALTERNATES))

    def change(layer: int, z: torch.Tensor) -> None:
        own = z.clone()
        z[:] = given[layer]
        for head in (head.head for head in kept if head.layer == layer):
            for prompt, token in enumerate(SPREAD):
                z[prompt, token, head] = own[prompt, token, head]

    logits = model.run(tensor(ORIGINALS), {layer: partial(change, layer) for layer in range(model.layers)})
    inputs = {"others": saved.compute("reference", Capture(saved.key, ALTERNATES, None))}
    edit = Set(Elsewhere((At(kept, SPREAD),)), FromCapture(Ref("others")))
    agree(saved.compute(executor, Evaluate(saved.key, ORIGINALS, (edit,), ASKED), inputs), outcomes(logits))
