"""Addresses: every component of every kind of step, changed alone, gives another; different values never share one."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from enum import Enum
from itertools import combinations
from pathlib import Path
from typing import Any, get_args

import attrs
import pytest
from address_corpus import DIFFERENT
from attrs import evolve
from plan_worlds import CONFIG

from entrack.address import address
from entrack.model_config import read_facts
from entrack.models.key import ModelKey
from entrack.numbers import Numbers
from entrack.plan import bind
from entrack.plan.executor_kind import ExecutorKind
from entrack.plan.steps import (
    Add,
    At,
    Attention,
    Attribute,
    Batch,
    BlockAttention,
    Capture,
    DirectAttribution,
    Elsewhere,
    Evaluate,
    FromCapture,
    FromMean,
    FromNoise,
    FromVector,
    FromZero,
    Given,
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
from stress.tried import Tally, Tried

MODEL = ModelKey("weights", "config", "tokenizer", read_facts(CONFIG), adapter="adapter")
BATCH, OTHER = Batch(((1, 2, 3), (4, 5, 6))), Batch(((7, 8, 9), (1, 2, 4)))
HEADS, AT = (Site.of_head(1, 2), Site.of_head(3, 0)), (1, 2)
EDITS = (
    Set(At(HEADS, AT), FromCapture(Ref("capture"))),
    Set(At(HEADS, AT), FromMean((Ref("one"), Ref("two")))),
    Set(Elsewhere((At(HEADS, AT),)), FromZero()),
    Set(At(HEADS, AT, Part.QUERY), FromCapture(Ref("inputs"))),
    BlockAttention(1, 3, AT, ((0, 1), (0,))),
)
MASKS = (MaskBatch(BATCH, OTHER, AT, (0, 1), (5, 6)),)
STEPS: tuple[Step, ...] = (
    Capture(MODEL, BATCH, AT, HEADS, Part.QUERY),
    SumOutputs(MODEL, BATCH),
    Evaluate(MODEL, BATCH, EDITS, ((10, 11), (12, 13)), (Statistic.RANK,)),
    Loss(MODEL, BATCH, ((1,), (1, 2)), EDITS),
    Attention(MODEL, BATCH, AT, ((0,), (0, 1)), EDITS),
    Lens(MODEL, BATCH, AT, ((10, 11), (12, 13)), EDITS, (Statistic.RANK,)),
    DirectAttribution(MODEL, BATCH, AT, ((10, 11), (12, 13)), EDITS),
    PathPatch(
        MODEL,
        BATCH,
        ((10, 11), (12, 13)),
        AT,
        2,
        Ref("alternate"),
        (Receivers(Part.VALUE, HEADS),),
        senders=(Site.of_head(2, 0), Site.of_head(2, 3)),
        also=(Statistic.ENTROPY,),
    ),
    Attribute(MODEL, BATCH, ((10, 11), (12, 13)), AT, Ref("alternate"), (Receivers(Part.KEY, HEADS),), 3),
    TrainMask(MODEL, HEADS, MASKS, MASKS, 0.25, 2, 0.5),
)
"""One step of every kind."""
STREAM, SPANS = (Site(1, Part.MID), Site(2, Part.MID)), Spans(((0, 1), (1, 2)))
VECTOR = FromVector((Term(1.0, HEADS, (Ref("one"),)), Term(-0.5, HEADS, (Ref("other"), Ref("third")))))
GIVEN = FromVector((Given(0.5, Numbers((1.0, -0.5, 0.25))), VECTOR.terms[0]))
LATER_EDITS = (
    Add(At(STREAM, SPANS), VECTOR, 2.0),
    Add(At(STREAM, None), FromNoise(0.5, 1, (3, 4))),
    ProjectOut(At((Site(3, Part.POST),), AT), VECTOR),
    Scale(At((Site(0, Part.NEURON, 7),), AT), 0.5),
    Set(Elsewhere((At((Site(1, Part.MLP),), SPANS),), (Part.OUTPUT, Part.MLP)), FromZero()),
)
LATER: tuple[Step, ...] = (
    Capture(MODEL, BATCH, SPANS, (Site(0, Part.NEURON, 7), Site(2, Part.NEURON, 1)), Part.NEURON),
    Evaluate(MODEL, BATCH, LATER_EDITS, ((10, 11), (12, 13))),
    Loss(MODEL, BATCH, ((1,), (1, 2)), LATER_EDITS),
    Attention(MODEL, BATCH, AT, ((0,), (0, 1)), LATER_EDITS),
    Lens(MODEL, BATCH, AT, ((10, 11), (12, 13)), LATER_EDITS),
    DirectAttribution(MODEL, BATCH, AT, ((10, 11), (12, 13)), LATER_EDITS),
    Evaluate(MODEL, BATCH, (Add(At(STREAM, SPANS), GIVEN),), ((10, 11), (12, 13))),
)
"""With the edits, sources and parts that the others do not hold."""


def every_component(count: int, seed: int, folder: Path) -> Tried:
    """Each value inside each kind of step, changed alone; then its version, the store's, and the executor. `count`
    and `seed` say nothing here."""
    tally, seen = Tally(), dict[str, str]()
    with tally.case("a step of every kind"):
        assert {type(step) for step in STEPS} == set(get_args(Step))
    for step in (*STEPS, *LATER):
        for where, other in ((type(step).__name__, step), *changed(step, type(step).__name__)):
            with tally.case(where):
                _new(bind.step_address(other), where, seen)
        with tally.case(f"{type(step).__name__} by the reference"):
            _new(bind.step_address(step, ExecutorKind.REFERENCE), where, seen)
        with tally.case(f"{type(step).__name__}, version"), pytest.MonkeyPatch.context() as patch:
            patch.setattr(bind, "kind_of", lambda one: evolve(kind_of(one), version=kind_of(one).version + 1))
            _new(bind.step_address(step), "version", seen)
        with tally.case(f"{type(step).__name__}, STORE_VERSION"), pytest.MonkeyPatch.context() as patch:
            patch.setattr(bind, "STORE_VERSION", bind.STORE_VERSION + 1)
            _new(bind.step_address(step), "STORE_VERSION", seen)
    return tally.tried


def _new(found: str, where: str, seen: dict[str, str]) -> None:
    assert found not in seen, f"the same address as {seen[found]}"
    seen[found] = where


def changed(value: Any, where: str) -> Iterator[tuple[str, Any]]:
    """The value with one thing inside it changed, for each thing, and where that is."""
    if attrs.has(type(value)):
        for field in attrs.fields(type(value)):
            for at, part in changed(getattr(value, field.name), f"{where}.{field.name}"):
                with (
                    attrs.validators.disabled()
                ):  # what cannot be, such as a batch of two lengths, has an address of its own too
                    other = evolve(value, **{field.name: part})
                yield at, other
    elif isinstance(value, tuple):
        if value:
            yield f"{where} without its last", value[:-1]
        for place, item in enumerate(value):
            for at, part in changed(item, f"{where}[{place}]"):
                yield at, (*value[:place], part, *value[place + 1 :])
    else:
        yield where, _another(value)


def _another(value: Any) -> Any:
    match value:
        case Enum():
            return next(other for other in type(value) if other is not value)
        case str():
            return value + "'"
        case int() | float():
            return value + 1
        case None:
            return "something"
    raise AssertionError(f"nothing else for {value!r}")


def different_values(count: int, seed: int, folder: Path) -> Tried:
    """Pairs of a corpus of values that are easily mistaken for one another, and `count` pairs of values made by
    chance."""
    tally, chance = Tally(), random.Random(seed)
    found = [address(value) for value in DIFFERENT]
    for (one, first), (two, second) in combinations(zip(DIFFERENT, found, strict=True), 2):
        with tally.case(f"{one!r} and {two!r}"):
            assert first != second
    for number in range(count):
        left, right = _value(chance, 3), _value(chance, 3)
        with tally.case(f"pair {number} of seed {seed}: {left!r} and {right!r}"):
            assert (address(left) == address(right)) == (repr(left) == repr(right))
    return tally.tried


def _value(chance: random.Random, depth: int) -> object:
    """A small value: few enough that equal ones come up, and ones that differ in type only."""
    makers: list[Callable[[], object]] = [
        lambda: chance.choice(
            (0, 1, 2, -1, 12, True, False, None, 0.0, -0.0, 1.0, 12.0, "", "1", "1,2", "12", "None", b"", b"1")
        ),
        lambda: tuple(_value(chance, depth - 1) for _ in range(chance.randrange(3))),
        lambda: {key: _value(chance, depth - 1) for key in sorted(chance.sample("ab1", chance.randrange(3)))},
    ]
    return chance.choice(makers if depth else makers[:1])()
