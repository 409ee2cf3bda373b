"""Half precision: every kind of step in bfloat16 and float16 against float32, and the two executors against each other;
and what would be lost or too large in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from attrs import evolve, frozen
from engine_models import ALTERNATES, ASKED, MODELS, ORIGINALS, PROMPTS, REF, SPREAD, TOKENS, Saved, prompts, save

from entrack.engine import tracing
from entrack.engine.errors import NotFinite, PrecisionMissing
from entrack.engine.gradients import gradients
from entrack.models.key import ModelKey
from entrack.plan.bind import step_address
from entrack.plan.steps import (
    Add,
    At,
    Attention,
    Attribute,
    BlockAttention,
    Capture,
    DirectAttribution,
    Edit,
    Elsewhere,
    Evaluate,
    FromCapture,
    FromMean,
    FromVector,
    Lens,
    Loss,
    MaskBatch,
    PathPatch,
    ProjectOut,
    Receivers,
    Ref,
    Scale,
    Set,
    Spans,
    Statistic,
    Step,
    SumOutputs,
    Term,
    TrainMask,
    kind_of,
)
from entrack.sites import Part, Site

HALVES = ("bfloat16", "float16")
UNIT = {"bfloat16": 2.0**-8, "float16": 2.0**-11}
"""Half the gap between 1 and the next number."""
FROM_FLOAT32, BETWEEN_EXECUTORS = 48, 24
"""Units by which numbers may lie apart (`apart`)."""
FAMILIES = ("llama, grouped, tied", "gpt2, tied", "gemma3, grouped, windows", "gpt_neox, parallel")


@frozen
class Case:
    """A step, and those whose values it takes."""

    step: Step
    needs: Mapping[str, Step] = {}


@pytest.fixture(scope="module", params=FAMILIES)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Saved:
    return save(MODELS[request.param](), tmp_path_factory.mktemp("model"), request.param)


HEADS = (Site.of_head(1, 2), Site.of_head(0, 1))
TOKEN = At(HEADS, SPREAD)


def edited(*edits: Edit, **needs: Callable[[ModelKey], Step]) -> Callable[[ModelKey], Case]:
    return lambda key: Case(
        Evaluate(key, ORIGINALS, edits, ASKED, tuple(Statistic)), {name: make(key) for name, make in needs.items()}
    )


def hop(*receivers: Receivers, part: Part = Part.OUTPUT, layer: int = 0) -> Callable[[ModelKey], Case]:
    at = SPREAD if receivers else (TOKENS - 1,) * PROMPTS
    return lambda key: Case(
        PathPatch(key, ORIGINALS, ASKED, at, layer, REF, receivers, None, part),
        {REF.id: Capture(key, ALTERNATES, at, part=part)},
    )


def attribute(key: ModelKey) -> Case:
    needs = {part.value: Capture(key, ALTERNATES, SPREAD, part=part) for part in (Part.OUTPUT, Part.MLP)}
    heads, mlps = map(Ref, needs)
    return Case(Attribute(key, ORIGINALS, ASKED, SPREAD, heads, (QUERIES, VALUES), 2, mlps), needs)


def train_mask(key: ModelKey) -> Case:
    batch = MaskBatch(ORIGINALS, prompts(3, length=6), SPREAD, (5, 4, 3, 5, 1), (3, 9, 27, 31, 43))
    return Case(TrainMask(key, (*HEADS, Site(0, Part.MLP)), (batch,), (batch,), 0.02, 3, 0.1))


def last_but_one(read: tuple[int, ...]) -> BlockAttention:
    return BlockAttention(0, 1, (TOKENS - 1,) * PROMPTS, (read,) * PROMPTS)


QUERIES = Receivers(Part.QUERY, (Site.of_head(2, 0), Site.of_head(2, 1)))
VALUES = Receivers(Part.VALUE, (Site.of_head(1, 3), Site.of_head(2, 3)))
RESIDUAL = (Site(1, Part.RESIDUAL),)
STREAM: Mapping[str, Callable[[ModelKey], Step]] = {
    "stream": lambda key: Capture(key, ALTERNATES, (2,) * 5, RESIDUAL, Part.RESIDUAL)
}
VECTOR = FromVector((Term(1.0, RESIDUAL, (Ref("stream"),)),))
CASES: Mapping[str, Callable[[ModelKey], Case]] = {
    "clean": edited(),
    "patched": edited(Set(TOKEN, FromCapture(REF)), **{REF.id: lambda key: Capture(key, ALTERNATES, SPREAD, HEADS)}),
    "kept alone": edited(
        Set(Elsewhere((TOKEN,)), FromMean((Ref("sum"),))), sum=lambda key: SumOutputs(key, ALTERNATES)
    ),
    "blocked": edited(last_but_one((1, 3))),
    "added": edited(Add(At(RESIDUAL, Spans(((2, 4),) * PROMPTS)), VECTOR, 0.5), **STREAM),
    "projected out": edited(ProjectOut(At(RESIDUAL, None), VECTOR), **STREAM),
    "scaled": edited(Scale(At((Site(1, Part.MLP), Site(0, Part.MLP)), SPREAD), 0.5)),
    "path to the logits": hop(),
    "path to queries and values": hop(QUERIES, VALUES),
    "path from an MLP to an MLP": hop(Receivers(Part.MLP, (Site(2, Part.MLP),)), part=Part.MLP),
    "attribute": attribute,
    "mask": train_mask,
    "sum": lambda key: Case(SumOutputs(key, ORIGINALS)),
    "capture": lambda key: Case(Capture(key, ORIGINALS, SPREAD, part=Part.QUERY)),
    "loss": lambda key: Case(Loss(key, ORIGINALS, ((3, 5, 8),) * PROMPTS, ())),
    "attention": lambda key: Case(Attention(key, ORIGINALS, SPREAD, ((0, 2),) * PROMPTS, ())),
    "lens": lambda key: Case(Lens(key, ORIGINALS, SPREAD, ASKED, (), ())),
    "direct attribution": lambda key: Case(DirectAttribution(key, ORIGINALS, SPREAD, ASKED, ())),
}


class Computer:
    """A model in one number type, by one executor, kept in memory."""

    def __init__(self, saved: Saved, dtype: str, executor: str) -> None:
        self.key = evolve(saved.key, dtype=dtype)
        self.engine = Saved(saved.module, self.key, saved.source).engine(executor)

    def compute(self, case: Case) -> dict[str, np.ndarray]:
        inputs = {name: self.engine.compute(step, {}).tensors for name, step in case.needs.items()}
        return self.engine.compute(case.step, inputs).tensors


def apart(found: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray]) -> float:
    """How far numbers lie apart, at most: probabilities; of other arrays, where their largest number is above 1, in
    proportion to it. Ranks, the best token and how often it is right follow from logits that are as near."""
    return max(
        _apart(found[name], expected[name], name) for name in expected if name not in ("top", "rank", "validation")
    )


def _apart(found: np.ndarray, expected: np.ndarray, name: str) -> float:
    assert found.shape == expected.shape and np.isfinite(found).all()
    one, other = (
        np.exp(each) if name == "log_probability" and (each <= 0).all() else each for each in (found, expected)
    )
    return float(np.abs(one - other).max(initial=0) / np.abs(other).max(initial=1))


def test_every_kind_of_step_in_half_precision(model: Saved) -> None:
    """Near float32, by both executors, and nearer to one another."""
    single = Computer(model, "float32", "reference")
    halves = {dtype: [Computer(model, dtype, executor) for executor in ("reference", "optimised")] for dtype in HALVES}
    for name, make in CASES.items():
        if name == "direct attribution" and model.key.facts.layout.norms_what_is_added:
            continue
        exact = single.compute(make(single.key))
        for dtype, both in halves.items():
            reference, optimised = (each.compute(make(each.key)) for each in both)
            assert apart(reference, exact) < FROM_FLOAT32 * UNIT[dtype], (name, dtype)
            assert apart(optimised, exact) < FROM_FLOAT32 * UNIT[dtype], (name, dtype)
            assert apart(optimised, reference) < BETWEEN_EXECUTORS * UNIT[dtype], (name, dtype)


# --- what is too large, or too small, on the way back -------------------------------------------------------------


def scaled(folder: Path, **factors: float) -> Saved:
    """A model some of whose weights, by a part of their name, are so many times what they were."""
    module = MODELS["llama"]()
    with torch.no_grad():
        for name, weight in module.named_parameters():
            weight *= next((factor for part, factor in factors.items() if part in name), 1.0)
    return save(module, folder)


SMALL_STREAM = {"embed_tokens": 2.0**-9, "o_proj": 2.0**-9, "down_proj": 2.0**-9, "model.norm": 2.0**8}
"""A norm that divides by the width of a stream so small makes gradients large."""
SMALL_LOGITS = {"model.norm": 2.0**-14}


@pytest.mark.parametrize(("factors", "lost"), [(SMALL_STREAM, NotFinite), (SMALL_LOGITS, None)], ids=["large", "small"])
def test_gradients_of_float16_neither_overflow_nor_fade(
    factors: Mapping[str, float], lost: type[NotFinite] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And do without the scales: they are either not finite, or off by much more than a number's own rounding."""
    saved = scaled(tmp_path, **factors)

    half, single = (Computer(saved, dtype, "optimised") for dtype in ("float16", "float32"))

    def off() -> float:
        found, exact = (computer.compute(attribute(computer.key))["mlp_logit"] for computer in (half, single))
        return float(np.abs(found - exact).max() / np.abs(exact).max())

    assert off() < 40 * UNIT["float16"]
    monkeypatch.setattr("entrack.engine.gradients.SCALES", {})
    if lost is None:
        assert off() > 100 * UNIT["float16"]
    else:
        with pytest.raises(lost, match=r"a gradient of prompt .* \(float16 ends at 65,504: dtype = bfloat16"):
            off()


def test_a_mask_is_trained_where_gradients_are_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved = scaled(tmp_path, **{**SMALL_STREAM, "model.norm": 2.0**10})
    half, single = (Computer(saved, dtype, "optimised") for dtype in ("float16", "float32"))
    found, exact = (computer.compute(train_mask(computer.key)) for computer in (half, single))
    np.testing.assert_allclose(found["mask"], exact["mask"], rtol=0, atol=0.01)
    monkeypatch.setattr("entrack.engine.gradients.SCALES", {})
    with pytest.raises(NotFinite, match="the gradient of a batch"):
        half.compute(train_mask(half.key))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_scales_are_of_float16_alone(dtype: torch.dtype) -> None:
    x = torch.tensor([3.0], requires_grad=True)
    (found,) = gradients(x * x, (x,), dtype, again=False)
    assert found.tolist() == [6.0]
    (none,) = gradients(torch.tensor([1e-30], requires_grad=True) * 1e30, (x,), torch.float16, again=False)
    assert none.tolist() == [0.0]


# --- what cannot be computed ---------------------------------------------------------------------------------------


def test_a_number_beyond_float16(tmp_path: Path) -> None:
    saved = scaled(tmp_path, lm_head=1e5)
    half, single, wide = (Computer(saved, dtype, "optimised") for dtype in ("float16", "float32", "bfloat16"))
    for computer in (single, wide):
        computer.compute(CASES["clean"](computer.key))
    with pytest.raises(NotFinite, match=r"float16 ends at 65,504: dtype = bfloat16 has the range of float32"):
        half.compute(CASES["clean"](half.key))


def test_a_kernel_that_torch_has_not(model: Saved, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: Any, **__: Any) -> None:
        raise NotImplementedError("\"addmm_impl_cpu_\" not implemented for 'Half'")

    monkeypatch.setattr(tracing, "forward", missing)
    half = Computer(model, "float16", "optimised")
    with pytest.raises(PrecisionMissing) as caught:
        half.compute(CASES["clean"](half.key))
    assert "cannot compute a model in float16 on cpu" in str(caught.value)
    assert "dtype = float32 or dtype = bfloat16" in str(caught.value)


def test_half_precision_has_a_version_of_its_own(model: Saved) -> None:
    """Where a kernel changed in half precision alone, values of float32 keep their addresses."""
    single, half = (attribute(evolve(model.key, dtype=dtype)).step for dtype in ("float32", "float16"))
    kind = kind_of(single)
    assert (kind.version_of(single), kind.version_of(half)) == (kind.version, kind.version + kind.half_version)
    assert kind.half_version > 0 and step_address(single) != step_address(half)
