"""Losses over tokens of the prompts, attention between tokens, and logit lenses: equal to plain transformers', in every
family."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from engine_by_hooks import Hooked
from engine_models import (
    ALTERNATES,
    ASKED,
    EXECUTORS,
    LAST,
    ORIGINALS,
    PROMPTS,
    REF,
    SPREAD,
    Saved,
    agree,
    capture,
    outcomes,
    tensor,
)

from entrack.engine import context
from entrack.plan.steps import (
    At,
    Attention,
    BlockAttention,
    Evaluate,
    FromCapture,
    FromZero,
    Lens,
    Loss,
    Set,
    Statistic,
    Step,
)
from entrack.sites import Site

SPANS = ((1,), (3, 4, 5), (8,), (2, 7), (5, 6))
"""One token or more of each prompt."""
NORMS = ("model.norm", "transformer.ln_f", "gpt_neox.final_layer_norm", "model.decoder.final_layer_norm")
READ = ((0,), (3,), (1, 2), (6, 5), (4,))
HEADS = (Site.of_head(0, 1), Site.of_head(1, 0))


def losses(logits: torch.Tensor) -> np.ndarray:
    """Of all tokens' logits (prompt, token, vocabulary)."""
    chances = logits.double().softmax(-1)
    own = tensor(ORIGINALS)
    each = [
        -torch.stack([chances[prompt, token - 1, own[prompt, token]].log() for token in tokens]).mean()
        for prompt, tokens in enumerate(SPANS)
    ]
    return torch.stack(each).float().numpy()


def plain(saved: Saved, attention: str) -> object:
    """What transformers gives of the whole batch, with attention computed so."""
    config = saved.module.config
    usual, config._attn_implementation = config._attn_implementation, attention
    try:
        with torch.no_grad():
            return saved.module(tensor(ORIGINALS), output_attentions=attention == "eager", use_cache=False)
    finally:
        config._attn_implementation = usual


@pytest.mark.parametrize("executor", EXECUTORS)
def test_losses(saved: Saved, executor: str) -> None:
    expected = losses(plain(saved, saved.key.attention).logits)  # type: ignore[attr-defined]  # an output of transformers
    agree(saved.compute(executor, Loss(saved.key, ORIGINALS, SPANS)), {"loss": expected}, 2e-5)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_attention(saved: Saved, executor: str) -> None:
    weights = torch.stack(plain(saved, "eager").attentions)  # type: ignore[attr-defined]  # (layer, prompt, head, token, token read)
    expected = np.stack([weights[:, i, :, SPREAD[i], list(READ[i])].sum(-1).numpy() for i in range(PROMPTS)], axis=-1)
    found = saved.compute(executor, Attention(saved.key, ORIGINALS, SPREAD, READ))
    agree(found, {"attention": expected})
    whole = Attention(saved.key, ORIGINALS, SPREAD, tuple(tuple(range(token + 1)) for token in SPREAD))
    np.testing.assert_allclose(saved.compute(executor, whole)["attention"], 1, atol=1e-5)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_the_logit_lens(saved: Saved, executor: str) -> None:
    """What transformers gives of hidden states: the last of them is after the final norm."""
    step = Lens(saved.key, ORIGINALS, SPREAD, ASKED, also=tuple(Statistic))
    with torch.no_grad():
        ran = saved.module(tensor(ORIGINALS), output_hidden_states=True, use_cache=False)
        *states, normed = ran.hidden_states
        (norm,) = [module for name, module in saved.module.named_modules() if name in NORMS]
        at = torch.arange(PROMPTS), torch.tensor(SPREAD)
        logits = torch.stack([said(saved, norm(state)[at]) for state in states] + [said(saved, normed[at])])
    torch.testing.assert_close(logits[-1], ran.logits[at], atol=1e-5, rtol=0)
    found = saved.compute(executor, step)
    assert found["top"].shape == (saved.key.facts.layers + 1, PROMPTS)
    agree({name: found[name] for name in outcomes(logits)}, outcomes(logits), 2e-5)
    chances = logits.double().log_softmax(-1)
    expected = (chances[-1].exp() * (chances[-1] - chances)).sum(-1)
    np.testing.assert_allclose(found["kl_from_clean"], expected, atol=2e-5)
    assert not found["kl_from_clean"][-1].any()


def said(saved: Saved, normed: torch.Tensor) -> torch.Tensor:
    """The logits of what the final norm gives."""
    logits: torch.Tensor = saved.module.lm_head(normed)
    cap = getattr(saved.module.config, "final_logit_softcapping", None)
    return logits if cap is None else torch.tanh(logits / cap) * cap


def test_a_lens_on_a_changed_run_ends_with_its_outcome(saved: Saved) -> None:
    edits = (Set(At(HEADS, LAST), FromZero()),)
    lens = saved.compute("optimised", Lens(saved.key, ORIGINALS, LAST, ASKED, edits, tuple(Statistic)))
    expected = saved.compute("reference", Evaluate(saved.key, ORIGINALS, edits, ASKED, tuple(Statistic)))
    agree({name: values[-1] for name, values in lens.items()}, expected, 2e-5)


def test_so_many_logits_as_have_room(grouped: Saved, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: tuple[Step, ...] = Loss(grouped.key, ORIGINALS, SPANS), Lens(grouped.key, ORIGINALS, SPREAD, ASKED)
    expected = [grouped.compute("reference", step) for step in steps]
    monkeypatch.setattr(context, "NUMBERS_AT_ONCE", 2 * PROMPTS * grouped.key.facts.vocabulary)
    for step, value in zip(steps, expected, strict=True):
        agree(grouped.compute("reference", step), value, 1e-6)


def test_edits_are_in_force(grouped: Saved) -> None:
    """A head that is silent changes what is predicted after it, and the attention above it; one that is blocked looks
    elsewhere."""
    silent = (Set(At(HEADS, (1,) * PROMPTS), FromZero()),)
    found = grouped.compute("optimised", Loss(grouped.key, ORIGINALS, SPANS, silent))["loss"]
    clean = grouped.compute("optimised", Loss(grouped.key, ORIGINALS, SPANS))["loss"]
    assert found[0] == clean[0], "token 1 is predicted before token 1 is read"
    assert (found[1:] != clean[1:]).all()
    cut = (BlockAttention(1, 2, SPREAD, READ),)
    blocked = grouped.compute("reference", Attention(grouped.key, ORIGINALS, SPREAD, READ, cut))["attention"]
    reachable = [prompt for prompt, token in enumerate(SPREAD) if max(READ[prompt]) <= token]
    assert not blocked[1:3].any() and (blocked[0][:, reachable] > 0).all()


def test_patched_from_itself_nothing_moves(grouped: Saved) -> None:
    inputs, edits = capture(grouped, ORIGINALS, SPREAD), (Set(At(HEADS, SPREAD), FromCapture(REF)),)
    for plain_step, edited in (
        (Loss(grouped.key, ORIGINALS, SPANS), Loss(grouped.key, ORIGINALS, SPANS, edits)),
        (Attention(grouped.key, ORIGINALS, LAST, READ), Attention(grouped.key, ORIGINALS, LAST, READ, edits)),
    ):
        agree(grouped.compute("optimised", edited, inputs), grouped.compute("optimised", plain_step), 1e-6)


def test_a_patched_loss_is_that_of_hooks(saved: Saved) -> None:
    model = Hooked(saved.module)
    alternate = model.z(tensor(ALTERNATES))

    def change(layer: int, z: torch.Tensor) -> None:
        for head in (one.head for one in HEADS if one.layer == layer):
            for prompt, token in enumerate(SPREAD):
                z[prompt, token, head] = alternate[layer, prompt, token, head]

    logits = model.run_all(tensor(ORIGINALS), {layer: partial(change, layer) for layer in range(model.layers)})
    step = Loss(saved.key, ORIGINALS, SPANS, (Set(At(HEADS, SPREAD), FromCapture(REF)),))
    agree(saved.compute("optimised", step, capture(saved, ALTERNATES, SPREAD)), {"loss": losses(logits)}, 2e-5)
