"""The engine as a whole: models and memory, numbers that are not finite, Ctrl-C, and what it tells of a run."""

from __future__ import annotations

import json
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import attrs
import pytest
import torch
from engine_models import (
    ALTERNATES,
    ASKED,
    EXECUTORS,
    LAST,
    MODELS,
    ORIGINALS,
    PROMPTS,
    REF,
    SPREAD,
    Saved,
    agree,
    capture,
    same,
    save,
)
from stress.ctrl_c import at_an_instant

from entrack.engine import tracing
from entrack.engine.activation_cache import ActivationCache
from entrack.engine.engine import EXECUTORS as KERNELS
from entrack.engine.engine import Engine
from entrack.engine.errors import EngineError, ModelUnreadable, NotFinite, OutOfMemory
from entrack.events import ModelLoading
from entrack.model_config import read_facts
from entrack.models.key import ModelKey, ModelSource
from entrack.plan.executor_kind import ExecutorKind
from entrack.plan.expand import expand
from entrack.plan.passes import optimise
from entrack.plan.schedule import Memory, layer_flops, once
from entrack.plan.steps import (
    Batch,
    BlockAttention,
    Capture,
    Evaluate,
    MaskBatch,
    PathPatch,
    Receivers,
    Step,
    SumOutputs,
    TrainMask,
)
from entrack.sites import Part, Site

VALUES = (Receivers(Part.VALUE, (Site.of_head(2, 0), Site.of_head(1, 1))),)


PAIR = MaskBatch(ORIGINALS, ALTERNATES, SPREAD, LAST, (1,) * PROMPTS)


def path_patch(saved: Saved, at: tuple[int, ...] = SPREAD) -> PathPatch:
    return PathPatch(saved.key, ORIGINALS, ASKED, at, 0, REF, VALUES)


def steps(saved: Saved) -> list[Step]:
    return [
        Capture(saved.key, ORIGINALS, SPREAD),
        SumOutputs(saved.key, ORIGINALS),
        Evaluate(saved.key, ORIGINALS, (), ASKED),
        path_patch(saved),
        Capture(saved.key, ORIGINALS, None, None, Part.VALUE),
        Evaluate(saved.key, ORIGINALS, (BlockAttention(1, 2, SPREAD, ((0,),) * PROMPTS),), ASKED),
        TrainMask(saved.key, (Site.of_head(0, 0), Site.of_head(1, 1)), (PAIR,), (PAIR,), 0.01, 5, 0.1),
    ]


def test_every_kind_of_step_has_a_kernel_in_both_executors() -> None:
    kinds = set(get_args(Step))
    assert {name: set(kernels) for name, kernels in KERNELS.items()} == dict.fromkeys(EXECUTORS, kinds)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_the_same_bits_every_time(grouped: Saved, executor: str) -> None:
    inputs = capture(grouped, ALTERNATES, SPREAD)
    for step in steps(grouped):
        same(grouped.compute(executor, step, inputs), grouped.compute(executor, step, inputs))


def test_how_it_was_computed(grouped: Saved) -> None:
    how = grouped.engine("optimised", threads=1).compute(Capture(grouped.key, ORIGINALS, LAST), {}).how
    json.dumps(how)
    assert how["kernel"] == "kernels.capture.capture"
    assert (how["executor"], how["device"], how["threads"], how["forwards"]) == ("optimised", "cpu", 1, 1)
    assert {"torch", "transformers", "nnsight", "seconds"} < set(how)


@pytest.mark.parametrize("number", range(5))
def test_what_was_run_is_what_a_plan_says_is_left(grouped: Saved, number: int) -> None:
    """So that a plan's time follows from what other steps took. In a training it is less, and more where a run starts
    from a clean one that no other step has made."""
    step = steps(grouped)[number]
    how = grouped.engine("optimised").compute(step, capture(grouped, ALTERNATES, SPREAD)).how
    left = sum(run.token_layers for run in once(optimise(expand(step)).runs))
    assert how["token_layers"] == pytest.approx(left, rel=0.05) and left
    assert how["layer_flops"] == layer_flops(grouped.key.facts)


def test_torch_is_left_as_it_was(grouped: Saved) -> None:
    before = torch.are_deterministic_algorithms_enabled(), torch.get_num_threads(), torch.is_grad_enabled()
    grouped.compute("optimised", Capture(grouped.key, ORIGINALS, LAST), threads=2)
    after = torch.are_deterministic_algorithms_enabled(), torch.get_num_threads(), torch.is_grad_enabled()
    assert before == after


def test_models_are_kept_up_to_a_number(grouped: Saved, tmp_path: Path) -> None:
    other = save(MODELS["llama"](), tmp_path, "other")
    seen: list[ModelLoading] = []
    sources = {grouped.key: grouped.source, other.key: other.source}
    engine = Engine(sources, device="cpu", resident=1, watcher=seen.append)  # type: ignore[arg-type]
    for saved in (grouped, grouped, other, grouped):
        engine.compute(Capture(saved.key, ORIGINALS, LAST), {})
    assert [event.name for event in seen if event.done] == ["tiny", "other", "tiny"]
    assert [event.done for event in seen] == [False, True] * 3


def test_a_model_whose_files_are_not_known(grouped: Saved) -> None:
    with pytest.raises(ModelUnreadable, match="not known"):
        Engine({}, device="cpu").compute(Capture(grouped.key, ORIGINALS, LAST), {})


def test_the_memo_keeps_what_was_used_last_and_no_more_than_its_bound() -> None:
    made: list[str] = []

    def value(name: str, size: int) -> Callable[[], tuple[torch.Tensor]]:
        return lambda: (made.append(name), (torch.zeros(size, dtype=torch.uint8),))[1]  # type: ignore[func-returns-value]

    memo = ActivationCache(most=10)
    for name, size in (("a", 4), ("b", 4), ("a", 4), ("c", 4), ("a", 4), ("b", 4), ("big", 11), ("big", 11)):
        memo.get(name, value(name, size))
    assert made == ["a", "b", "c", "b", "big", "big"]
    assert memo.held == 8


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("executor", EXECUTORS)
def test_half_precision(grouped: Saved, executor: str, dtype: str) -> None:
    half = attrs.evolve(grouped, key=attrs.evolve(grouped.key, dtype=dtype))
    clean = half.compute(executor, Evaluate(half.key, ORIGINALS, (), ASKED))
    found = half.compute(executor, path_patch(half), capture(half, ORIGINALS, SPREAD))
    assert all(value.tobytes() == clean[name].tobytes() * 4 for name, value in found.items())
    inputs = capture(half, ALTERNATES, SPREAD)
    found, plain = half.compute(executor, path_patch(half), inputs), half.compute("reference", path_patch(half), inputs)
    agree({"logit": found["logit"]}, {"logit": plain["logit"]}, within=0.25)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_weights_that_are_not_finite_are_named_by_layer(tmp_path: Path, executor: str) -> None:
    module = MODELS["llama"]()
    with torch.no_grad():
        module.model.layers[1].self_attn.v_proj.weight[0, 0] = float("nan")
    bad = save(module, tmp_path)
    inputs = {REF.id: {"output": torch.zeros(3, PROMPTS, 4, 8).numpy()}}
    for step in steps(bad):
        with pytest.raises(NotFinite) as caught:
            bad.compute(executor, step, inputs)
        assert (caught.value.step, caught.value.layer, caught.value.prompt) == (type(step).__name__, 1, 0)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_the_prompt_that_is_not_finite_is_named(tmp_path: Path, executor: str) -> None:
    module, token = MODELS["llama"](), ORIGINALS.tokens[3][2]
    rows = tuple(tuple(3 if t == token and i != 3 else t for t in row) for i, row in enumerate(ORIGINALS.tokens))
    with torch.no_grad():
        module.model.embed_tokens.weight[token] = float("inf")
    bad = save(module, tmp_path)
    with pytest.raises(NotFinite) as caught:
        bad.compute(executor, Evaluate(bad.key, Batch(rows), (), ASKED))
    assert (caught.value.layer, caught.value.prompt) == (0, 3)
    assert "prompt 3" in str(caught.value)


def no_memory_beyond(rows: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Passes on more rows than this fail as a GPU would; returns the sizes that were tried."""
    tried, real = [], tracing.forward

    def forward(model: Any, tokens: torch.Tensor, **options: Any) -> tracing.Trace:
        tried.append(len(tokens))
        if len(tokens) > rows:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(model, tokens, **options)

    monkeypatch.setattr(tracing, "forward", forward)
    return tried


def test_a_pass_that_does_not_fit_is_halved(grouped: Saved, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = capture(grouped, ALTERNATES, SPREAD)
    expected = grouped.compute("optimised", path_patch(grouped), inputs)
    engine = grouped.engine("optimised", memory=Memory(a_pass=150_000))
    tried = no_memory_beyond(5, monkeypatch)
    agree(engine.compute(path_patch(grouped), inputs).tensors, expected)
    assert max(tried) > 5


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_batch_that_does_not_fit_stops_with_a_name(
    grouped: Saved, executor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_memory_beyond(0, monkeypatch)
    with pytest.raises(OutOfMemory, match="one prompt of 9 tokens does not fit into the memory of cpu"):
        grouped.compute(executor, Evaluate(grouped.key, ORIGINALS, (), ASKED))
    assert issubclass(OutOfMemory, EngineError)


def test_a_model_that_does_not_fit_is_named(grouped: Saved, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(torch.nn.Module, "to", full)
    with pytest.raises(OutOfMemory, match="tiny does not fit into the memory of cpu"):
        grouped.compute("optimised", Capture(grouped.key, ORIGINALS, LAST))


@pytest.mark.parametrize("executor", EXECUTORS)
def test_ctrl_c_comes_through_as_itself_and_the_engine_goes_on(grouped: Saved, executor: str) -> None:
    """In whichever pass it comes; swallowed ones and chosen places: tests/robustness/stress/interrupts.py."""
    engine, inputs = grouped.engine(executor), capture(grouped, ALTERNATES, SPREAD)
    expected = engine.compute(path_patch(grouped), inputs).tensors
    draw, before = random.Random(0), signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        for _ in range(10):
            assert at_an_instant(lambda: engine.compute(path_patch(grouped), inputs), draw, 0.02) is not None
            same(engine.compute(path_patch(grouped), inputs).tensors, expected)
    finally:
        signal.signal(signal.SIGINT, before)
    assert sys.gettrace() is None or "coverage" in sys.modules


BUILT_IN = Path(__file__).parents[2] / "entrack" / "builtin" / "boxes-base"


def test_the_built_in_model() -> None:
    facts = read_facts(json.loads((BUILT_IN / "config.json").read_text()))
    key, draw = ModelKey("weights", "config", "tokenizer", facts), random.Random(0)
    batch, other = (
        Batch(tuple(tuple(draw.randrange(facts.vocabulary) for _ in range(40)) for _ in range(4))) for _ in "ab"
    )
    receivers = (Receivers(Part.QUERY, (Site.of_head(facts.layers - 1, 0),)),)
    source, found = ModelSource('builtin("boxes-base")', BUILT_IN), []
    for executor in ExecutorKind:
        engine = Engine({key: source}, executor=executor, device="cpu", threads=1)
        z = engine.compute(Capture(key, other, (39,) * 4), {}).tensors
        found.append(
            engine.compute(PathPatch(key, batch, ((1,),) * 4, (39,) * 4, 1, REF, receivers), {REF.id: z}).tensors
        )
    agree(found[1], found[0], within=1e-4)
