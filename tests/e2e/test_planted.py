"""A known answer: in boxes-planted only the planted heads write, so what is found there can be held against what is
true.

How well a hop tells planted heads from others is the area under the ROC curve of -score: the chance that a planted
head, drawn at random, scores lower than another head drawn at random, where equal scores count half (the rank formula
of Mann and Whitney). Only heads that can reach the hop's receivers are ranked. There are two such areas, by what counts
as planted:

- *of the hop*: the planted heads that have this hop's role in training.json; every other head is one of the others;
- *of any hop*: all planted heads, so that the others are the dead ones, at exactly 0. A planted head with its work in
  another hop may score a little above 0 here, and then stands behind all the dead.

`python -m pytest -s tests/e2e/test_planted.py` prints both.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from roc import area, score
from safetensors.torch import load_file

from entrack.api import load
from entrack.models.locate import BUILTIN
from entrack.results import Discovery, Group, Measure, Results
from entrack.sites import Site
from entrack.store import MemoryStore

SPEC = Path(__file__).parents[2] / "specs" / "boxes" / "planted.et"
FOLDER = BUILTIN / "boxes-planted"
TRAINING = json.loads((FOLDER / "training.json").read_text(encoding="utf-8"))
PLANTED = {Site.of_head(layer, head) for layer, head in TRAINING["planted"]}
ROLES = {role: {Site.of_head(layer, head) for layer, head in heads} for role, heads in TRAINING["roles"].items()}
HEADS = {Site.of_head(layer, head) for layer in range(4) for head in range(8)}
DEAD = HEADS - PLANTED


@pytest.fixture(scope="module")
def results() -> Results:
    return load(SPEC).run(MemoryStore())


def groups(results: Results) -> tuple[Group, ...]:
    found = results["found"]
    assert isinstance(found, Discovery)
    return found.groups


def reaching(group: Group, results: Results) -> set[Site]:
    """The heads that can reach a hop's receivers: all for the logits, else those below the highest receiver's layer."""
    if group.receivers == ("logits",):
        return HEADS
    kept = {each.name: each.heads for each in groups(results)}
    highest = max(head.layer for receiver in group.receivers for head in kept[receiver.split(".")[0]])
    return {head for head in HEADS if head.layer < highest}


def test_the_dead_write_nothing() -> None:
    weights = load_file(FOLDER / "model.safetensors")
    for head in HEADS:
        projection = weights[f"model.layers.{head.layer}.self_attn.o_proj.weight"]
        columns = projection[:, 12 * head.head : 12 * (head.head + 1)]
        assert bool(columns.any()) == (head in PLANTED), head


def test_the_dead_score_exactly_zero_and_are_never_kept(results: Results) -> None:
    for group in groups(results):
        assert {score(group, head) for head in DEAD} == {0.0}, group.name
        assert group.heads, group.name
        assert set(group.heads) <= PLANTED, group.name


def test_all_that_was_planted_is_found(results: Results) -> None:
    for group in groups(results):
        also = {head for head, _ in group.also}
        assert {*group.heads, *also} >= ROLES[group.name], group.name


def test_planted_heads_stand_before_all_others(results: Results) -> None:
    of_any_hop = {}
    for group in groups(results):
        ranked = reaching(group, results)
        assert len(HEADS) - len(ranked) == group.known_zero
        of_hop, of_any_hop[group.name] = area(group, ROLES[group.name], ranked), area(group, PLANTED, ranked)
        print(
            f"{group.name}: area {of_hop:.3f} for planted heads of the hop, {of_any_hop[group.name]:.3f} for "
            f"those of any hop; {len(ranked)} heads ranked"
        )
        assert of_hop >= 0.95, group.name
    assert of_any_hop["structure_reader"] >= 0.95, (
        "at the first mention every planted head of layer 0 gives the carriers something"
    )
    assert min(of_any_hop.values()) < 0.5, "a head of one hop may do a little harm in another: said in docs/models.md"


def test_the_mask_patches_planted_heads_and_moves_the_answer(results: Results) -> None:
    mask = results.mask("value_fetcher", "object_value")
    assert ROLES["value_fetcher"] <= set(mask.heads) <= PLANTED
    moved, kept = results["interchange"], results["kept"]
    assert isinstance(moved, Measure)
    assert isinstance(kept, Measure)
    assert [cell.value >= 0.95 for cell in moved.cells] == [True]
    assert kept.cell("zero dead").outcomes == kept.cell("nothing").outcomes
    assert results.passed
