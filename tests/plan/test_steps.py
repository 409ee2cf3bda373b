"""One record for each kind of step: what other parts know of a kind is read off it, and none is left out."""

from __future__ import annotations

from math import prod
from typing import Any, get_args

import attrs
import numpy as np
import pytest
from stress.addresses import LATER
from stress.addresses import STEPS as EXAMPLES

from entrack.address import fields_by_tag, tag_of
from entrack.engine.engine import EXECUTORS
from entrack.plan.cost import bytes_of
from entrack.plan.executor_kind import ExecutorKind
from entrack.plan.expand import expand
from entrack.plan.steps import STEPS, Choice, Step, StepKind, kind_of

every_kind = pytest.mark.parametrize("kind", STEPS, ids=lambda kind: tag_of(kind.step))


def example(kind: StepKind[Any]) -> Any:
    """A step of the kind, which asks for one word a prompt."""
    (step,) = [step for step in EXAMPLES if type(step) is kind.step]
    asks: Any = step
    return attrs.evolve(asks, asked=((10,), (12,))) if hasattr(step, "asked") else step


def test_every_step_has_one_record_and_a_choice_has_none() -> None:
    assert [kind.step for kind in STEPS] == list(dict.fromkeys(kind.step for kind in STEPS))
    assert {kind.step for kind in STEPS} == set(get_args(Step))
    assert len({kind.words for kind in STEPS}) == len(STEPS)
    assert not {kind.step for kind in STEPS} & set(get_args(Choice))


@pytest.mark.parametrize("executor", EXECUTORS)
def test_every_executor_has_a_kernel_for_every_kind_and_no_other(executor: ExecutorKind) -> None:
    assert set(EXECUTORS[executor]) == {kind.step for kind in STEPS}


@every_kind
def test_the_bytes_of_a_plan_are_those_of_the_form(kind: StepKind[Any]) -> None:
    """To those of a count, or of a few heads."""
    step = example(kind)
    form = sum(prod(array.shape) * np.dtype(array.dtype).itemsize for array in kind.form(step).values())
    assert abs(form - bytes_of(step, {})) <= min(16, form - 1)


@every_kind
def test_a_step_makes_whole_passes_over_its_batch(kind: StepKind[Any]) -> None:
    step, batch = example(kind), kind_of(example(kind)).batch(example(kind))
    runs = expand(step).runs
    assert runs and all(len(run.layers) == step.model.facts.layers for run in runs)
    assert batch is None or {run.batch for run in runs} == {batch}


@every_kind
def test_the_fields_that_a_record_names_are_there(kind: StepKind[Any]) -> None:
    """By their tags, in the step or in what it holds."""

    def tags(value: Any) -> set[str]:
        if isinstance(value, tuple):
            return {tag for item in value for tag in tags(item)}
        own = fields_by_tag(value) if attrs.has(type(value)) else {}
        return {*own, *(tag for inner in own.values() for tag in tags(inner))}

    others = tuple(step for step in LATER if type(step) is kind.step)
    assert {*kind.parts, *kind.branches} <= tags((example(kind), *others))
