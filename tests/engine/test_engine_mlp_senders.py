"""MLPs that send and receive in path patching and its estimate: equal to hooks written by hand, in every family."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from attrs import evolve
from engine_by_hooks import Hooked
from engine_models import (
    ALTERNATES,
    ASKED,
    EXECUTORS,
    LAST,
    ORIGINALS,
    REF,
    SPREAD,
    TOKENS,
    Saved,
    agree,
    capture,
    outcomes,
    same,
    tensor,
)
from test_engine_path_patch import clean, repeated

from entrack.engine.inputs import bound
from entrack.plan.passes import PASSES
from entrack.plan.steps import Attribute, Capture, Evaluate, PathPatch, Receivers, Ref
from entrack.plan.steps.path_patch import most_senders
from entrack.sites import Part, Site

Q, V, MLP, HEAD = Part.QUERY, Part.VALUE, Part.MLP, Part.OUTPUT
MLPS = Ref("mlps")
RECEIVERS: dict[str, tuple[tuple[Part, tuple[tuple[int, int | None], ...]], ...]] = {
    "logits": (),
    "query": ((Q, ((1, 0), (-1, 2))),),
    "input": ((MLP, ((1, None),)),),
    "inputs": ((MLP, ((0, None), (1, None), (-1, None))),),
    "mixed": ((V, ((-1, 0), (1, 2))), (MLP, ((-1, None), (1, None))), (Q, ((-1, 1),))),
}
HOPS = [("logits", LAST), ("query", SPREAD), ("input", SPREAD), ("inputs", (0,) * 5), ("mixed", SPREAD)]


def groups(saved: Saved, receivers: str) -> tuple[Receivers, ...]:
    layers = saved.key.facts.layers
    return tuple(
        Receivers(part, tuple(Site(layer % layers, MLP if part is MLP else HEAD, head) for layer, head in sites))
        for part, sites in RECEIVERS[receivers]
    )


def patch(
    saved: Saved, receivers: str = "logits", at: tuple[int, ...] = LAST, layer: int = 0, part: Part = MLP
) -> PathPatch:
    ref = MLPS if part is MLP else REF
    return PathPatch(saved.key, ORIGINALS, ASKED, at, layer, ref, groups(saved, receivers), part=part)


def attribute(saved: Saved, receivers: str, at: tuple[int, ...], steps: int = 0, *, heads: bool = True) -> Attribute:
    alternate = REF if heads else None
    return Attribute(saved.key, ORIGINALS, ASKED, at, alternate, groups(saved, receivers), steps, MLPS)


def captured(saved: Saved, batch: Any, at: tuple[int, ...]) -> dict[str, dict[str, np.ndarray]]:
    """What heads and MLPs give."""
    mlps = tuple(Site(layer, MLP) for layer in range(saved.key.facts.layers))
    taken = saved.compute("reference", Capture(saved.key, batch, at, mlps, MLP))
    return {**capture(saved, batch, at), MLPS.id: taken}


@pytest.mark.parametrize(("receivers", "at"), [*HOPS, ("input", LAST)])
@pytest.mark.parametrize("part", [HEAD, MLP])
def test_both_executors_equal_the_oracle(saved: Saved, receivers: str, at: tuple[int, ...], part: Part) -> None:
    if part is HEAD and receivers in ("logits", "query"):
        return  # test_engine_path_patch.py has them
    model, inputs = Hooked(saved.module), captured(saved, ALTERNATES, at)
    by_hand = model.parts(tensor(ALTERNATES), "mlp")[:, torch.arange(5), torch.tensor(at)]
    alternate = torch.from_numpy(inputs[REF.id]["output"]) if part is HEAD else by_hand
    engines = [saved.engine(executor) for executor in EXECUTORS]
    for layer in range(saved.key.facts.layers):
        step = patch(saved, receivers, at, layer, part)
        named = [
            ("mlp input" if one.part is MLP else one.part.value, (site.layer, site.index))
            for one in step.receivers
            for site in bound(one.sites)
        ]
        senders = [(layer, None)] if part is MLP else [(layer, head) for head in range(most_senders(step))]
        expected = [model.path_patch(tensor(ORIGINALS), list(at), sender, alternate, named) for sender in senders]
        for engine in engines:
            agree(engine.compute(step, inputs).tensors, outcomes(torch.stack(expected)))


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("receivers", list(RECEIVERS))
def test_patching_a_run_with_itself_changes_nothing_at_all(saved: Saved, executor: str, receivers: str) -> None:
    at = LAST if receivers == "logits" else SPREAD
    step, inputs = patch(saved, receivers, at), captured(saved, ORIGINALS, at)
    same(saved.compute(executor, step, inputs), repeated(clean(saved, executor), 1))


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize(("receivers", "layer"), [("query", 3), ("input", 1), ("input", 2), ("inputs", 3)])
def test_an_mlp_at_or_above_every_receiver_changes_nothing(
    grouped: Saved, executor: str, receivers: str, layer: int
) -> None:
    """Not even where it is itself among them."""
    step, inputs = patch(grouped, receivers, SPREAD, layer), captured(grouped, ALTERNATES, SPREAD)
    same(grouped.compute(executor, step, inputs), repeated(clean(grouped, executor), 1))


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_head_reaches_the_mlp_of_its_layer_where_blocks_are_sequential(saved: Saved, executor: str) -> None:
    step, inputs = patch(saved, "input", LAST, 1, HEAD), captured(saved, ALTERNATES, LAST)
    found, before = saved.compute(executor, step, inputs), clean(saved, executor)
    moved = (found["logit"] != before["logit"]).any()
    assert moved == (not saved.key.facts.parallel)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_an_mlp_away_from_the_last_token_has_no_direct_path_to_the_logits(grouped: Saved, executor: str) -> None:
    at = (TOKENS - 2,) * 5
    step, inputs = patch(grouped, at=at), captured(grouped, ALTERNATES, at)
    same(grouped.compute(executor, step, inputs), repeated(clean(grouped, executor), 1))


@pytest.mark.parametrize("left_out", [(), ("eliminate unreachable",), tuple(one.name for one in PASSES)])
def test_whatever_passes_run_the_numbers_stay(grouped: Saved, left_out: tuple[str, ...]) -> None:
    passes = tuple(one for one in PASSES if one.name not in left_out)
    inputs = captured(grouped, ALTERNATES, SPREAD)
    for part in (HEAD, MLP):
        step = patch(grouped, "inputs", SPREAD, 1, part)
        found = grouped.compute("optimised", step, inputs, passes=passes)
        agree(found, grouped.compute("reference", step, inputs))


def test_the_batched_executor_runs_far_less(grouped: Saved) -> None:
    inputs, engine = captured(grouped, ALTERNATES, LAST), grouped.engine("optimised")
    engine.compute(patch(grouped, "input"), inputs)
    assert float(engine.compute(patch(grouped, "input"), inputs).how["forwards"]) < 0.3


# --- estimates ---------------------------------------------------------------------------------------------------


def patched(saved: Saved, receivers: str, at: tuple[int, ...], inputs: Any, part: Part) -> dict[str, np.ndarray]:
    """What path patching gives, by the reference executor: every outcome (layer, sender, prompt, ...)."""
    layers = range(saved.key.facts.layers)
    found = [saved.compute("reference", patch(saved, receivers, at, layer, part), inputs) for layer in layers]
    return {name: np.stack([one[name] for one in found]) for name in found[0]}


def towards(saved: Saved, at: tuple[int, ...], share: float) -> dict[str, dict[str, np.ndarray]]:
    """Captures of something that lies `share` of the way from the originals' outputs to the alternates'."""
    original, alternate = (captured(saved, batch, at) for batch in (ORIGINALS, ALTERNATES))
    return {
        ref: {name: one + np.float32(share) * (alternate[ref][name] - one) for name, one in value.items()}
        for ref, value in original.items()
    }


@pytest.mark.parametrize(("receivers", "at"), HOPS)
def test_an_estimate_is_the_derivative_of_path_patching(saved: Saved, receivers: str, at: tuple[int, ...]) -> None:
    share, inputs = 0.004, captured(saved, ALTERNATES, at)
    found = [saved.compute(executor, attribute(saved, receivers, at), inputs) for executor in EXECUTORS]
    moves = [towards(saved, at, sign * share) for sign in (1, -1)]
    for part, prefix in ((HEAD, ""), (MLP, "mlp_")):
        up, down = (patched(saved, receivers, at, move, part) for move in moves)
        for name in ("logit", "log_probability"):
            expected = (up[name] - down[name]) / (2 * share)
            expected = expected[:, 0] if part is MLP else expected
            bound = 2e-3 * max(1.0, np.abs(expected).max())
            for one in found:
                np.testing.assert_allclose(one[f"{prefix}{name}"], expected, rtol=0, atol=bound, err_msg=name)


@pytest.mark.parametrize("heads", [True, False])
@pytest.mark.parametrize("steps", [0, 3])
@pytest.mark.parametrize(("receivers", "at"), HOPS)
def test_both_executors_agree_on_estimates(
    saved: Saved, receivers: str, at: tuple[int, ...], steps: int, heads: bool
) -> None:
    step, inputs = attribute(saved, receivers, at, steps, heads=heads), captured(saved, ALTERNATES, at)
    agree(saved.compute("optimised", step, inputs), saved.compute("reference", step, inputs), 3e-5)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_what_mlps_send_does_not_change_what_heads_alone_are_estimated_at(grouped: Saved, executor: str) -> None:
    inputs = captured(grouped, ALTERNATES, SPREAD)
    both = attribute(grouped, "mixed", SPREAD)
    found = grouped.compute(executor, both, inputs)
    alone = grouped.compute(executor, evolve(both, mlps=None), inputs)
    agree({name: found[name] for name in alone}, alone)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_an_mlp_that_cannot_reach_a_receiver_has_exactly_nothing(grouped: Saved, executor: str) -> None:
    found = grouped.compute(
        executor, attribute(grouped, "input", SPREAD, 2, heads=False), captured(grouped, ALTERNATES, SPREAD)
    )
    assert set(found) == {"mlp_logit", "mlp_log_probability"}
    for value in found.values():
        assert not value[1:].any()
        assert value[0].all()


@pytest.mark.parametrize("executor", EXECUTORS)
def test_with_integrated_gradients_the_estimates_add_up_to_changing_all_together(grouped: Saved, executor: str) -> None:
    """All MLPs given their change beside what they compute, and all heads held."""
    inputs = captured(grouped, ALTERNATES, LAST)
    change = torch.from_numpy(inputs[MLPS.id]["mlp"] - captured(grouped, ORIGINALS, LAST)[MLPS.id]["mlp"])
    model = Hooked(grouped.module)
    z = model.z(tensor(ORIGINALS))

    def hold(layer: int) -> Any:
        return lambda value: value[:, -1:].copy_(z[layer][:, -1:])

    def add(layer: int) -> Any:
        return lambda value: value[:, -1].add_(change[layer])

    layers = range(model.layers)
    logits = model.run(tensor(ORIGINALS), {i: hold(i) for i in layers}, whole={(i, "mlp"): add(i) for i in layers})
    effect = (
        outcomes(logits)["logit"] - grouped.compute("reference", Evaluate(grouped.key, ORIGINALS, (), ASKED))["logit"]
    )
    found = grouped.compute(executor, attribute(grouped, "logits", LAST, 40, heads=False), inputs)
    assert found["mlp_logit"].sum(0) == pytest.approx(effect, rel=0.02, abs=0.03)
