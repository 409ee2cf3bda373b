"""Screens as nodes: what path patches of some heads are bound to, what they cost, and when there is nothing to do.

`ENTRACK_GOLDEN=write` writes the golden plan anew.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from attrs import evolve
from plan_worlds import SPEC, Made, made, make_model, plan_of

from entrack.api import load
from entrack.cli.plans import plan_json
from entrack.execution.forecast import forecast
from entrack.model_config import ModelFacts
from entrack.models.key import ModelKey
from entrack.plan.bind import bind, known_zero, screened_out
from entrack.plan.expand import expand
from entrack.plan.plan import needs
from entrack.plan.steps import Attribute, Batch, Chosen, PathPatch, Receivers, Ref, Screen, Screened
from entrack.sites import Part, Site
from entrack.store import MemoryStore

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "plan" / "screen.json"
SCREENED = SPEC.replace("against scrambled {", "against scrambled screen 6 in 2 steps check 3 {")

KEY = ModelKey("w", "c", "t", ModelFacts("llama", 4, 2, 2, 8, 4, 16, 50))


def patch(layer: int, through: int = 3) -> PathPatch:
    return PathPatch(KEY, Batch(((1, 2, 3),)), ((4,),), (2,), layer, Ref("z"), (), Screened("screen", through))


def test_a_path_patch_of_some_heads_is_bound_to_those_of_its_layer() -> None:
    """So that what a screen lets through in one layer leaves the addresses of all others alone."""
    through = (Site.of_head(0, 1), Site.of_head(1, 1), Site.of_head(2, 0), Site.of_head(2, 1))
    bound = [bind(patch(layer), {"z": "z"}, {"screen": through}) for layer in range(4)]
    assert [step.senders for step in bound] == [(Site.of_head(0, 1),), (Site.of_head(1, 1),), None, ()], (
        "all heads of a layer are what is patched without a screen"
    )
    assert [screened_out(step) for step in bound] == [False, False, False, True]
    assert set(needs(patch(1))) == {"z", "screen"}


def forwards_of(step: PathPatch) -> int:
    return sum(run.forwards for run in expand(step).runs)


def test_screened_heads_cost_what_they_are_together() -> None:
    assert sum(forwards_of(patch(layer, 5)) for layer in range(4)) == 5 + 4, "a pass a head, and a clean one a step"
    assert forwards_of(evolve(patch(0), senders=(Site.of_head(0, 1),))) == 2
    assert forwards_of(patch(0, 100)) == 3, "a layer has no more than its heads"


def test_the_golden_plan() -> None:
    found = plan_json(forecast(*load(ROOT / "specs" / "boxes" / "screen.et").survey(MemoryStore())))
    if os.environ.get("ENTRACK_GOLDEN") == "write":
        GOLDEN.write_text(json.dumps(found, indent=1) + "\n")
    assert found == json.loads(GOLDEN.read_text())


@pytest.mark.parametrize(
    ("receivers", "zero"),
    [
        ((Site.of_head(1, 0),), False),
        ((Site.of_head(0, 1), Site.of_head(3, 1)), False),
        ((Site.of_head(0, 0), Site.of_head(0, 1)), True),
        ((), True),
    ],
)
def test_an_estimate_that_no_head_can_reach_is_known_to_be_zero(receivers: tuple[Site, ...], zero: bool) -> None:
    step = Attribute(KEY, Batch(((1, 2, 3),)), ((4,),), (2,), Ref("z"), (Receivers(Part.VALUE, receivers),))
    assert known_zero(step) == zero
    assert not known_zero(evolve(step, receivers=())), "everything reaches the logits"


# --- what a step's address follows from --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("screen")
    make_model(folder / "model")
    return folder


@pytest.fixture(scope="module")
def before(folder: Path) -> Made:
    return made(folder, SCREENED)


def changed(old: str, new: str) -> str:
    assert old in SCREENED
    return SCREENED.replace(old, new)


def test_every_hop_is_estimated_screened_and_selected(folder: Path) -> None:
    plan = plan_of(folder, SCREENED)
    screens = {id: node for id, node in plan.nodes.items() if isinstance(node, Screen)}
    first, second = screens.values()
    assert (first.through, first.check, first.hop, first.receivers) == (6, 3, 0, ())
    (found,) = second.receivers
    assert isinstance(found, Chosen) and second.hop == 1
    senders = {node.senders for node in plan.nodes.values() if isinstance(node, PathPatch)}
    assert senders == {Screened(id, 9) for id in screens}
    assert all(set(needs(node)) <= set(plan.nodes) for node in plan.nodes.values())


def test_names_are_no_part_of_it(folder: Path, before: Made) -> None:
    for text in (
        SCREENED.replace("cir", "circuit_1"),
        SCREENED.replace("first", "early").replace("second", "late"),
        changed("screen 6", "screen  6"),
    ):
        assert made(folder, text).all == before.all


def test_what_a_screen_lets_through_is_no_part_of_an_estimate(folder: Path, before: Made) -> None:
    for text in (changed("screen 6", "screen 5"), changed("check 3", "check 4")):
        after = made(folder, text)
        assert before.of("cir.first: attribution") <= after.all
        assert not before.of("cir.first: path patching") <= after.all, "the screens here are made up, and differ"
    steps = made(folder, changed("in 2 steps", "in 3 steps"))
    assert not before.of("attribution") & steps.all
    assert before.of("clean runs", "alternates at last") <= steps.all


def test_what_is_estimated_is_no_part_of_a_plan_without_a_screen(folder: Path, before: Made) -> None:
    without = made(folder)
    assert before.of("clean runs", "alternates at last", "plain", "zero written") <= without.all
    assert not without.of("attribution")
