"""Evaluate: one forward pass with edits in force.

How edits combine: sites and attention are changed where they stand, and what comes later in the pass is computed from
all of them. Where edits meet at a site and token, each changes what the one before it left, so that the last `Set`
holds. Inputs hold the outputs of their heads elsewhere; that gives way to any edit of outputs, and at a token at which
another edit sets inputs of the same head (`kernels/inputs.py`). What is blocked is blocked by any.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from attrs import frozen
from torch import Tensor

from entrack.engine.context import Context
from entrack.engine.inputs import Arrays, Inputs
from entrack.engine.kernels.inputs import input_sets
from entrack.engine.kernels.knockout import blocked
from entrack.engine.kernels.outputs import output_writes
from entrack.engine.outcomes import Outcomes
from entrack.engine.writes import Write
from entrack.plan.steps import (
    Add,
    At,
    Attention,
    BlockAttention,
    Change,
    DirectAttribution,
    Evaluate,
    Lens,
    Loss,
    ProjectOut,
    Scale,
    Set,
    Statistic,
)
from entrack.sites import Part

Edited = Evaluate | Loss | Attention | Lens | DirectAttribution
"""Steps that run a batch with edits in force."""


@frozen(eq=False)
class Changes:
    """What the edits of a step come to: writes, and bool (prompt, token, token read) by layer where none may
    attend."""

    sets: list[Write]
    blocked: dict[int, Tensor]

    @classmethod
    def of(cls, context: Context, step: Edited, inputs: Inputs) -> Changes:
        """Raises EngineError where an edit cannot be made."""
        read: list[Set] = []
        given: list[Change] = []
        cut: list[BlockAttention] = []
        for edit in step.edits:
            match edit:
                case Set(At(reads=Part())):
                    read.append(edit)
                case Set() | Add() | ProjectOut() | Scale():
                    given.append(edit)
                case BlockAttention():
                    cut.append(edit)
                case _:
                    assert_never(edit)
        sets = [*input_sets(context, step.batch, read, inputs), *output_writes(context, step.batch, given, inputs)]
        return cls(sets, blocked(context, step.batch, cut))


Run = Callable[[Context, Evaluate, Changes], Tensor]
"""Logits at the last token of a step's batch with changes in force. -> (prompt, vocabulary)"""


def evaluate(context: Context, step: Evaluate, inputs: Inputs) -> Arrays:
    """-> `top` int64 (prompt); `logit`, `log_probability` float32 (prompt, k); and statistics"""
    return evaluated(context, step, inputs, full)


def evaluated(context: Context, step: Evaluate, inputs: Inputs, run: Run) -> Arrays:
    """Outcomes, with `run` as the way to run a batch."""
    logits = run(context, step, Changes.of(context, step, inputs))
    context.check_logits(step.batch, logits)
    return Outcomes.of(logits, context.tensor(step.asked), step.also, _clean(context, step)).arrays()


def _clean(context: Context, step: Evaluate) -> Tensor | None:
    """Logits of the clean run, where a statistic needs them and the step's own are not. -> (prompt, vocabulary)"""
    if not step.edits or Statistic.KL_FROM_CLEAN not in step.also:
        return None
    whole = context.whole(step.batch)
    return context.clean_logits(step.batch) if whole is None else whole.logits


def full(context: Context, step: Evaluate, changes: Changes) -> Tensor:
    """One full forward pass."""
    if changes.sets or changes.blocked:
        return context.logits(step.batch, changes.sets, blocked=changes.blocked)
    return context.clean_logits(step.batch)
