"""Forms: what the value of each kind of step is - the names of its arrays, their types, shapes and ranges. Beside the
steps, and said nowhere else.

A bound step comes in, its form comes out; executors hold every value against it, also one that comes from a store with
a sound digest. All numbers are finite: the engine stops at one that is not (docs/semantics.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

from attrs import frozen

from entrack.plan.steps import (
    Attribute,
    Capture,
    CaptureInputs,
    Evaluate,
    Heads,
    PathPatch,
    Screened,
    Step,
    SumOutputs,
    TrainMask,
)
from entrack.sites import Component

LAST_BIT = 2.0**-23
"""How far above 0 a log probability may be rounded, in float32."""


@frozen
class Array:
    """An array of a value. All its numbers are finite and lie between `least` and `most`, both included."""

    dtype: str
    shape: tuple[int, ...]
    least: float = -inf
    most: float = inf


Form = Mapping[str, Array]


def form_of(step: Step) -> Form:
    """The arrays of a bound step's value, by name. Raises ValueError for heads that are not known yet."""
    facts = step.model.facts
    match step:
        case Capture(batch=batch, heads=heads):
            return {"z": Array("float32", _of_heads((facts.layers, batch.prompts, facts.heads, facts.d_head), heads))}
        case CaptureInputs():
            return {step.component.value: Array("float32", _of_heads(_inputs(step), step.heads))}
        case SumOutputs(batch=batch):
            count = float(batch.prompts)
            return {
                "sum": Array("float64", (facts.layers, batch.length, facts.heads, facts.d_head)),
                "count": Array("int64", (), count, count),
            }
        case Evaluate(batch=batch):
            return _outcomes((batch.prompts,), len(step.asked[0]), facts.vocabulary)
        case PathPatch(batch=batch):
            return _outcomes((_senders(step), batch.prompts), len(step.asked[0]), facts.vocabulary)
        case Attribute(batch=batch):
            change = Array("float32", (facts.layers, facts.heads, batch.prompts, len(step.asked[0])))
            return {"logit": change, "log_probability": change}
        case TrainMask():
            return _mask(step)


def _outcomes(rows: tuple[int, ...], asked: int, vocabulary: int) -> Form:
    return {
        "top": Array("int64", rows, 0, vocabulary - 1),
        "logit": Array("float32", (*rows, asked)),
        "log_probability": Array("float32", (*rows, asked), most=LAST_BIT),
    }


def _mask(step: TrainMask) -> Form:
    steps = step.epochs * len(step.train)
    return {
        "mask": Array("float32", (_count(step.heads),), 0, 1),
        "steps": Array("int64", (), min(step.check_every, steps), steps),
        "loss": Array("float32", (steps,)),
        "validation": Array("float32", (-(-steps // step.check_every),), 0, 1),
    }


def _inputs(step: CaptureInputs) -> tuple[int, ...]:
    facts, batch = step.model.facts, step.batch
    if step.component is Component.QUERY:
        return (facts.layers, batch.prompts, facts.heads, facts.d_head)
    return (facts.layers, batch.prompts, batch.length, facts.key_value_heads, facts.d_head)


def _of_heads(shape: tuple[int, ...], heads: Heads | None) -> tuple[int, ...]:
    """The shape of a capture (layer, prompt, ..., head, d_head); of some heads (head, prompt, ..., d_head), and of
    none (0)."""
    if heads is None:
        return shape
    count = _count(heads)
    return (count, *shape[1:-2], shape[-1]) if count else (0,)


def _senders(step: PathPatch) -> int:
    if isinstance(step.senders, Screened):
        raise ValueError("the heads that a screen lets through are not known")
    return step.model.facts.heads if step.senders is None else len(step.senders)


def _count(heads: Heads) -> int:
    if not isinstance(heads, tuple):
        raise ValueError("the heads that a selection keeps are not known")
    return len(heads)
