"""CMAP: outputs and inputs of heads set to another model's on the same tokens, equal to the oracle."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from engine_by_hooks import Hooked
from engine_models import (
    ALTERNATES,
    ASKED,
    EXECUTORS,
    LAST,
    MODELS,
    ORIGINALS,
    REF,
    SPREAD,
    TOKENS,
    Saved,
    agree,
    outcomes,
    same,
    save,
    tensor,
)

from entrack.engine.errors import NotFinite
from entrack.engine.inputs import bound
from entrack.plan.steps import At, Capture, Edit, Evaluate, FromCapture, FromZero, Ref, Set
from entrack.sites import SHARED, Part, Site

Q, K, V = Part.QUERY, Part.KEY, Part.VALUE
COMPONENTS = (Q, K, V)
HEADS, OTHERS = (Site.of_head(0, 1), Site.of_head(1, 0), Site.of_head(1, 2)), (Site.of_head(1, 0), Site.of_head(1, 1))


@pytest.fixture(
    scope="module",
    params=[
        "llama",
        "llama, grouped, tied",
        "qwen2, grouped, biased",
        "olmo3, grouped, windows",
        "gemma3, grouped, windows",
        "phi3, grouped",
        "gpt2, tied",
        "gpt_neox, parallel",
    ],
)
def saved(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Saved:
    return save(MODELS[request.param](), tmp_path_factory.mktemp("model"), request.param)


@pytest.fixture(scope="module")
def donor(saved: Saved, tmp_path_factory: pytest.TempPathFactory) -> Saved:
    """The same model, fine-tuned by a die."""
    module = MODELS[saved.source.description]()
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return save(module, tmp_path_factory.mktemp("donor"), saved.source.description)


def evaluate(saved: Saved, executor: str, edits: tuple[Edit, ...], inputs: dict[str, Any]) -> dict[str, np.ndarray]:
    return saved.compute(executor, Evaluate(saved.key, ORIGINALS, edits, ASKED), inputs)


def read(saved: Saved, component: Part, at: tuple[int, ...]) -> dict[str, dict[str, np.ndarray]]:
    name = f"{component.value} {at}"
    return {
        name: saved.compute(
            "reference", Capture(saved.key, ORIGINALS, None if component in SHARED else at, None, component)
        )
    }


def edit(heads: tuple[Site, ...], at: tuple[int, ...], component: Part) -> Set:
    return Set(At(heads, at, component), FromCapture(Ref(f"{component.value} {at}")))


def by_hooks(
    target: Hooked, donor: Hooked, edits: Iterable[Set], zero: Iterable[tuple[int, int, int]] = ()
) -> torch.Tensor:
    """Cell by cell: what each edit sets, and what is held. `zero`: (layer, token, head) whose output is 0 in all
    prompts."""
    own: set[tuple[int, int, int, int]] = set()  # (layer, prompt, token, head)
    touched: set[tuple[int, int]] = set()
    sets: dict[tuple[int, str], dict[tuple[int, int, int], torch.Tensor]] = {}
    for one in edits:
        assert isinstance(one.target, At) and one.target.reads is not None and isinstance(one.target.at, tuple)
        component, places = one.target.reads, one.target.at
        given = donor.projections(tensor(ORIGINALS), component.value)
        for head in bound(one.target.sites):
            shared = head.head // target.sharing
            served = (
                [head.head] if component is Q else [h for h in range(target.heads) if h // target.sharing == shared]
            )
            for prompt, at in enumerate(places):
                own |= {(head.layer, prompt, at, h) for h in served}
                touched |= {(head.layer, h) for h in served}
                row = head.head if component is Q else shared
                for token in [at] if component is Q else range(at + 1):
                    cell = given[head.layer, prompt, token, row]
                    sets.setdefault((head.layer, component.value), {})[prompt, token, row] = cell
    clean = target.z(tensor(ORIGINALS))

    def hold(layer: int) -> Any:
        def change(z: torch.Tensor) -> None:
            for _, head in (place for place in touched if place[0] == layer):
                for prompt in range(len(z)):
                    for token in range(TOKENS):
                        if (layer, prompt, token, head) not in own:
                            z[prompt, token, head] = clean[layer, prompt, token, head]
            for _, token, head in (place for place in zero if place[0] == layer):
                z[:, token, head] = 0

        return change

    def receive(place: tuple[int, str]) -> Any:
        def change(value: torch.Tensor) -> None:
            for cell, given in sets[place].items():
                value[cell] = given

        return change

    return target.run(
        tensor(ORIGINALS), {i: hold(i) for i in range(target.layers)}, {place: receive(place) for place in sets}
    )


@pytest.mark.parametrize("executor", EXECUTORS)
def test_what_is_captured(saved: Saved, executor: str) -> None:
    model = Hooked(saved.module)
    for component in COMPONENTS:
        expected = model.projections(tensor(ORIGINALS), component.value)
        if component is Q:
            expected = expected[:, torch.arange(5), torch.tensor(SPREAD)]
        found = saved.compute(
            executor, Capture(saved.key, ORIGINALS, None if component in SHARED else SPREAD, None, component)
        )
        agree(found, {component.value: expected.numpy()})


@pytest.mark.parametrize("executor", EXECUTORS)
def test_outputs_of_another_model(saved: Saved, donor: Saved, executor: str) -> None:
    inputs = {REF.id: donor.compute(executor, Capture(donor.key, ORIGINALS, SPREAD))}
    model, given = Hooked(saved.module), Hooked(donor.module).z(tensor(ORIGINALS))

    def change(layer: int) -> Any:
        def change(z: torch.Tensor) -> None:
            for head in (h.head for h in HEADS if h.layer == layer):
                for prompt, token in enumerate(SPREAD):
                    z[prompt, token, head] = given[layer, prompt, token, head]

        return change

    expected = model.run(tensor(ORIGINALS), {i: change(i) for i in range(model.layers)})
    agree(evaluate(saved, executor, (Set(At(HEADS, SPREAD), FromCapture(REF)),), inputs), outcomes(expected))


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("component", COMPONENTS)
def test_inputs_of_another_model(saved: Saved, donor: Saved, executor: str, component: Part) -> None:
    for at in (SPREAD, LAST, (0,) * 5):
        edits = (edit(HEADS, at, component),)
        expected = by_hooks(Hooked(saved.module), Hooked(donor.module), edits)
        agree(evaluate(saved, executor, edits, read(donor, component, at)), outcomes(expected))


@pytest.mark.parametrize("executor", EXECUTORS)
def test_several_groups_and_components_and_an_edit_of_outputs(saved: Saved, donor: Saved, executor: str) -> None:
    edits = (edit(HEADS, SPREAD, V), edit(OTHERS, LAST, V), edit(OTHERS, LAST, Q), edit(HEADS, SPREAD, K))
    zero = Set(At((Site.of_head(1, 0), Site.of_head(1, 3)), (1,) * 5), FromZero())
    inputs = {**read(donor, V, SPREAD), **read(donor, V, LAST), **read(donor, Q, LAST), **read(donor, K, SPREAD)}
    expected = by_hooks(Hooked(saved.module), Hooked(donor.module), edits, zero=[(1, 1, 0), (1, 1, 3)])
    found = evaluate(saved, executor, (zero, *edits), inputs)
    agree(found, outcomes(expected))
    same(evaluate(saved, executor, (*edits, zero), inputs), found)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_inputs_of_the_model_itself_change_nothing_at_all(saved: Saved, executor: str) -> None:
    inputs = {name: value for at in (SPREAD, LAST) for c in COMPONENTS for name, value in read(saved, c, at).items()}
    edits = tuple(edit(heads, at, c) for c in COMPONENTS for heads, at in ((HEADS, SPREAD), (OTHERS, LAST)))
    clean = evaluate(saved, executor, (), {})
    same(evaluate(saved, executor, edits, inputs), clean)
    for one in edits:
        same(evaluate(saved, executor, (one,), inputs), clean)


def test_what_happens_at_the_position_does_not_come_back_by_other_tokens(grouped: Saved) -> None:
    """A value at a token that no later layer reads from, with nothing after it in its own layer, changes that token
    only."""
    given = {"x": {"value": np.zeros((4, 5, TOKENS, 2, 8), dtype=np.float32)}}
    at = (TOKENS - 2,) * 5
    found = evaluate(grouped, "reference", (Set(At((Site.of_head(3, 0),), at, V), FromCapture(Ref("x"))),), given)
    same(found, evaluate(grouped, "reference", (), {}))


@pytest.mark.parametrize("executor", EXECUTORS)
def test_inputs_that_are_not_finite(tmp_path: Path, executor: str) -> None:
    module = MODELS["llama"]()
    with torch.no_grad():
        module.model.layers[1].self_attn.k_proj.weight[0, 0] = torch.inf
    bad = save(module, tmp_path)
    with pytest.raises(NotFinite, match="a key of prompt 0 is not finite") as caught:
        bad.compute(executor, Capture(bad.key, ALTERNATES, None, None, K))
    assert caught.value.layer == 1
