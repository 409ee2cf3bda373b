"""Certified claims in plans: which fresh prompts there are, batch by batch, and what is done to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from entrack.api import Spec, loads
from entrack.compile import lowered, lowerer_of
from entrack.plan.plan import BATCH, CertificatePlan, Plan
from entrack.plan.steps import Add, Edit, Evaluate, FromCapture, FromMean, FromNoise, Set
from entrack.source import Source

HEAD = """entrack 1
include "boxes/boxes.et"
model base = builtin("boxes-base")
group movers in base at last = 2.1 3.4
"""
CERTIFIED = '\nclaim "c" smallest(m) >= 0.1 certified at 95 %\n'
SPECS = Path(__file__).parents[2] / "specs"


def spec(text: str) -> Spec:
    return loads(Source(str(SPECS / "certified.et"), HEAD + text))


def grown(given: Spec, batches: int) -> Plan:
    """The plan, when so many batches of every cell are wanted."""
    lowerer = lowerer_of(given._spec, download=False, hashed=False)
    plan = lowered(given._spec, lowerer).plan
    for _ in range(batches - 1):
        plan = lowered(given._spec, lowerer, None, {n: set(one.cells) for n, one in plan.certificates.items()}).plan
    return plan


def texts(planned: CertificatePlan, cell: int = 0, draw: int = 0) -> list[list[str]]:
    """The prompts of each batch."""
    return [[prompt.text for prompt in batch.runs[draw].prompts] for batch in list(planned.cells.values())[cell]]


def edits(plan: Plan, intervention: str, batches: int = 1) -> list[tuple[Edit, ...]]:
    """What is done to each batch of a claim's cell."""
    planned = next(one for cell, one in plan.certificates[0].cells.items() if intervention in cell.labels)
    nodes: list[Any] = [plan.nodes[id] for batch in planned for id in batch.runs[0].evaluations]
    assert len(planned) == batches and all(isinstance(node, Evaluate) for node in nodes)
    return [node.edits for node in nodes]


CLAIM = 'measure m = accuracy(base) on 60 boxes\nclaim "c" m >= 0.5 certified at 95 % up to 120 prompts\n'


def test_the_prompts_of_the_batches_are_those_of_a_purpose() -> None:
    given = spec(CLAIM)
    plan = grown(given, 3)
    batches = texts(plan.certificates[0])
    assert [len(batch) for batch in batches] == [BATCH, BATCH, 20]
    drawn, _ = given.prompts("boxes", 120, purpose="certify")
    assert [text for batch in batches for text in batch] == [pair.original.text for pair in drawn.pairs]


def test_fresh_prompts_are_none_that_are_measured() -> None:
    plan = grown(spec(CLAIM), 2)
    measured = {prompt.text for prompt in plan.cells["m"][0].runs[0].prompts}
    assert len(measured) == 60
    assert not measured & {text for batch in texts(plan.certificates[0]) for text in batch}


def test_more_batches_move_none_and_change_nothing_else() -> None:
    one, three = grown(spec(CLAIM), 1), grown(spec(CLAIM), 3)
    assert texts(one.certificates[0])[0] == texts(three.certificates[0])[0]
    assert set(one.nodes) < set(three.nodes)
    more = grown(spec(CLAIM.replace("120", "2000")), 2)
    assert texts(more.certificates[0]) == texts(three.certificates[0])[:2], "nor does how many may come"


def test_other_claims_take_the_same_prompts() -> None:
    """So that their runs are shared, and a sentence said otherwise changes nothing."""
    two = CLAIM + 'claim "another" m <= 0.9 certified at 99 %\n'
    plan = grown(spec(two), 1)
    assert texts(plan.certificates[0]) == texts(plan.certificates[1])
    assert set(plan.nodes) == set(grown(spec(CLAIM), 1).nodes)
    assert set(grown(spec(CLAIM.replace('"c"', '"said otherwise"')), 1).nodes) == set(plan.nodes)


def test_a_spec_without_them_has_the_same_steps() -> None:
    plain = CLAIM.replace(" certified at 95 % up to 120 prompts", "")
    whole, without = grown(spec(CLAIM), 1), grown(spec(plain), 1)
    assert set(without.nodes) == {id for id in whole.nodes if not whole.what[id].startswith("claim")}
    assert without.certificates == {}


def test_more_is_wanted_of_some_cells_only() -> None:
    text = "measure m = accuracy(base with [nothing, zero movers]) on 20 boxes" + CERTIFIED
    given = spec(text)
    lowerer = lowerer_of(given._spec, download=False, hashed=False)
    cells = list(lowered(given._spec, lowerer).plan.certificates[0].cells)
    plan = lowered(given._spec, lowerer, None, {0: {cells[1]}}).plan
    assert [len(batches) for batches in plan.certificates[0].cells.values()] == [1, 2]
    assert plan.certificates[0].prompts == 100


@pytest.mark.parametrize("over", ["scrambled", "30 scrambled"])
def test_a_mean_is_the_measures(over: str) -> None:
    """Over as many prompts, which are the same in all batches, and those of the measure."""
    text = f"measure m = accuracy(base with mean movers over {over}) on 20 boxes" + CERTIFIED
    plan = grown(spec(text), 2)
    measured: Any = plan.nodes[plan.cells["m"][0].runs[0].evaluations[0]]
    first, second = edits(plan, "mean movers over " + over, 2)
    means = [edit.source for some in (first, second, measured.edits) for edit in some if isinstance(edit, Set)]
    assert len(means) == 3 and means[0] == means[1] == means[2] and isinstance(means[0], FromMean)


def test_each_fresh_prompt_has_a_partner_of_its_own() -> None:
    for count in ("", "7 "):
        text = f"measure m = accuracy(base with patch movers from sample of {count}scrambled) on 20 boxes"
        plan = grown(spec(text + CERTIFIED), 2)
        found = set()
        for batch in edits(plan, f"patch movers from sample of {count}scrambled", 2):
            (only,) = batch
            assert isinstance(only, Set) and isinstance(only.source, FromCapture)
            capture: Any = plan.nodes[only.source.capture.id]
            found.update(capture.batch.tokens)
        assert len(found) == 100


def test_each_fresh_prompt_has_noise_of_its_own() -> None:
    text = "measure m = accuracy(base with add noise sd 0.1 to residual.2 at last) on 20 boxes" + CERTIFIED
    numbers: list[int] = []
    for (only,) in edits(grown(spec(text), 2), "add noise sd 0.1 to residual.2 at last", 2):
        assert isinstance(only, Add) and isinstance(only.source, FromNoise)
        numbers.extend(only.source.numbers)
    assert numbers == list(range(100))


def test_alternates_are_those_of_the_fresh_prompts() -> None:
    text = "measure m = accuracy(base with patch movers from alternate) on 20 object_value" + CERTIFIED
    given = spec(text)
    plan = grown(given, 2)
    drawn, _ = given.prompts("object_value", 100, purpose="certify")
    found: list[tuple[int, ...]] = []
    for (only,) in edits(plan, "patch movers from alternate", 2):
        capture: Any = plan.nodes[only.source.capture.id]  # type: ignore[union-attr]
        found.extend(capture.batch.tokens)
    assert found == [pair.alternate.token_ids for pair in drawn.pairs if pair.alternate is not None]


def test_draws_have_fresh_prompts_of_their_own() -> None:
    text = "measure m = accuracy(base) on 20 boxes, 3 draws" + CERTIFIED
    planned = grown(spec(text), 2).certificates[0]
    draws = [{text for batch in texts(planned, draw=draw) for text in batch} for draw in range(3)]
    assert [len(draw) for draw in draws] == [100, 100, 100] and len(set.union(*draws)) == 300


def test_what_may_come_is_said_until_it_is_known() -> None:
    plan = grown(spec(CLAIM), 1)
    (only,) = plan.may_come(())
    assert (only.name, only.prompts, only.most) == ('claim "c"', 50, 120)
    assert plan.may_come(plan.steps) == ()
    assert grown(spec(CLAIM), 3).may_come(()) == ()
    assert grown(spec(CLAIM.replace(" up to 120 prompts", "")), 1).may_come(())[0].most == 1000


def test_words_of_a_prompt_are_not_prompts() -> None:
    """Where whole words are measured a prompt stands in a run once for each of its words."""
    text = "measure m = probability of any of whole object (base) on 20 boxes" + CERTIFIED
    plan = grown(spec(text), 2)
    (batches,) = plan.certificates[0].cells.values()
    assert [len(batch.runs[0].prompts) for batch in batches] == [350, 350]
    assert plan.certificates[0].prompts == 100 and plan.may_come(())[0].prompts == 100
