"""The key of a step, part by part: the parts tell apart what addresses tell apart, and each change shows in the part
it belongs to."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest
from attrs import evolve

from entrack.model_config import ModelFacts
from entrack.models.key import ModelKey
from entrack.plan import cache_key
from entrack.plan.bind import step_address
from entrack.plan.cache_key import DIGITS, PARTS, KeyPart, parts, title
from entrack.plan.executor_kind import ExecutorKind
from entrack.plan.steps import (
    STEPS,
    At,
    Attribute,
    Batch,
    BlockAttention,
    Capture,
    Elsewhere,
    Evaluate,
    FromCapture,
    FromMean,
    FromZero,
    MaskBatch,
    PathPatch,
    Receivers,
    Ref,
    Set,
    Step,
    SumOutputs,
    TrainMask,
    kind_of,
)
from entrack.sites import Part, Site

MODEL = ModelKey("w", "c", "t", ModelFacts("llama", 4, 8, 8, 64, 8, 256, 300))
BATCH, OTHER = Batch(((1, 2, 3), (4, 5, 6))), Batch(((1, 2, 3), (4, 5, 7)))
AT, ASKED, HEADS = (2, 1), ((7,), (8,)), (Site.of_head(0, 1), Site.of_head(2, 3))
PAIR = MaskBatch(BATCH, OTHER, AT, (0, 1), (7, 8))
MASK = TrainMask(MODEL, HEADS, (PAIR,), (PAIR,), 0.01, 2, 0.1)
PATCH = PathPatch(MODEL, BATCH, ASKED, AT, 1, Ref("a" * 64), (Receivers(Part.VALUE, HEADS),))
PATCH_TO_LOGITS = evolve(PATCH, receivers=())
ESTIMATE = Attribute(MODEL, BATCH, ASKED, AT, Ref("a" * 64), PATCH.receivers)
READ = Capture(MODEL, BATCH, None, None, Part.KEY)


def edited(*edits: Any) -> Evaluate:
    return Evaluate(MODEL, BATCH, edits, ASKED)


SET = Set(At(HEADS, AT), FromCapture(Ref("a" * 64)))
ELSEWHERE = Set(Elsewhere((At(HEADS, AT),)), FromMean((Ref("a" * 64), Ref("b" * 64))))
INPUTS = Set(At(HEADS, AT, Part.QUERY), FromCapture(Ref("a" * 64)))
BLOCK = BlockAttention(1, 3, AT, ((0,), (0, 1)))

CHANGES: list[tuple[Step, Step, set[str]]] = [
    (edited(), evolve(edited(), batch=OTHER), {"tokens"}),
    (edited(), evolve(edited(), asked=((7,), (9,))), {"asked"}),
    (edited(SET), edited(Set(At(HEADS[:1], AT), SET.source)), {"heads"}),
    (edited(SET), edited(Set(At(HEADS, (2, 2)), SET.source)), {"positions"}),
    (edited(SET), edited(evolve(SET, source=FromCapture(Ref("b" * 64)))), {"upstream"}),
    (edited(SET), edited(evolve(SET, source=FromZero())), {"edits", "upstream"}),
    (edited(SET), edited(SET, SET), {"component", "edits", "heads", "positions", "upstream"}),
    (edited(SET), edited(), {"component", "edits", "heads", "positions", "upstream"}),
    (edited(ELSEWHERE), edited(evolve(ELSEWHERE, target=Elsewhere(()))), {"component", "edits", "heads", "positions"}),
    (edited(ELSEWHERE), edited(evolve(ELSEWHERE, source=FromMean((Ref("a" * 64),)))), {"upstream"}),
    (edited(INPUTS), edited(Set(At(HEADS, AT, Part.KEY), INPUTS.source)), {"component"}),
    (edited(BLOCK), edited(evolve(BLOCK, last=2)), {"layers"}),
    (edited(BLOCK), edited(evolve(BLOCK, read=((0,), (1,)))), {"positions"}),
    (Capture(MODEL, BATCH, AT), Capture(MODEL, BATCH, (0, 0)), {"positions"}),
    (Capture(MODEL, BATCH, AT), Capture(MODEL, BATCH, AT, HEADS), {"heads"}),
    (READ, evolve(READ, part=Part.VALUE), {"component"}),
    (SumOutputs(MODEL, BATCH), SumOutputs(MODEL, OTHER), {"tokens"}),
    (PATCH, evolve(PATCH, layer=2), {"layers"}),
    (PATCH, evolve(PATCH, alternate=Ref("b" * 64)), {"upstream"}),
    (PATCH, evolve(PATCH, receivers=()), {"receivers"}),
    (PATCH, evolve(PATCH, receivers=(Receivers(Part.KEY, HEADS),)), {"receivers"}),
    (PATCH, evolve(PATCH, senders=HEADS[:1]), {"senders"}),
    (ESTIMATE, evolve(ESTIMATE, steps=5), {"gradient"}),
    (ESTIMATE, evolve(ESTIMATE, receivers=()), {"receivers"}),
    (MASK, evolve(MASK, rate=0.2), {"training"}),
    (MASK, evolve(MASK, epochs=3), {"training"}),
    (MASK, evolve(MASK, train=(evolve(PAIR, original=OTHER),)), {"tokens"}),
    (MASK, evolve(MASK, validate=(evolve(PAIR, target=(7, 9)),)), {"asked"}),
    *(
        (edited(SET), evolve(edited(SET), model=changed), {name})
        for name, changed in (
            ("weights", evolve(MODEL, weights="x")),
            ("config", evolve(MODEL, config="x")),
            ("tokenizer", evolve(MODEL, tokenizer="x")),
            ("adapter", evolve(MODEL, adapter="x")),
            ("dtype", evolve(MODEL, dtype="float16")),
            ("attention", evolve(MODEL, attention="eager")),
        )
    ),
    (edited(SET), evolve(edited(SET), model=evolve(MODEL, facts=evolve(MODEL.facts, layers=5))), {"shape"}),
]


def digests(step: Step, executor: ExecutorKind = ExecutorKind.OPTIMISED) -> dict[str, str]:
    return {part.name: part.digest for part in parts(step, executor)}


def differing(one: dict[str, str], other: dict[str, str]) -> set[str]:
    return {name for name in {**one, **other} if one.get(name) != other.get(name)}


@pytest.mark.parametrize(("before", "after", "wanted"), CHANGES)
def test_a_change_shows_in_its_part_alone(before: Step, after: Step, wanted: set[str]) -> None:
    assert step_address(before) != step_address(after)
    assert differing(digests(before), digests(after)) == wanted


def test_equal_steps_have_equal_parts() -> None:
    steps = [step for before, after, _ in CHANGES for step in (before, after)]
    seen: dict[str, dict[str, str]] = {}
    for step in steps:
        assert seen.setdefault(step_address(step), digests(step)) == digests(evolve(step))
    assert len({json.dumps(found, sort_keys=True) for found in seen.values()}) == len(seen), (
        "other addresses, other parts"
    )


def test_the_executor_and_the_versions_are_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    before = digests(PATCH)
    assert differing(before, digests(PATCH, ExecutorKind.REFERENCE)) == {"executor"}
    monkeypatch.setattr(cache_key, "kind_of", lambda step: evolve(kind_of(step), version=2))
    assert differing(before, digests(PATCH)) == {"version"}


def test_a_step_of_another_kind_is_another_step() -> None:
    assert "step" in differing(digests(SumOutputs(MODEL, BATCH)), digests(READ))


@pytest.mark.parametrize("cls", [Capture, SumOutputs, Evaluate, PathPatch, TrainMask, Attribute])
def test_every_field_belongs_to_a_part_that_has_a_place(cls: type) -> None:
    step = next(step for pair in CHANGES for step in pair[:2] if isinstance(step, cls))
    assert {part.name for part in parts(step)} <= set(PARTS)
    assert all({*kind.parts.values(), *kind.branches.values()} <= set(PARTS) for kind in STEPS)
    assert attrs.has(cls)


def words(step: Step) -> dict[str, str]:
    return {part.title: part.words for part in parts(step, model='builtin("boxes-base")')}


def test_words() -> None:
    said = words(edited(SET, ELSEWHERE))
    assert said["tokens"] == "2 prompts of 3 tokens"
    assert said["token positions"] == "tokens 1 to 2"
    assert said["words asked for"] == "1 word a prompt"
    assert said["what is set"] == "heads to a capture, all other heads to a mean"
    assert said["heads"] == "0.1 2.3"
    assert said["values it builds on"] == "3 values"
    assert said["model weights"] == 'builtin("boxes-base")'
    assert said["model shape"] == "llama, 4 layers x 8 heads, width 64"
    assert (said["adapter"], said["dtype"], said["step version"]) == ("none", "float32", str(kind_of(edited()).version))
    assert words(edited())["what is set"] == "nothing"
    assert words(edited(BLOCK))["what is set"] == "attention, blocked"
    assert words(PATCH)["receivers"] == "value of 0.1 2.3"
    assert words(PATCH_TO_LOGITS)["receivers"] == "the logits"
    assert words(Capture(MODEL, BATCH, AT))["heads"] == "all"
    assert words(PATCH)["senders"] == "all heads of the layer"
    assert words(MASK)["training"] == "sparsity 0.01, epochs 2, rate 0.1, check_every 4"
    many = tuple(Site.of_head(0, head) for head in range(9))
    assert words(edited(Set(At(many, AT), SET.source)))["heads"] == "0.0 0.1 0.2 0.3 0.4 0.5 ... (9 sites)"


def test_a_part_is_small() -> None:
    heads = tuple(Site.of_head(layer, head) for layer in range(32) for head in range(32))
    for part in parts(edited(Set(At(heads, AT), SET.source))):
        assert len(part.digest) == DIGITS
        assert len(part.words) < 100
    assert title("upstream") == KeyPart("upstream", "", "").title == "values it builds on"
