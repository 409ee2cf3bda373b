"""What claims rest on, of specs that are checked and not run."""

from __future__ import annotations

from pathlib import Path

import entrack
from entrack.analysis.basis import basis_of
from entrack.artifact.under import steps_under
from entrack.results import Basis
from entrack.source import Source

SPECS = Path(__file__).parents[2] / "specs"


def bases(spec: str) -> dict[str, Basis]:
    resolved = entrack.load(SPECS / spec).resolved
    return {claim.text: basis_of(claim, resolved) for claim in resolved.claims}


def test_cells_and_the_circuits_that_they_keep() -> None:
    found = bases("quickstart.et")
    assert found["the model keeps track of boxes"] == Basis((("kept", ("base", "nothing", "boxes")),))
    cells = (("kept", ("base", "only(cir)", "boxes")), ("kept", ("base", "nothing", "boxes")))
    assert found["the circuit is faithful"] == Basis(cells, (), ("cir",))
    assert found["random heads are not"].discoveries == ("cir",), "they are as many as it has"


def test_measures_of_all_cells_overlaps_and_bounds() -> None:
    found = bases("boxes/study.et")
    assert found["random heads do not do the task"] == Basis((), ("chance",), ("base_circuit",))
    assert found["the two circuits are nearly the same heads"].discoveries == ("base_circuit", "tuned_circuit")
    within = found["fine-tuning on seven boxes costs nothing much at two"]
    assert [labels[0] for _, labels in within.cells] == ["tuned", "base"], "the bound is measured too"


def test_masks_rest_on_the_discovery_whose_heads_they_choose_from() -> None:
    basis = bases("boxes/study.et")["the same heads do more in the fine-tuned model"]
    assert {measure for measure, _ in basis.cells} == {"interchange"} and basis.discoveries == ("base_circuit",)


def test_the_training_of_masks_is_under_the_claims_that_use_them() -> None:
    spec = entrack.load(SPECS / "boxes" / "masks.et")
    plan = spec.plan().plan
    trained = {(one.group, one.desideratum): one.step for one in plan.masks}
    found = [steps & {*trained.values()} for steps in steps_under(spec.resolved, plan)]
    assert len(trained) == 12 and found[0] == {trained["value_fetcher", "object_value"]}
    assert [len(steps) for steps in found] == [1] * 6 and len(frozenset().union(*found)) == 5


def test_completeness_rests_on_its_own_circuit() -> None:
    text = """entrack 1
include "circuits.et"
measure one = completeness(base_circuit, 20) in base over 200 scrambled on 200 boxes
measure two = completeness(tuned_circuit, 20) in tuned over 200 scrambled on 200 boxes
claim "one" one[half, difference] <= 0.15
claim "two" two[half, difference] <= 0.15
"""
    resolved = entrack.loads(Source(str(SPECS / "boxes" / "two.et"), text)).resolved
    found = [basis_of(claim, resolved).discoveries for claim in resolved.claims]
    assert found == [("base_circuit",), ("tuned_circuit",)]
