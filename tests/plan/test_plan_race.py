"""Races as nodes: rounds of prompts, what each is bound to, and what they share with a discovery without a race."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from plan_worlds import SPEC, Made, made, make_model, plan_of

from entrack.execution.scheduler import Idle, Scheduler
from entrack.plan.plan import Plan, needs
from entrack.plan.steps import Choice, Evaluate, PathPatch, Race, Screened, Select
from entrack.sites import Site

RACED = SPEC.replace("param n = 6", "param n = 120").replace(
    "scrambled {\n  score", "scrambled racing at 95 % {\n  score"
)
WHOLE = SPEC.replace("param n = 6", "param n = 120")
LAYER_2 = tuple(Site.of_head(2, head) for head in range(4))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("race")
    make_model(folder / "model")
    return folder


@pytest.fixture(scope="module")
def plan(folder: Path) -> Plan:
    return plan_of(folder, RACED)


@pytest.fixture(scope="module")
def whole(folder: Path) -> Made:
    return made(folder, WHOLE)


def patches(plan: Plan, hop: str) -> list[PathPatch]:
    return [node for id, node in plan.nodes.items() if isinstance(node, PathPatch) and plan.what[id].startswith(hop)]


def races(plan: Plan, hop: str) -> Mapping[str, Race]:
    return {id: node for id, node in plan.nodes.items() if isinstance(node, Race) and plan.what[id].startswith(hop)}


@pytest.mark.parametrize(("hop", "keep"), [("cir.first", 3), ("cir.second", 2)])
def test_each_round_waits_for_the_look_before_it(plan: Plan, hop: str, keep: int) -> None:
    looks = races(plan, hop)
    assert [(node.looks, node.prompts, node.keep) for node in looks.values()] == [(2, 120, keep)] * 3
    first, second, last = (Screened(id, 12) for id in looks)
    assert [node.before for node in looks.values()] == [None, first, second]
    steps = patches(plan, hop)
    by_senders = [[step.batch.prompts for step in steps if step.senders == one] for one in (None, first, second)]
    assert by_senders == [[50] * 3, [50] * 3, [20] * 3]
    selects = [plan.nodes[group.select] for group in plan.discoveries[0].groups if f"cir.{group.name}" == hop]
    assert [(node.race, len(node.patched), len(node.patched[0])) for node in selects if isinstance(node, Select)] == [
        (last, 3, 3)
    ]
    assert last.id in needs(selects[0])
    assert all(set(needs(node)) <= set(plan.nodes) for node in plan.nodes.values())


def test_the_first_round_is_shared_with_all_prompts(folder: Path, whole: Made) -> None:
    raced = made(folder, RACED)
    assert raced.of("cir: clean runs", "cir: alternates") == whole.of("cir: clean runs", "cir: alternates")
    first = frozenset(raced.by_what["cir.first: path patching"])
    assert first < whole.of("cir.first: path patching")
    assert len(first) == 3, "a step a layer, of three rounds"


def test_the_level_and_what_is_kept_are_no_part_of_the_first_round(folder: Path) -> None:
    texts = RACED, RACED.replace("95 %", "99 %"), RACED.replace("keep 3", "keep 4")
    assert len({frozenset(made(folder, text).by_what["cir.first: path patching"]) for text in texts}) == 1
    assert len({tuple(races(plan_of(folder, text), "cir.first")) for text in texts}) == 3


def test_without_the_word_nothing_changes(folder: Path, whole: Made) -> None:
    plan = plan_of(folder, WHOLE)
    assert not any(isinstance(node, Race) for node in plan.nodes.values())
    assert all(node.senders is None for node in plan.nodes.values() if isinstance(node, PathPatch))


@pytest.mark.parametrize(
    ("senders", "layers"),
    [
        ((), []),
        ((Site.of_head(1, 0), Site.of_head(1, 3)), [1]),
        (tuple(Site.of_head(2, head) for head in range(4)), [2]),
    ],
)
def test_rounds_of_which_nobody_is_left_are_not_run(plan: Plan, senders: tuple[Site, ...], layers: list[int]) -> None:
    scheduler = Scheduler(plan)
    first, *_ = races(plan, "cir.first")
    bound = {}
    while (id := scheduler.next()) is not None and not plan.what[id].startswith("cir.second"):
        node = plan.nodes[id]
        if isinstance(node, Choice):
            scheduler.choose(id, senders if id == first else ())
            continue
        step = scheduler.bind(id)
        if isinstance(step, PathPatch) and isinstance(node, PathPatch) and node.senders == Screened(first, 12):
            bound[step.layer] = step
        if not scheduler.is_idle(id):
            scheduler.finish(id, f"value of {id}")
    assert [layer for layer, step in bound.items() if step.senders != ()] == layers
    assert len(scheduler.idle(Idle.DECIDED)) >= 6 - len(layers)
    assert not scheduler.idle(Idle.SCREENED_OUT)
    for layer in layers:
        assert bound[layer].senders == (senders if len(senders) < 4 else None), "all of a layer are as without a race"


def test_a_screen_says_who_enters(folder: Path) -> None:
    plan = plan_of(folder, RACED.replace("racing", "screen 6 check 3 racing"))
    looks = list(races(plan, "cir.first").items())
    senders = {node.senders for node in patches(plan, "cir.first")}
    screen = looks[0][1].screen
    assert screen is not None
    assert senders == {screen, Screened(looks[0][0], 9), Screened(looks[1][0], 9)}


def test_prompts_of_several_lengths_are_dealt_to_rounds_first(folder: Path) -> None:
    """So that a round is a sample: a discovery without a race would put those of the first prompt's length first."""
    text = RACED.partition("group written")[0]
    uneven = text.replace("asked    = one", 'when     = one from ["Now", "Just now"]\n  asked    = one').replace(
        '"Box {label[asked]}', '"{when} Box {label[asked]}'
    )
    first = next(iter(races(plan_of(folder, uneven), "cir.first").values()))
    plan = plan_of(folder, uneven)
    batches = [node.batch for ref in first.clean if isinstance(node := plan.nodes[ref.id], Evaluate)]
    assert sum(batch.prompts for batch in batches) == 50
    assert len({len(batch.tokens[0]) for batch in batches}) == len(batches) == 2
