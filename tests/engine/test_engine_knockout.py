"""Attention knockout: equal to attention computed by hand, and nothing where nothing could be attended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from engine_by_hooks import Hooked
from engine_models import (
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
    tiny,
)

from entrack.engine.errors import EngineError
from entrack.plan.expand import expand
from entrack.plan.schedule import Memory
from entrack.plan.steps import At, BlockAttention, Edit, Evaluate, FromCapture, Set
from entrack.sites import Site

BEFORE = tuple((0, at - 1) for at in SPREAD)
ITSELF = tuple((at,) for at in SPREAD)
AFTER = tuple(tuple(range(at + 1, TOKENS)) for at in SPREAD)


def evaluate(saved: Saved, executor: str, edits: tuple[Edit, ...], **options: Any) -> dict[str, np.ndarray]:
    inputs = capture(saved, ORIGINALS, SPREAD)
    return saved.compute(executor, Evaluate(saved.key, ORIGINALS, edits, ASKED), inputs, **options)


def eager(saved: Saved) -> Saved:
    return attrs.evolve(saved, key=attrs.evolve(saved.key, attention="eager"))


def pairs(*edits: BlockAttention) -> list[tuple[int, int, int]]:
    return [
        (p, edit.reader[p], token)
        for edit in edits
        for p in range(len(edit.reader))
        for token in edit.read[p]
        if token <= edit.reader[p]
    ]


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_both_executors_equal_the_oracle(saved: Saved, executor: str, attention: str) -> None:
    if attention not in saved.key.facts.layout.attentions:
        attention = "eager"
    saved, model = attrs.evolve(saved, key=attrs.evolve(saved.key, attention=attention)), Hooked(saved.module)
    top = model.layers - 1
    for first, last in ((0, top), (1, 1), (top, top + 10)):
        for reader, read in (
            (SPREAD, BEFORE),
            (SPREAD, ITSELF),
            (LAST, BEFORE),
            (LAST, tuple((at, 0, 1) for at in SPREAD)),
        ):
            edit = BlockAttention(first, last, reader, read)
            expected = model.knockout(tensor(ORIGINALS), range(first, min(last, top) + 1), pairs(edit))
            agree(evaluate(saved, executor, (edit,)), outcomes(expected))


@pytest.mark.parametrize("executor", EXECUTORS)
def test_what_any_edit_blocks_is_blocked(grouped: Saved, executor: str) -> None:
    edits = (
        BlockAttention(1, 2, SPREAD, BEFORE),
        BlockAttention(1, 2, LAST, ITSELF),
        BlockAttention(1, 2, (8, 1, 2, 3, 8), ((1,), (1,), (2,), (0,), (4,))),
    )
    expected = Hooked(grouped.module).knockout(tensor(ORIGINALS), (1, 2), pairs(*edits))
    agree(evaluate(grouped, executor, edits), outcomes(expected))


@pytest.mark.parametrize("executor", EXECUTORS)
def test_blocking_nothing_by_hand_is_the_model(saved: Saved, executor: str) -> None:
    agree(evaluate(saved, executor, ()), outcomes(Hooked(saved.module).knockout(tensor(ORIGINALS), range(2), [])))


@pytest.mark.parametrize("executor", EXECUTORS)
def test_what_cannot_be_attended_changes_nothing_at_all(saved: Saved, executor: str) -> None:
    clean = evaluate(saved, executor, ())
    for edit in (
        BlockAttention(0, 9, SPREAD, AFTER),
        BlockAttention(0, 9, SPREAD, ((),) * 5),
        BlockAttention(9, 12, SPREAD, BEFORE),
    ):
        same(evaluate(saved, executor, (edit,)), clean)
    also = BlockAttention(0, 1, SPREAD, tuple(a + b for a, b in zip(BEFORE, AFTER, strict=True)))
    same(evaluate(saved, executor, (also,)), evaluate(saved, executor, (BlockAttention(0, 1, SPREAD, BEFORE),)))


@pytest.mark.parametrize("executor", EXECUTORS)
def test_with_outputs_set(grouped: Saved, executor: str) -> None:
    """What a head's reader reads does not matter where its output is set to what it was."""
    heads = tuple(Site.of_head(layer, head) for layer in range(4) for head in range(4))
    block, undo = BlockAttention(0, 3, SPREAD, BEFORE), Set(At(heads, SPREAD), FromCapture(REF))
    agree(evaluate(grouped, executor, (block, undo)), evaluate(grouped, executor, ()))
    assert (evaluate(grouped, executor, (block,))["logit"] != evaluate(grouped, executor, ())["logit"]).any()


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_a_token_must_be_left_something_to_attend_to(grouped: Saved, executor: str, attention: str) -> None:
    saved = attrs.evolve(grouped, key=attrs.evolve(grouped.key, attention=attention))
    engine, edit = saved.engine(executor), BlockAttention(1, 3, SPREAD, ((0,), tuple(range(6)), (), (), ()))
    clean = Evaluate(saved.key, ORIGINALS, (), ASKED)
    expected = engine.compute(clean, {}).tensors
    with pytest.raises(EngineError, match="all that token 5 of prompt 1 can attend to is blocked"):
        engine.compute(Evaluate(saved.key, ORIGINALS, (edit,), ASKED), {})
    with pytest.raises(EngineError, match="all that token 4 of prompt 4 can"):
        engine.compute(
            Evaluate(saved.key, ORIGINALS, (BlockAttention(1, 3, SPREAD, ((), (), (), (), tuple(range(5)))),), ASKED),
            {},
        )
    engine._activations.clear()
    same(engine.compute(clean, {}).tensors, expected)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_in_a_window(tmp_path: Path, executor: str) -> None:
    """A sliding window shows 3 tokens: blocking an earlier one changes nothing, blocking these leaves nothing."""
    for saved in (windowed := save(tiny("mistral", 3, 4, 2, sliding_window=3), tmp_path), eager(windowed)):
        edit = BlockAttention(0, 2, LAST, ((TOKENS - 2, 0),) * 5)
        expected = Hooked(saved.module).knockout(tensor(ORIGINALS), range(3), pairs(edit))
        agree(evaluate(saved, executor, (edit,)), outcomes(expected))
        agree(evaluate(saved, executor, (BlockAttention(0, 2, LAST, ((0, 1),) * 5),)), evaluate(saved, executor, ()))
        with pytest.raises(EngineError, match=f"token {TOKENS - 1} of prompt 0"):
            evaluate(saved, executor, (BlockAttention(2, 2, LAST, ((6, 7, 8),) * 5),))


@pytest.mark.parametrize("executor", EXECUTORS)
def test_in_a_window_that_an_attention_knows_itself(tmp_path: Path, executor: str) -> None:
    """Layer 1 shows 4 tokens: blocking these leaves nothing, though others are not masked by the model."""
    saved = save(MODELS["gpt_neo, local"](), tmp_path)
    with pytest.raises(EngineError, match=f"token {TOKENS - 1} of prompt 0"):
        evaluate(saved, executor, (BlockAttention(1, 1, LAST, ((5, 6, 7, 8),) * 5),))
    agree(evaluate(saved, executor, (BlockAttention(1, 1, LAST, ((0, 1),) * 5),)), evaluate(saved, executor, ()))


def test_flash_attention_takes_no_mask(grouped: Saved) -> None:
    from entrack.engine.context import Context
    from entrack.engine.kernels.knockout import blocked

    key = attrs.evolve(grouped.key, attention="flash_attention_2")
    engine, step = grouped.engine("reference"), Evaluate(grouped.key, ORIGINALS, (), ASKED)
    context = Context(step, attrs.evolve(engine.loaded(grouped.key), key=key), engine._activations, expand(step))
    with pytest.raises(EngineError, match="use sdpa or eager"):
        blocked(context, ORIGINALS, [BlockAttention(0, 2, SPREAD, BEFORE)])


def test_the_batched_executor_keeps_the_clean_run(grouped: Saved) -> None:
    engine, forwards = grouped.engine("optimised"), []
    for first in range(4):
        edits = (BlockAttention(first, 3, LAST, BEFORE),)
        forwards.append(float(engine.compute(Evaluate(grouped.key, ORIGINALS, edits, ASKED), {}).how["forwards"]))
    assert forwards[0] == pytest.approx(1 + 1 / TOKENS)
    assert forwards[1:] == pytest.approx([(1 - first / 4) / TOKENS for first in (1, 2, 3)])
    found = evaluate(grouped, "optimised", edits, memory=Memory(kept=0))
    same(found, evaluate(grouped, "reference", edits))
