"""Attribution patching in both executors: the derivative of what path patching gives, and exactly nothing where
nothing can change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from attrs import evolve
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
    capture,
    save,
    tiny,
)
from test_engine_path_patch import RECEIVERS, patch

from entrack.engine.errors import NotFinite
from entrack.plan.expand import expand
from entrack.plan.passes import optimise
from entrack.plan.passes.batch import row_bytes
from entrack.plan.schedule import Memory
from entrack.plan.steps import At, Attribute, Evaluate, FromCapture, Set
from entrack.sites import Site

HOPS = [("logits", LAST), ("query", SPREAD), ("key", SPREAD), ("value", (0,) * 5), ("several", SPREAD)]
UNEVEN = (TOKENS - 1, 3, TOKENS - 1, 0, TOKENS - 1)
"""Where only some of the prompts' senders stand at the last token."""


def attribute(saved: Saved, receivers: str = "logits", at: tuple[int, ...] = LAST, steps: int = 0) -> Attribute:
    hop = patch(saved, receivers, at)
    return Attribute(saved.key, hop.batch, hop.asked, hop.at, hop.alternate, hop.receivers, steps)


def patched(saved: Saved, receivers: str, at: tuple[int, ...], inputs: Any) -> dict[str, np.ndarray]:
    """What path patching gives, by the reference executor: every outcome (layer, head, prompt, ...)."""
    layers = range(saved.key.facts.layers)
    found = [saved.compute("reference", patch(saved, receivers, at, layer), inputs) for layer in layers]
    return {name: np.stack([one[name] for one in found]) for name in found[0]}


def towards(saved: Saved, at: tuple[int, ...], share: float) -> dict[str, dict[str, np.ndarray]]:
    """A capture of something that lies `share` of the way from the originals' outputs to the alternates'."""
    original, alternate = (capture(saved, batch, at)[REF.id]["output"] for batch in (ORIGINALS, ALTERNATES))
    return {REF.id: {"output": original + np.float32(share) * (alternate - original)}}


@pytest.mark.parametrize(("receivers", "at"), HOPS)
@pytest.mark.parametrize("executor", EXECUTORS)
def test_an_estimate_is_the_derivative_of_path_patching(
    saved: Saved, executor: str, receivers: str, at: tuple[int, ...]
) -> None:
    share = 0.01
    found = saved.compute(executor, attribute(saved, receivers, at), capture(saved, ALTERNATES, at))
    up, down = (patched(saved, receivers, at, towards(saved, at, sign * share)) for sign in (1, -1))
    for name, estimate in found.items():
        expected = (up[name] - down[name]) / (2 * share)
        np.testing.assert_allclose(
            estimate, expected, rtol=0, atol=2e-3 * max(1.0, np.abs(expected).max()), err_msg=name
        )


@pytest.mark.parametrize("steps", [0, 1, 3])
@pytest.mark.parametrize(("receivers", "at"), [*HOPS, ("logits", UNEVEN)])
def test_both_executors_agree(saved: Saved, receivers: str, at: tuple[int, ...], steps: int) -> None:
    step, inputs = attribute(saved, receivers, at, steps), capture(saved, ALTERNATES, at)
    agree(saved.compute("optimised", step, inputs), saved.compute("reference", step, inputs), 2e-5)


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize(("receivers", "at"), [("logits", LAST), ("value", SPREAD)])
def test_where_a_model_is_linear_an_estimate_is_exact(
    tmp_path: Path, executor: str, receivers: str, at: tuple[int, ...]
) -> None:
    """Without MLPs and queries, and with norms that divide by next to the same for all: logits are linear in what
    heads give."""
    module = tiny("llama", 3, 4, 2, rms_norm_eps=1e6)
    with torch.no_grad():
        module.model.norm.weight *= 1000
        for layer in module.model.layers:
            layer.mlp.down_proj.weight.zero_()
            layer.self_attn.q_proj.weight.zero_()
            layer.input_layernorm.weight *= 1000
    linear = save(module, tmp_path)
    inputs = capture(linear, ALTERNATES, at)
    clean = linear.compute(executor, Evaluate(linear.key, ORIGINALS, (), ASKED))["logit"]
    effect = patched(linear, receivers, at, inputs)["logit"] - clean
    found = linear.compute(executor, attribute(linear, receivers, at), inputs)["logit"]
    assert np.abs(effect).max() > 0.1
    np.testing.assert_allclose(found, effect, rtol=0, atol=1e-3 * np.abs(effect).max())


@pytest.mark.parametrize("executor", EXECUTORS)
def test_with_integrated_gradients_the_estimates_of_all_heads_add_up_to_patching_them_together(
    grouped: Saved, executor: str
) -> None:
    inputs = capture(grouped, ALTERNATES, LAST)
    facts = grouped.key.facts
    every = tuple(Site.of_head(layer, head) for layer in range(facts.layers) for head in range(facts.heads))
    together = Evaluate(grouped.key, ORIGINALS, (Set(At(every, LAST), FromCapture(REF)),), ASKED)
    clean, moved = (grouped.compute("reference", step, inputs) for step in (evolve(together, edits=()), together))
    one, many = (grouped.compute(executor, attribute(grouped, steps=steps), inputs) for steps in (0, 40))
    for name in ("logit", "log_probability"):
        effect = moved[name] - clean[name]
        assert many[name].sum((0, 1)) == pytest.approx(effect, rel=0.01, abs=0.02), name
        assert np.abs(one[name].sum((0, 1)) - effect).max() > 1, "one gradient is not enough here"


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize(("receivers", "top"), [("query", 1), ("key", 3), ("several", 3)])
def test_a_head_at_or_above_every_receiver_has_exactly_nothing(
    grouped: Saved, executor: str, receivers: str, top: int
) -> None:
    found = grouped.compute(executor, attribute(grouped, receivers, SPREAD, 2), capture(grouped, ALTERNATES, SPREAD))
    for value in found.values():
        assert not value[top:].any()
        assert value[:top].any(axis=(1, 2, 3)).all()


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_head_away_from_the_last_token_has_exactly_nothing_to_say(grouped: Saved, executor: str) -> None:
    found = grouped.compute(executor, attribute(grouped, "logits", UNEVEN), capture(grouped, ALTERNATES, UNEVEN))
    for value in found.values():
        assert not value[:, :, [1, 3]].any()
        assert value[:, :, [0, 2, 4]].all()


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("receivers", ["logits", "several"])
def test_heads_that_write_nothing_have_exactly_nothing(tmp_path: Path, executor: str, receivers: str) -> None:
    module = MODELS["llama, grouped, tied"]()
    d_head = module.config.hidden_size // module.config.num_attention_heads
    with torch.no_grad():
        for head in (1, 3):
            module.model.layers[0].self_attn.o_proj.weight[:, head * d_head : (head + 1) * d_head] = 0
    found = save(module, tmp_path)
    estimate = found.compute(executor, attribute(found, receivers, steps=2), capture(found, ALTERNATES, LAST))["logit"]
    assert [bool(estimate[0, head].any()) for head in range(4)] == [True, False, True, False]


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("receivers", ["logits", "several"])
def test_an_alternate_that_is_the_original_changes_nothing_at_all(saved: Saved, executor: str, receivers: str) -> None:
    at = LAST if receivers == "logits" else SPREAD
    found = saved.compute(executor, attribute(saved, receivers, at, 2), capture(saved, ORIGINALS, at))
    if executor == "reference":
        assert not any(value.any() for value in found.values())
    agree(found, {name: np.zeros_like(value) for name, value in found.items()}, 1e-5)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize(("receivers", "at"), [("logits", LAST), ("several", SPREAD)])
def test_half_precision_is_as_near_as_it_can_be(
    grouped: Saved, receivers: str, at: tuple[int, ...], dtype: str
) -> None:
    half = evolve(grouped, key=evolve(grouped.key, dtype=dtype))
    half = evolve(half, source=grouped.source)
    exact = grouped.compute("reference", attribute(grouped, receivers, at), capture(grouped, ALTERNATES, at))["logit"]
    for executor in EXECUTORS:
        found = half.compute(executor, attribute(half, receivers, at), capture(half, ALTERNATES, at))["logit"]
        assert np.abs(found - exact).max() < (0.15 if dtype == "bfloat16" else 0.03) * np.abs(exact).max(), executor


def test_prompts_go_in_chunks_and_the_numbers_stay(grouped: Saved) -> None:
    for receivers, at in (("logits", LAST), ("several", SPREAD)):
        step, inputs = attribute(grouped, receivers, at), capture(grouped, ALTERNATES, at)
        whole, pieces = (
            grouped.engine("optimised", memory=memory).compute(step, inputs) for memory in (Memory(), Memory(a_pass=1))
        )
        agree(pieces.tensors, whole.tensors)
        last = optimise(expand(step, Memory(a_pass=1))).runs[-1]
        assert last.at_once == 1
        forwards_only = evolve(last, backward=0)
        assert row_bytes(last) > 2 * row_bytes(forwards_only), "what every layer gave is kept for the way back"


def test_what_is_run_is_counted(grouped: Saved) -> None:
    """Three words and all of them: four passes back, each counted for two, after each pass; and a clean run."""
    inputs = capture(grouped, ALTERNATES, LAST)
    assert grouped.engine("reference").compute(attribute(grouped), inputs).how["forwards"] == 1 + 9
    assert (
        grouped.engine("reference").compute(attribute(grouped, "several", steps=3), inputs).how["forwards"]
        == 1 + 3 * 2 * 9
    )
    assert grouped.engine("optimised").compute(attribute(grouped), inputs).how["forwards"] == pytest.approx(
        1 + 9 / TOKENS
    )


@pytest.mark.parametrize("executor", EXECUTORS)
def test_what_is_not_finite_is_named(tmp_path: Path, executor: str) -> None:
    module = MODELS["llama"]()
    with torch.no_grad():
        module.lm_head.weight *= 1000
    steep = save(module, tmp_path)
    inputs = capture(steep, ALTERNATES, LAST)
    inputs[REF.id]["output"][2, 3] = 1e38
    with pytest.raises(
        NotFinite, match="a gradient of prompt 3 is not finite: NaN or infinity first at layer 2, in a step Attribute"
    ):
        steep.compute(executor, attribute(steep), inputs)
    inputs[REF.id]["output"][2, 3] = np.inf
    with pytest.raises(NotFinite, match="the outcome of prompt 3 is not finite"):
        steep.compute(executor, attribute(steep), inputs)


def test_every_receiver_is_tried() -> None:
    assert {receivers for receivers, _ in HOPS} == set(RECEIVERS)
