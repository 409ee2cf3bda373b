"""Path patches of some heads, as nodes: what they are bound to, what they cost, and when there is nothing to do."""

from __future__ import annotations

from attrs import evolve

from entrack.facts import ModelFacts
from entrack.models.model import ModelKey
from entrack.plan.bind import bind, screened_out
from entrack.plan.cost import forwards_of
from entrack.plan.plan import needs
from entrack.plan.steps import Batch, PathPatch, Ref, Screened
from entrack.sites import Head

KEY = ModelKey("w", "c", "t", ModelFacts("llama", 4, 2, 2, 8, 4, 16, 50))


def patch(layer: int, through: int = 3) -> PathPatch:
    return PathPatch(KEY, Batch(((1, 2, 3),)), ((4,),), (2,), layer, Ref("z"), (), Screened("screen", through))


def test_a_path_patch_of_some_heads_is_bound_to_those_of_its_layer() -> None:
    """So that what a screen lets through in one layer leaves the addresses of all others alone."""
    through = (Head(0, 1), Head(1, 1), Head(2, 0), Head(2, 1))
    bound = [bind(patch(layer), {"z": "z"}, {"screen": through}) for layer in range(4)]
    assert [step.senders for step in bound] == [(Head(0, 1),), (Head(1, 1),), None, ()], "all heads of a layer are what is patched without a screen"
    assert [screened_out(step) for step in bound] == [False, False, False, True]
    assert set(needs(patch(1))) == {"z", "screen"}


def test_screened_heads_cost_what_they_are_together() -> None:
    assert sum(forwards_of(patch(layer, 5)) for layer in range(4)) == 5 + 4, "a pass a head, and a clean one a step"
    assert forwards_of(evolve(patch(0), senders=(Head(0, 1),))) == 2
    assert forwards_of(patch(0, 100)) == 3, "a layer has no more than its heads"
