"""Sites: how they are written and ordered, and which name a place has that has two."""

from __future__ import annotations

from itertools import pairwise

import pytest
from plan_worlds import CONFIG

from entrack.model_config import read_facts
from entrack.plan.steps import Spans
from entrack.sites import Part, Site

WRITTEN = {
    Site(14, Part.OUTPUT, 13): "14.13",
    Site(14, Part.QUERY, 13): "14.13.query",
    Site(14, Part.VALUE): "14.*.value",
    Site(14, Part.ATTENTION): "attention.14",
    Site(14, Part.MLP): "mlp.14",
    Site(14, Part.RESIDUAL): "residual.14",
    Site(14, Part.MID): "residual.14.mid",
    Site(14, Part.POST): "residual.14.post",
    Site(14, Part.NEURON, 102): "neuron.14.102",
    Site(14, Part.NEURON): "neuron.14",
}


@pytest.mark.parametrize(("site", "written"), WRITTEN.items(), ids=lambda value: str(value))
def test_sites_are_written_as_in_a_spec(site: Site, written: str) -> None:
    assert str(site) == written and repr(site) == f"Site({written})"


def test_a_neuron_is_no_head() -> None:
    with pytest.raises(ValueError, match=r"neuron\.3\.1 is no head"):
        _ = Site(3, Part.NEURON, 1).head


def test_sites_are_ordered_as_a_pass_comes_by_them() -> None:
    parts = (Part.RESIDUAL, Part.QUERY, Part.OUTPUT, Part.ATTENTION, Part.MID, Part.NEURON, Part.MLP, Part.POST)
    places = [Site(layer, part) for layer in (0, 1) for part in parts]
    assert all(earlier < later for earlier, later in pairwise(places))


def test_what_stands_after_a_layer_stands_before_the_next() -> None:
    facts = read_facts(CONFIG)
    last = facts.layers - 1
    assert facts.canonical(Site(last - 1, Part.POST)) == Site(last, Part.RESIDUAL)
    assert facts.canonical(Site(last, Part.POST)) == Site(last, Part.POST)
    assert facts.canonical(Site(0, Part.MID)) == Site(0, Part.MID)


@pytest.mark.parametrize(
    ("at", "why"),
    [
        ((), "no tokens"),
        (((),), "0 tokens"),
        (((1, 2), (3,)), "1 and 2 tokens"),
        (((2, 1),), "rising order"),
        (((1, 1),), "rising order"),
    ],
)
def test_spans_that_cannot_be(at: tuple[tuple[int, ...], ...], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Spans(at)


def test_spans_have_as_many_tokens_in_every_prompt() -> None:
    assert Spans(((1, 4), (0, 2))).many == 2
