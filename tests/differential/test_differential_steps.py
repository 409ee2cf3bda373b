"""Laws of single steps: the optimised executor gives what the reference one gives, and exactly nothing where nothing
can change."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from differential import cases, masks_agree, near, outcomes_agree, same
from differential_models import EXPERTS, USUAL, Options, fewer_passes, options
from differential_steps import PARTS, Bench, Case, World, case_of, everything, senders_of, sequences, worlds
from engine_models import EXECUTORS
from hypothesis import event, given, note
from hypothesis import strategies as st

from entrack.engine.errors import EngineError
from entrack.execution.value_check import fault
from entrack.plan.steps import At, Chosen, Edit, Evaluate, FromCapture, PathPatch, Set, TrainMask
from entrack.sites import RECEIVING, SHARED, Part, Site

executors = st.sampled_from(EXECUTORS)


def outcome(case: Case, executor: Any, within: Options = USUAL) -> dict[str, Any] | str:
    """What a step comes to, always of the step's form, or an error."""
    try:
        found = case.world.engine(executor, within).compute(case.step, case.inputs()).tensors
    except EngineError as error:
        return f"{type(error).__name__}: {error}"
    assert fault(case.step, found) == ""
    return found


def agree(case: Case, found: dict[str, Any] | str, expected: dict[str, Any] | str) -> None:
    note(f"tokens: {case.world.batch.tokens}")
    event(f"{type(case.step).__name__}{': error' if isinstance(expected, str) else ''}")
    if isinstance(found, str) or isinstance(expected, str):
        assert found == expected
    elif isinstance(case.step, TrainMask):
        masks_agree(found, expected)
    elif isinstance(case.step, Evaluate | PathPatch):
        outcomes_agree(found, expected, lambda: logits(case))
    else:
        near(found, expected)


def logits(case: Case) -> np.ndarray[Any, Any]:
    """All logits that the reference executor gives. -> (..., prompt, vocabulary)"""
    assert isinstance(case.step, Evaluate | PathPatch)
    step = attrs.evolve(case.step, asked=everything(case.step.batch))
    return case.world.engine("reference").compute(step, case.inputs()).tensors["logit"]


@cases(0.26)
@given(case_of("evaluate", "circuit"), options)
def test_evaluations_agree(case: Case, within: Options) -> None:
    agree(case, outcome(case, "optimised", within), outcome(case, "reference"))


@cases(0.26)
@given(case_of("path patch"), options)
def test_path_patches_agree(case: Case, within: Options) -> None:
    agree(case, outcome(case, "optimised", within), outcome(case, "reference"))


@cases(0.06)
@given(case_of("attribute"), options)
def test_estimates_agree(case: Case, within: Options) -> None:
    agree(case, outcome(case, "optimised", within), outcome(case, "reference"))


@cases(0.1)
@given(case_of("mask"), options)
def test_masks_agree(case: Case, within: Options) -> None:
    agree(case, outcome(case, "optimised", within), outcome(case, "reference"))


@cases(0.04)
@given(case_of("clean run", "reading"), options)
def test_clean_runs_agree(case: Case, within: Options) -> None:
    agree(case, outcome(case, "optimised", within), outcome(case, "reference"))


@cases(0.1)
@given(case_of("evaluate", "circuit", "path patch", "attribute", "mask"), fewer_passes)
def test_each_pass_of_the_compiler_can_be_left_out(case: Case, within: Options) -> None:
    agree(case, outcome(case, "optimised", within), outcome(case, "reference"))


@cases(0.06)
@given(case_of("evaluate"), executors)
def test_captures_of_the_heads_that_are_wanted_are_enough(case: Case, executor: str) -> None:
    some, every = outcome(case, executor), outcome(case.of_all_heads(), executor)
    if isinstance(every, str):
        assert some == every
    else:
        same(some, every)  # type: ignore[arg-type]


@cases(0.12)
@given(sequences(), st.sampled_from(("optimised", "optimised", "reference")), st.just(USUAL) | options)
def test_what_came_before_does_not_matter(steps: list[Case], executor: str, within: Options) -> None:
    """One engine for all steps gives the bits that a fresh engine gives for each."""
    engine = steps[0].world.engine(executor, within)
    for case in steps:
        expected = outcome(case, executor, within)
        if isinstance(expected, str):
            continue
        for _ in range(2):
            same(engine.compute(case.step, case.inputs()).tensors, expected)


@cases(0.08)
@given(sequences("circuit", "circuit", "path patch"))
def test_circuits_share_a_base_and_nothing_else(steps: list[Case]) -> None:
    engine = steps[0].world.engine("optimised")
    for case in steps:
        same(engine.compute(case.step, case.inputs()).tensors, outcome(case, "optimised"))  # type: ignore[arg-type]


# --- exactly nothing ---------------------------------------------------------------------------------------------


def clean(case: Case, executor: str, within: Options) -> dict[str, Any]:
    """The outcomes of a step's batch as it is."""
    assert isinstance(case.step, Evaluate | PathPatch)
    step = Evaluate(case.step.model, case.step.batch, (), case.step.asked, case.step.also)
    return case.world.engine(executor, within).compute(step, {}).tensors


def repeated(case: Case, value: dict[str, Any]) -> dict[str, Any]:
    """The same for every sender."""
    return {name: np.stack([one] * len(senders_of(case))) for name, one in value.items()}


def own(case: Case, executor: str, within: Options) -> dict[str, Any]:
    """What a step comes to, with what it needs from the same executor and memory, as in a run."""
    return case.world.engine(executor, within).compute(case.step, case.inputs(executor, within)).tensors


@st.composite
def self_patches(draw: st.DrawFn) -> Case:
    bench = Bench(draw, draw(worlds()))
    at, layer = bench.at(), draw(st.integers(0, bench.world.shape.layers - 1))
    return bench.case(bench.path_patch(at, layer, bench.world.batch, at, bench.several(bench.receivers)))


@cases(0.06)
@given(self_patches(), executors, options)
def test_patching_a_run_with_itself_changes_nothing(case: Case, executor: str, within: Options) -> None:
    same(own(case, executor, within), repeated(case, clean(case, executor, within)))


@st.composite
def self_edits(draw: st.DrawFn) -> Case:
    """Outputs and inputs set to the model's own."""
    bench = Bench(draw, draw(worlds()))
    world = bench.world

    def edit() -> Edit:
        part, at = bench.layer_parts(PARTS), bench.position()
        sites, reads = bench.some_of(part), part in RECEIVING and draw(st.booleans())
        capture = bench.capture(world.shape, world.batch, None if reads and part in SHARED else at, sites, part)
        heads = tuple(Site.of_head(site.layer, site.head) for site in sites) if reads else sites
        return Set(At(heads, at, part if reads else None), FromCapture(bench.ref(capture)))

    return bench.case(bench.evaluate(bench.several(edit, least=1, most=4)))


@cases(0.06)
@given(self_edits(), executors, options)
def test_setting_what_is_there_changes_nothing(case: Case, executor: str, within: Options) -> None:
    same(own(case, executor, within), clean(case, executor, within))


@st.composite
def out_of_reach(draw: st.DrawFn) -> Case:
    """Senders at or above every receiver, or no receivers but the logits and no sender at the last token."""
    bench = Bench(draw, draw(worlds()))
    world, top = bench.world, draw(st.integers(0, bench.world.shape.layers - 1))
    at, alternate, receivers = bench.at(), draw(world.alternates()), bench.several(bench.receiving_heads, least=1)
    low = tuple(
        attrs.evolve(each, sites=tuple(Site.of_head(min(head.layer, top), head.head) for head in each.sites))
        for each in receivers
        if not isinstance(each.sites, Chosen)
    )
    if draw(st.booleans()):
        at, low = tuple(min(token, world.batch.length - 2) for token in at), ()
    return bench.case(bench.path_patch(at, top, alternate, bench.at(alternate), low))


@cases(0.05)
@given(out_of_reach(), executors, options)
def test_what_cannot_reach_changes_nothing(case: Case, executor: str, within: Options) -> None:
    """Of experts, which the tokens of a pass share, the reference executor gives other last bits where another token
    chose others."""
    alike = near if executor == "reference" and case.world.shape.family in EXPERTS else same
    alike(own(case, executor, within), repeated(case, clean(case, executor, within)))


@st.composite
def with_a_dead_sender(draw: st.DrawFn) -> tuple[Case, list[int]]:
    world = draw(worlds())
    layer = draw(st.integers(0, world.shape.layers - 1))
    dead = sorted({draw(st.integers(0, world.shape.heads - 1)) for _ in range(2)})
    shape = attrs.evolve(
        world.shape, dead=tuple(head for head in world.shape.every_head if head.layer == layer and head.head in dead)
    )
    bench = Bench(draw, World(shape, world.other, world.batch))
    at, alternate = bench.at(), draw(world.alternates())
    receivers, heads = bench.several(bench.receivers), (Part.OUTPUT,)
    return bench.case(bench.path_patch(at, layer, alternate, bench.at(alternate), receivers, heads)), dead


@cases(0.05)
@given(with_a_dead_sender(), executors, options)
def test_dead_heads_change_nothing(given: tuple[Case, list[int]], executor: str, within: Options) -> None:
    case, dead = given
    found, expected = own(case, executor, within), clean(case, executor, within)
    for row, head in enumerate(senders_of(case)):
        if head in dead:
            same({name: value[row] for name, value in found.items()}, expected)
