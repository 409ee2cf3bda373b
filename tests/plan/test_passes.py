"""The passes of the compiler, each before and after, on a step of each kind. `ENTRACK_GOLDEN=write` writes the
golden texts anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from attrs import evolve

from entrack.model_config import ModelFacts
from entrack.models.key import ModelKey
from entrack.plan.expand import expand
from entrack.plan.passes import PASSES, optimise, stages
from entrack.plan.passes.share_clean_runs import SPARE, whole_bytes
from entrack.plan.schedule import Memory, Role, Schedule
from entrack.plan.steps import (
    Add,
    At,
    Batch,
    BlockAttention,
    Capture,
    Chosen,
    Elsewhere,
    Evaluate,
    FromCapture,
    FromMean,
    FromZero,
    MaskBatch,
    PathPatch,
    Receivers,
    Ref,
    Scale,
    Set,
    Spans,
    Step,
    SumOutputs,
    TrainMask,
)
from entrack.sites import Part, Site

GOLDEN = Path(__file__).parent.parent / "golden" / "passes"
KEY = ModelKey("w", "c", "t", ModelFacts("llama", 6, 4, 2, 16, 4, 40, 50))
BATCH = Batch(tuple((prompt,) * 9 for prompt in range(4)))
ASKED = ((1,),) * 4
LAST, EARLY = (8, 8, 8, 8), (2, 5, 3, 4)
MEMORY = Memory(kept=10**9, a_pass=10**9)


def patch(layer: int, receivers: tuple[Receivers, ...] = (), at: tuple[int, ...] = LAST) -> PathPatch:
    return PathPatch(KEY, BATCH, ASKED, at, layer, Ref("z"), receivers)


def heads(*ones: tuple[int, int]) -> tuple[Site, ...]:
    return tuple(Site.of_head(layer, head) for layer, head in ones)


MASKED = MaskBatch(BATCH, BATCH, LAST, LAST, (1,) * 4)
STEPS: dict[str, Step] = {
    "capture": Capture(KEY, BATCH, LAST),
    "capture_of_heads": Capture(KEY, BATCH, LAST, heads((1, 2), (3, 0))),
    "capture_inputs": Capture(KEY, BATCH, None, heads((2, 1)), Part.KEY),
    "capture_neurons_of_a_span": Capture(
        KEY, BATCH, Spans(((2, 3), (5, 7), (3, 4), (4, 8))), (Site(2, Part.NEURON, 7),), Part.NEURON
    ),
    "sum_outputs": SumOutputs(KEY, BATCH),
    "evaluate": Evaluate(KEY, BATCH, (), ASKED),
    "evaluate_set": Evaluate(KEY, BATCH, (Set(At(heads((2, 1), (4, 3)), EARLY), FromZero()),), ASKED),
    "evaluate_query": Evaluate(KEY, BATCH, (Set(At(heads((3, 1)), LAST, Part.QUERY), FromCapture(Ref("q"))),), ASKED),
    "evaluate_value": Evaluate(KEY, BATCH, (Set(At(heads((3, 1)), LAST, Part.VALUE), FromCapture(Ref("v"))),), ASKED),
    "evaluate_blocked": Evaluate(KEY, BATCH, (BlockAttention(2, 9, LAST, ((1,),) * 4),), ASKED),
    "evaluate_circuit": Evaluate(
        KEY,
        BATCH,
        (Set(Elsewhere((At(heads((2, 0), (4, 1)), LAST), At(heads((3, 3)), EARLY))), FromMean((Ref("m"),))),),
        ASKED,
    ),
    "evaluate_circuit_and_set": Evaluate(
        KEY,
        BATCH,
        (Set(Elsewhere((At(heads((4, 1)), LAST),)), FromZero()), Set(At(heads((1, 1)), EARLY), FromZero())),
        ASKED,
    ),
    "evaluate_stream": Evaluate(
        KEY,
        BATCH,
        (Add(At((Site(3, Part.RESIDUAL),), Spans(((2, 3), (5, 7), (3, 4), (4, 8)))), FromZero(), 2.0),),
        ASKED,
    ),
    "evaluate_neuron": Evaluate(KEY, BATCH, (Scale(At((Site(4, Part.NEURON, 7),), None), 0.5),), ASKED),
    "evaluate_heads_and_mlps": Evaluate(
        KEY,
        BATCH,
        (Set(Elsewhere((At(heads((4, 1)), LAST),), (Part.OUTPUT, Part.MLP)), FromZero()),),
        ASKED,
    ),
    "patch_to_logits": patch(2),
    "patch_to_logits_from_before_the_last": patch(2, at=EARLY),
    "patch_to_query": patch(2, (Receivers(Part.QUERY, heads((1, 0), (4, 1), (5, 2))),)),
    "patch_to_value_early": patch(0, (Receivers(Part.VALUE, heads((3, 1))),), EARLY),
    "patch_that_cannot_reach": patch(4, (Receivers(Part.KEY, heads((4, 1))),)),
    "patch_to_heads_not_known": patch(3, (Receivers(Part.KEY, Chosen("g")),)),
    "train_mask": TrainMask(KEY, heads((3, 1), (4, 0)), (MASKED,), (MASKED,), 0.1, 2, 0.01),
}


def shown(before: Schedule, after: Schedule) -> list[str]:
    """What a pass did: runs that are gone, new or not as they were."""
    old, new = [run.show() for run in before.runs], [run.show() for run in after.runs]
    return [f"  - {line}" for line in old if line not in new] + [f"  + {line}" for line in new if line not in old]


@pytest.mark.parametrize("name", STEPS)
def test_what_each_pass_does(name: str) -> None:
    works = stages(STEPS[name], MEMORY)
    lines = ["as written", *(f"  + {run.show()}" for run in works[0].runs)]
    for one, before, after in zip(PASSES, works, works[1:], strict=False):
        lines += [one.name, *(shown(before, after) or ["  nothing"])]
    lines += ["why", *(f"  {run.role.value}: {note}" for run in works[-1].runs for note in run.notes)]
    text, path = "\n".join(lines) + "\n", GOLDEN / f"{name}.txt"
    if os.environ.get("ENTRACK_GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text()


@pytest.mark.parametrize("name", STEPS)
def test_what_a_run_takes_values_from_is_there(name: str) -> None:
    """Before and after each pass, also where a run is gone."""
    for schedule in stages(STEPS[name], MEMORY):
        for run in schedule.runs:
            assert run.takes is None or schedule.of(run.takes), f"{run.role.value} takes from {run.takes}"


def test_what_takes_values_from_a_run_that_goes_goes_too() -> None:
    schedule = expand(STEPS["patch_to_query"])
    assert [run.role for run in schedule.runs] == [Role.CLEAN, Role.SENT, Role.RECEIVED]
    assert [run.role for run in schedule.without(Role.RECEIVED).runs] == [Role.CLEAN, Role.SENT]
    assert [run.role for run in schedule.without(Role.SENT).runs] == [Role.CLEAN]
    assert not schedule.without(Role.CLEAN).runs


@pytest.mark.parametrize("name", STEPS)
def test_no_pass_makes_more(name: str) -> None:
    """But for a base, which is there for others too, and for prompts that wait for one another in a group."""
    works = stages(STEPS[name], MEMORY)
    for one, before, after in zip(PASSES, works, works[1:], strict=False):
        if one.name not in ("share clean runs", "batch"):
            assert sum(run.flops for run in after.runs) <= sum(run.flops for run in before.runs), one.name


def test_what_does_not_fit_is_not_shared() -> None:
    step = STEPS["evaluate_circuit"]
    size = int(whole_bytes(KEY.facts, KEY.dtype, BATCH) * SPARE)
    assert [run.role for run in optimise(expand(step, Memory(kept=size))).runs] == [Role.BASE, Role.EDITED]
    (alone,) = optimise(expand(step, Memory(kept=size - 1))).runs
    assert (alone.first, alone.end, alone.tokens_run) == (0, 6, 36), "it stays whole"
    assert "do not fit well" in alone.notes[0]


def test_rows_go_together_as_memory_allows() -> None:
    step = STEPS["patch_to_value_early"]
    small, large = (optimise(expand(step, evolve(MEMORY, a_pass=room))).run(Role.RECEIVED) for room in (60_000, 10**9))
    assert small is not None and large is not None
    assert len(small.groups) > len(large.groups) == 1
    assert sorted(prompt for group in small.groups for prompt in group) == [0, 1, 2, 3]
    assert small.tokens_run < large.tokens_run, "prompts do not wait for those whose change comes earlier"


def test_operations_are_those_of_the_products() -> None:
    """Counted by hand for a model of one layer and a prompt of two tokens."""
    facts = ModelFacts("llama", 1, 2, 1, 8, 4, 24, 10)
    (run,) = expand(Evaluate(ModelKey("w", "c", "t", facts), Batch(((1, 2),)), (), ((1,),))).runs
    weights = 8 * 8 + 2 * 8 * 4 + 8 * 8 + 3 * 8 * 24
    looking = 2 * (4 * 2) * (1 + 2)  # two heads of four numbers: scores, and values, for one and for two tokens
    assert run.flops == 2 * (2 * weights + looking + 8 * 10)
    assert run.token_layers == 2


@pytest.mark.parametrize(("family", "matrices"), [("llama", 3), ("gpt2", 2), ("gpt_neox", 2)])
def test_an_mlp_without_a_gate_has_two_matrices(family: str, matrices: int) -> None:
    small, large = (
        expand(Evaluate(ModelKey("w", "c", "t", facts), Batch(((1, 2),)), (), ((1,),))).runs[0].flops
        for facts in (ModelFacts(family, 1, 2, 2, 8, 4, width, 10) for width in (24, 25))
    )
    assert large - small == 2 * (2 * matrices * 8)
