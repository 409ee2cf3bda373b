"""Direct logit attribution: equal to what hooks and the weights give by hand, and shares that add up to the model's own
logits, in every family that adds what heads and MLPs write as it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

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
    PROMPTS,
    REF,
    SPREAD,
    Saved,
    agree,
    capture,
    same,
    save,
    tensor,
)
from torch import Tensor

from entrack.engine.errors import EngineError
from entrack.families import FAMILIES
from entrack.plan.steps import (
    Add,
    At,
    BlockAttention,
    DirectAttribution,
    Edit,
    Evaluate,
    FromCapture,
    FromNoise,
    FromZero,
    Scale,
    Set,
)
from entrack.sites import Part, Site

NORMED = [name for name in MODELS if FAMILIES[name.split(",")[0].replace("gemma3", "gemma3_text")].norms_what_is_added]
NORMS = ("model.norm", "transformer.ln_f", "gpt_neox.final_layer_norm", "model.decoder.final_layer_norm")
WHERE = torch.arange(PROMPTS), torch.tensor(SPREAD)
HEADS = (Site.of_head(0, 1), Site.of_head(1, 0))
CHANGES: Mapping[str, tuple[Edit, ...]] = {
    "nothing": (),
    "heads set": (Set(At(HEADS, LAST), FromZero()),),
    "heads of others": (Set(At(HEADS, SPREAD), FromCapture(REF)),),
    "an attention and an MLP": (
        Set(At((Site(0, Part.ATTENTION),), LAST), FromZero()),
        Scale(At((Site(1, Part.MLP),), None), 0.5),
    ),
    "blocked": (BlockAttention(1, 2, LAST, ((0, 1), (2,), (3, 4), (5,), (6,))),),
    "the embedding": (Add(At((Site(0, Part.RESIDUAL),), None), FromNoise(0.5, 1, tuple(range(PROMPTS)))),),
    "the stream": (Set(At((Site(1, Part.RESIDUAL),), LAST), FromZero()),),
    "the end of the stream": (Scale(At((Site(1, Part.POST),), LAST), 0.5),),
}


@pytest.fixture(scope="module", params=[name for name in MODELS if name not in NORMED])
def adding(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Saved:
    return save(MODELS[request.param](), tmp_path_factory.mktemp("model"), request.param)


class ByHand:
    """What vectors add to logits through the final norm of a run, in float64, from weights and configuration."""

    def __init__(self, saved: Saved) -> None:
        self.module, self.hooked, seen = saved.module, Hooked(saved.module), []
        (self.norm,) = [module for name, module in saved.module.named_modules() if name in NORMS]
        hook = self.norm.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        self.logits = self.hooked.run_all(tensor(ORIGINALS))[WHERE].double()
        hook.remove()
        final = seen[0][WHERE].double()
        self.centred = isinstance(self.norm, torch.nn.LayerNorm)
        self.scale = (self._centre(final).square().mean(-1) + self._eps()).sqrt()

    def _eps(self) -> float:
        words = ("layer_norm_epsilon", "layer_norm_eps", "rms_norm_eps")
        config = self.module.config
        return float(next((getattr(config, word) for word in words if hasattr(config, word)), 1e-5))

    def _centre(self, value: Tensor) -> Tensor:
        return value - value.mean(-1, keepdim=True) if self.centred else value

    def added(self, value: Tensor) -> np.ndarray:
        """By vectors (..., prompt, d_model). -> float32 (..., prompt, k)"""
        normed = self._centre(value.double()) / self.scale[:, None] * self.norm.weight.double()
        return self._asked(normed @ self.module.lm_head.weight.double().T)

    def bias(self) -> np.ndarray:
        logits = torch.zeros_like(self.logits)
        if getattr(self.norm, "bias", None) is not None:
            logits = logits + self.module.lm_head.weight.double() @ self.norm.bias.double()
        if self.module.lm_head.bias is not None:
            logits = logits + self.module.lm_head.bias.double()
        return self._asked(logits)

    def heads(self) -> np.ndarray:
        z = self.hooked.z(tensor(ORIGINALS))[:, WHERE[0], WHERE[1]]  # (layer, prompt, head, d_head)
        several = []
        for layer in range(self.hooked.layers):
            weight = self.hooked._output_projection(layer).weight.detach()
            weight = weight.T if type(self.hooked._output_projection(layer)).__name__ == "Conv1D" else weight
            wide = self.hooked.d_head
            each = [
                z[layer, :, head] @ weight[:, head * wide : (head + 1) * wide].T for head in range(self.hooked.heads)
            ]
            several.append(torch.stack(each))
        return self.added(torch.stack(several))

    def part(self, name: str) -> np.ndarray:
        return self.added(self.hooked.parts(tensor(ORIGINALS), name)[:, WHERE[0], WHERE[1]])

    def _asked(self, logits: Tensor) -> np.ndarray:
        index = torch.tensor(ASKED).expand(*logits.shape[:-1], -1)
        return np.asarray(logits.detach().gather(-1, index).float())


def total(found: Mapping[str, np.ndarray]) -> np.ndarray:
    """All shares together. -> (prompt, k)"""
    return np.asarray(found["attention"].sum(0) + found["mlp"].sum(0) + found["embedding"] + found["bias"])


@pytest.mark.parametrize("executor", EXECUTORS)
def test_each_share_is_that_of_hooks_and_weights(adding: Saved, executor: str) -> None:
    found = adding.compute(executor, DirectAttribution(adding.key, ORIGINALS, SPREAD, ASKED))
    with torch.no_grad():
        hand = ByHand(adding)
        expected = {
            "output": hand.heads(),
            "attention": hand.part("attention"),
            "mlp": hand.part("mlp"),
            "embedding": hand.part("residual")[0],
            "bias": hand.bias(),
        }
        logits = hand._asked(hand.logits)
    agree(found, expected, 2e-5)
    np.testing.assert_allclose(total(found), logits, rtol=0, atol=1e-4)


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("change", CHANGES)
def test_shares_add_up_to_the_logits_of_the_changed_run(adding: Saved, change: str, executor: str) -> None:
    edits, inputs = CHANGES[change], capture(adding, ALTERNATES, SPREAD)
    found = adding.compute(executor, DirectAttribution(adding.key, ORIGINALS, LAST, ASKED, edits), inputs)
    logits = adding.compute("reference", Evaluate(adding.key, ORIGINALS, edits, ASKED), inputs)["logit"]
    np.testing.assert_allclose(total(found), logits, rtol=0, atol=1e-4)


def test_heads_and_the_bias_of_their_projection_are_the_attention(adding: Saved) -> None:
    """The bias is the same vector at every token, so what is left of an attention differs by the norm's scale alone."""
    found = adding.compute("optimised", DirectAttribution(adding.key, ORIGINALS, SPREAD, ASKED))
    left = torch.tensor(found["attention"] - found["output"].sum(1))
    hand = ByHand(adding)
    for layer in range(hand.hooked.layers):
        bias = getattr(hand.hooked._output_projection(layer), "bias", None)
        bias = torch.zeros(adding.key.facts.d_model) if bias is None else bias.detach()
        expected = hand.added(bias.expand(PROMPTS, -1))
        np.testing.assert_allclose(left[layer], expected, rtol=0, atol=2e-5)


def test_a_silent_head_adds_nothing(grouped: Saved) -> None:
    found = grouped.compute("optimised", DirectAttribution(grouped.key, ORIGINALS, LAST, ASKED, CHANGES["heads set"]))
    others = found["output"].copy()
    for head in HEADS:
        assert not found["output"][head.layer, head.head].any()
        others[head.layer, head.head] = 1
    assert (others != 0).all()


def test_what_is_put_into_the_stream_counts_with_the_embedding(grouped: Saved) -> None:
    """Where the stream is set to zero before layer 1, nothing of the embedding comes through, and of layer 0 its own
    share is taken back."""
    found = grouped.compute("optimised", DirectAttribution(grouped.key, ORIGINALS, LAST, ASKED, CHANGES["the stream"]))
    taken_back = found["embedding"] + found["attention"][0] + found["mlp"][0]
    np.testing.assert_allclose(taken_back, 0, atol=2e-5)
    assert (np.abs(found["attention"][0]) > 1e-3).all()


def test_patched_from_itself_nothing_moves(grouped: Saved) -> None:
    inputs, edits = capture(grouped, ORIGINALS, SPREAD), (Set(At(HEADS, SPREAD), FromCapture(REF)),)
    edited = DirectAttribution(grouped.key, ORIGINALS, SPREAD, ASKED, edits)
    clean = DirectAttribution(grouped.key, ORIGINALS, SPREAD, ASKED)
    same(grouped.compute("optimised", edited, inputs), grouped.compute("optimised", clean))


def test_it_takes_one_forward_pass(grouped: Saved) -> None:
    for executor in EXECUTORS:
        step = DirectAttribution(grouped.key, ORIGINALS, SPREAD, ASKED)
        assert grouped.engine(executor).compute(step, {}).how["forwards"] == 1


@pytest.mark.parametrize("name", NORMED)
def test_what_is_normed_before_it_is_added_is_refused(name: str, tmp_path: Path) -> None:
    saved = save(MODELS[name](), tmp_path, name)
    with pytest.raises(EngineError, match=f"in a {saved.key.facts.family} model no head or MLP adds a vector"):
        saved.compute("reference", DirectAttribution(saved.key, ORIGINALS, SPREAD, ASKED))
