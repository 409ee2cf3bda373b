"""Plans as graphs: order, binding, what is known to be zero, and what a plan costs. `ENTRACK_GOLDEN=write` writes
the golden plan anew."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from attrs import evolve
from plan_worlds import make_model, plan_of

from entrack.api import SpecError, load
from entrack.cli.plans import plan_json
from entrack.execution.forecast import forecast
from entrack.model_config import ModelFacts
from entrack.models.key import ModelKey
from entrack.plan import bind as bind_module
from entrack.plan.bind import bind, known_zero, step_address
from entrack.plan.cost import cost
from entrack.plan.plan import Plan, needs
from entrack.plan.steps import (
    Batch,
    Capture,
    Choice,
    Chosen,
    Evaluate,
    PathPatch,
    Receivers,
    Ref,
    Screened,
    Select,
    Step,
    kind_of,
)
from entrack.plan.value_forms import Form
from entrack.sites import Part, Site
from entrack.store import MemoryStore

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "plan" / "quickstart.json"


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    folder = tmp_path_factory.mktemp("nodes")
    make_model(folder / "model")
    return plan_of(folder)


def test_the_golden_plan() -> None:
    found = plan_json(forecast(*load(ROOT / "specs" / "quickstart.et").survey(MemoryStore())))
    if os.environ.get("ENTRACK_GOLDEN") == "write":
        GOLDEN.write_text(json.dumps(found, indent=1) + "\n")
    assert found == json.loads(GOLDEN.read_text())


def test_a_node_comes_after_what_it_needs(plan: Plan) -> None:
    seen: set[str] = set()
    for id, node in plan.nodes.items():
        assert set(needs(node)) <= seen
        seen.add(id)
    assert all(
        id in plan.nodes
        for cells in plan.cells.values()
        for cell in cells
        for run in cell.runs
        for id in run.evaluations
    )


def test_binding_needs_exactly_what_is_needed(plan: Plan) -> None:
    objects = {id: f"object of {id}" for id in plan.nodes}
    chosen = {
        id: (Site.of_head(0, 1), Site.of_head(1, 0)) for id, node in plan.nodes.items() if isinstance(node, Select)
    }
    dependent = 0
    for node in plan.nodes.values():
        wanted = set(needs(node))
        values = {id: objects[id] for id in wanted - chosen.keys()}
        heads = {id: chosen[id] for id in wanted & chosen.keys()}
        bound = bind(node, values, heads)
        assert set(needs(bound)) == {objects[id] for id in wanted - chosen.keys()}
        assert type(bound) is type(node)
        for id in wanted:
            dependent += 1
            with pytest.raises(KeyError):
                bind(
                    node,
                    {key: value for key, value in values.items() if key != id},
                    {key: found for key, found in heads.items() if key != id},
                )
        if not wanted:
            assert bound == node
    assert dependent > 10


def test_every_step_says_what_it_is_for(plan: Plan) -> None:
    assert plan.what.keys() == plan.nodes.keys()
    assert all(plan.what.values())


@pytest.mark.parametrize(
    ("tokens", "said"), [(((1, 2), (3,)), "1 and 2 tokens"), (((), ()), "have 0 tokens"), ((), "have no tokens")]
)
def test_a_batch_is_rectangular(tokens: tuple[tuple[int, ...], ...], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Batch(tokens)


def test_a_prompt_without_a_token_is_said(tmp_path: Path) -> None:
    make_model(tmp_path / "model")
    file = tmp_path / "model" / "tokenizer.json"
    file.write_text(
        json.dumps({**json.loads(file.read_text()), "post_processor": None})
    )  # which adds a token of its own to every prompt
    text = (
        'entrack 1\nmodel base = local("model")\ntask t {\n  prompt = ""\n  answer = one from ["apple", '
        '"ball"]\n}\nmeasure m = accuracy(base) on 4 t\n'
    )
    with pytest.raises(SpecError) as error:
        plan_of(tmp_path, text)
    assert [problem.code for problem in error.value.problems] == ["E434"]


def form(step: Step) -> Form:
    found: Form = kind_of(step).form(step)
    return found


def test_a_form_is_of_a_bound_step() -> None:
    assert form(path_patch(0, (Site.of_head(1, 0),)))["top"].shape == (2, 1)
    assert form(evolve(path_patch(0), senders=(Site.of_head(0, 1),)))["top"].shape == (1, 1)
    assert form(Capture(key(), Batch(((1, 2, 3),)), (2,), ()))["output"].shape == (0,)
    for step in (
        evolve(path_patch(0), senders=Screened("screen", 3)),
        Capture(key(), Batch(((1, 2, 3),)), (2,), Chosen("select")),
    ):
        with pytest.raises(ValueError, match="not known"):
            form(step)


def key() -> ModelKey:
    return ModelKey("w", "c", "t", ModelFacts("llama", 4, 2, 2, 8, 4, 16, 50))


def path_patch(layer: int, *groups: tuple[Site, ...]) -> PathPatch:
    receivers = tuple(Receivers(Part.QUERY, heads) for heads in groups)
    return PathPatch(key(), Batch(((1, 2, 3),)), ((4,),), (2,), layer, Ref("z"), receivers)


@pytest.mark.parametrize("layer", range(4))
def test_known_zero(layer: int) -> None:
    """A sender reaches a receiver only if it stands in a lower layer than one of them."""
    assert not known_zero(path_patch(layer)), "everything reaches the logits"
    assert known_zero(path_patch(layer, ())), "nothing was found to receive"
    assert known_zero(path_patch(layer, (Site.of_head(2, 0),))) == (layer >= 2)
    assert known_zero(path_patch(layer, (Site.of_head(0, 1), Site.of_head(3, 1)), (Site.of_head(1, 0),))) == (
        layer >= 3
    )


def test_only_path_patches_are_known_zero(plan: Plan) -> None:
    objects = dict.fromkeys(plan.nodes, "object")
    chosen = {id: (Site.of_head(0, 0),) for id, node in plan.nodes.items() if isinstance(node, Select)}
    zeros = [
        node for node in plan.nodes.values() if not isinstance(node, Choice) and known_zero(bind(node, objects, chosen))
    ]
    assert zeros
    assert all(isinstance(node, PathPatch) and node.receivers for node in zeros)


def test_costs_add_up(plan: Plan) -> None:
    assert cost(plan, plan.steps).token_layers == sum(cost(plan, [id]).token_layers for id in plan.steps)
    assert cost(plan, []).forwards == 0
    evaluations = [id for id in plan.steps if isinstance(plan.nodes[id], Evaluate)]
    found = cost(plan, evaluations)
    assert found.forwards == found.steps == len(evaluations)
    node = plan.nodes[evaluations[0]]
    assert isinstance(node, Evaluate)
    assert cost(plan, evaluations[:1]).token_layers == node.batch.prompts * node.batch.length * 3


def test_a_version_is_part_of_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    step = path_patch(1, (Site.of_head(2, 0),))
    before = step_address(step)
    assert step_address(evolve(step, layer=0)) != before
    monkeypatch.setattr(bind_module, "kind_of", lambda step: evolve(kind_of(step), version=kind_of(step).version + 1))
    assert step_address(step) != before
