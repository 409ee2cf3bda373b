"""Part masks: equal to an oracle made of hooks, autograd and Adam written out, and right where the answer is
known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
import torch
from engine_by_hooks import Hooked
from engine_models import (
    ALTERNATES,
    EXECUTORS,
    LAST,
    MODELS,
    ORIGINALS,
    PROMPTS,
    SPREAD,
    TOKENS,
    Saved,
    agree,
    prompts,
    same,
    save,
    tensor,
)

from entrack.engine.context import Context
from entrack.engine.errors import NotFinite, OutOfMemory
from entrack.engine.kernels import train_mask as kernel
from entrack.engine.optimised import train_mask as batched
from entrack.plan.schedule import Memory
from entrack.plan.steps import Batch, MaskBatch, TrainMask
from entrack.sites import Part, Site

HEADS = (Site.of_head(1, 2), Site.of_head(0, 1), Site.of_head(1, 0))
"""Not in order: elements of a mask are in the order of the step."""
SHORTER = MaskBatch(ORIGINALS, prompts(3, length=6), SPREAD, (5, 4, 3, 5, 1), (3, 9, 27, 31, 43))
LONGER = MaskBatch(prompts(5, count=3), prompts(6, count=3, length=12), (4, 8, 4), (11, 0, 6), (7, 14, 21))
AT_LAST = MaskBatch(ORIGINALS, ALTERNATES, LAST, LAST, (1, 2, 3, 4, 5))


def step(saved: Saved, **changes: Any) -> TrainMask:
    return attrs.evolve(TrainMask(saved.key, HEADS, (SHORTER, LONGER), (LONGER, AT_LAST), 0.02, 3, 0.1), **changes)


MIXED = (Site(1, Part.MLP), Site.of_head(0, 1), Site(0, Part.MLP), Site(1, Part.ATTENTION), Site.of_head(1, 2))


class ByHooks:
    """The definition with hooks, autograd and Adam written out. `heads` may be MLPs and attentions, too."""

    def __init__(self, module: Any, heads: tuple[Site, ...]) -> None:
        self.model, self.heads = Hooked(module.requires_grad_(False)), heads

    def logits(self, pair: MaskBatch, mask: torch.Tensor, gradient: bool = False) -> torch.Tensor:
        alternate = self.model.z(tensor(pair.alternate))
        wholes = {part: self.model.parts(tensor(pair.alternate), part.value) for part in (Part.MLP, Part.ATTENTION)}

        def whole(element: int, site: Site) -> Any:
            def change(value: torch.Tensor) -> None:
                for prompt, (token, other) in enumerate(zip(pair.at, pair.alternate_at, strict=True)):
                    own = value[prompt, token].clone()
                    given = wholes[site.part][site.layer, prompt, other]
                    value[prompt, token] = mask[element] * own + (1 - mask[element]) * given

            return change

        def change(layer: int) -> Any:
            def change(z: torch.Tensor) -> None:
                for element, head in enumerate(self.heads):
                    for prompt, (token, other) in enumerate(zip(pair.at, pair.alternate_at, strict=True)):
                        if (head.layer, head.part) == (layer, Part.OUTPUT):
                            own = z[prompt, token, head.head].clone()
                            mixed = (
                                mask[element] * own + (1 - mask[element]) * alternate[layer, prompt, other, head.head]
                            )
                            z[prompt, token, head.head] = mixed

            return change

        parts = {
            (site.layer, site.part.value): whole(element, site)
            for element, site in enumerate(self.heads)
            if site.part is not Part.OUTPUT
        }
        z = {i: change(i) for i in range(self.model.layers)}
        return self.model.run(tensor(pair.original), z, gradient=gradient, whole=parts)

    def loss(self, pair: MaskBatch, mask: torch.Tensor, sparsity: float) -> torch.Tensor:
        logits = self.logits(pair, mask, gradient=True)
        return (
            sparsity * (1 - mask).sum()
            - torch.stack([row[token] for row, token in zip(logits, pair.target, strict=True)]).mean()
        )

    def accuracy(self, pairs: tuple[MaskBatch, ...], mask: torch.Tensor) -> float:
        right: list[bool] = [
            hit for pair in pairs for hit in (self.logits(pair, mask).argmax(-1) == torch.tensor(pair.target)).tolist()
        ]
        return sum(right) / len(right)

    def train(self, step: TrainMask) -> dict[str, np.ndarray]:
        mask, mean, square = torch.ones(len(self.heads)), torch.zeros(len(self.heads)), torch.zeros(len(self.heads))
        losses: list[float] = []
        checks: list[tuple[float, int, int, torch.Tensor]] = []
        for count, pair in enumerate(step.train * step.epochs, start=1):
            mask = mask.clamp(0, 1).requires_grad_(True)
            with torch.enable_grad():
                loss = self.loss(pair, mask, step.sparsity)
                (gradient,) = torch.autograd.grad(loss, mask)
            losses.append(loss.item())
            mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
            step_of = step.rate * (mean / (1 - 0.9**count)) / ((square / (1 - 0.999**count)).sqrt() + 1e-8)
            mask = (mask - step_of).detach()
            if count % step.check_every == 0 or count == len(step.train) * step.epochs:
                rounded = (mask > 0.5).float()
                checks.append(
                    (self.accuracy(step.validate, rounded), int((rounded == 0).sum()), count, mask.clamp(0, 1))
                )
        _, _, best, found = max(checks, key=lambda check: check[:3])
        return {
            "mask": found.numpy(),
            "steps": np.array(best),
            "loss": np.array(losses, dtype=np.float32),
            "validation": np.array([check[0] for check in checks], dtype=np.float32),
        }


@pytest.mark.parametrize("executor", EXECUTORS)
def test_both_executors_equal_the_oracle(saved: Saved, executor: str) -> None:
    for changes in (
        {},
        {"train": (AT_LAST,), "epochs": 7, "check_every": 2},
        {"sparsity": 1.0, "rate": 0.3, "check_every": 1},
    ):
        one = step(saved, **changes)
        agree(saved.compute(executor, one), ByHooks(saved.module, HEADS).train(one))


@pytest.mark.parametrize("executor", EXECUTORS)
def test_mlps_and_attentions_can_be_masked_beside_heads(saved: Saved, executor: str) -> None:
    one = step(saved, sites=MIXED, rate=0.3)
    agree(saved.compute(executor, one), ByHooks(saved.module, MIXED).train(one))


@pytest.mark.parametrize("executor", EXECUTORS)
def test_neurons_that_are_all_masked_are_the_whole(grouped: Saved, executor: str) -> None:
    """With no rate of learning the mask stays at 1, and so does all that is said."""
    every = tuple(Site(1, Part.NEURON, index) for index in range(grouped.key.facts.d_mlp))
    found = [grouped.compute(executor, step(grouped, sites=sites, rate=0.0)) for sites in (every, HEADS)]
    np.testing.assert_allclose(found[0]["loss"], found[1]["loss"], rtol=0, atol=1e-5)


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("mask", [(1.0, 1.0, 1.0), (0.3, 0.9, 0.0)])
def test_the_gradient_of_a_step(
    saved: Saved, executor: str, mask: tuple[float, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[float, torch.Tensor]] = []

    def only_look(
        context: Context, step: TrainMask, group: kernel.Group, run: kernel.MaskedPass
    ) -> dict[str, np.ndarray]:
        pair = kernel.MaskTensors.of(context, group, SHORTER)
        seen.append(kernel.loss_and_gradient(context, pair, torch.tensor(mask, requires_grad=True), 0.02, run))
        return {}

    monkeypatch.setattr(kernel, "train", only_look)
    monkeypatch.setattr(batched, "train", only_look)
    saved.compute(executor, step(saved))
    with torch.enable_grad():
        expected = ByHooks(saved.module, HEADS).loss(SHORTER, leaf := torch.tensor(mask, requires_grad=True), 0.02)
        torch.testing.assert_close(seen[0][1], torch.autograd.grad(expected, leaf)[0], rtol=0, atol=1e-5)
    assert seen[0][0] == pytest.approx(expected.item(), abs=1e-5)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_mask_of_ones_is_the_plain_model(saved: Saved, executor: str) -> None:
    found = saved.compute(executor, step(saved, rate=0.0, epochs=1))
    logits = [Hooked(saved.module).run(tensor(pair.original)) for pair in (SHORTER, LONGER)]
    targets = [torch.tensor(pair.target)[:, None] for pair in (SHORTER, LONGER)]
    expected = [-row.gather(1, target).mean().item() for row, target in zip(logits, targets, strict=True)]
    np.testing.assert_allclose(found["loss"], expected, rtol=0, atol=1e-5)
    assert found["mask"].tolist() == [1, 1, 1]


def planted(folder: Path) -> Saved:
    """Only head 1.2 writes, and no MLP does: the answer depends on the last token, and on that head at it."""
    module = MODELS["llama, grouped, tied"]()
    with torch.no_grad():
        for index, layer in enumerate(module.model.layers):
            layer.mlp.down_proj.weight.zero_()
            for head in range(4):
                if (index, head) != (1, 2):
                    layer.self_attn.o_proj.weight[:, 8 * head : 8 * head + 8] = 0
        module.model.layers[1].self_attn.o_proj.weight *= 10
    return save(module, folder)


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("at", [LAST, SPREAD], ids=["read", "not read"])
def test_a_planted_head_is_found(tmp_path: Path, executor: str, at: tuple[int, ...]) -> None:
    saved = planted(tmp_path)
    alternates = Batch(
        tuple((*other[:-1], own[-1]) for own, other in zip(ORIGINALS.tokens, ALTERNATES.tokens, strict=True))
    )
    answers = tuple(Hooked(saved.module).run(tensor(alternates)).argmax(-1).tolist())
    pair = MaskBatch(ORIGINALS, alternates, at, LAST, answers)
    heads = tuple(Site.of_head(layer, head) for layer in range(4) for head in range(4))
    found = saved.compute(executor, step(saved, sites=heads, train=(pair,), validate=(pair,), epochs=12))
    assert [head for head, m in zip(heads, found["mask"], strict=True) if round(float(m)) == 0] == (
        [Site.of_head(1, 2)] if at == LAST else []
    )
    own = (Hooked(saved.module).run(tensor(ORIGINALS)).argmax(-1) == torch.tensor(answers)).float().mean().item()
    assert found["validation"].max() == (1 if at == LAST else pytest.approx(own)) and own < 1


@pytest.mark.parametrize("executor", EXECUTORS)
def test_which_check_is_kept(grouped: Saved, executor: str) -> None:
    """All accuracies are 0: no head is patched at first, then all are, and of those the last stands."""
    rest = {
        "sparsity": -100.0,
        "rate": 0.3,
        "check_every": 1,
        "validate": (attrs.evolve(AT_LAST, target=(-1,) * PROMPTS),),
    }
    found = grouped.compute(executor, step(grouped, epochs=1, train=(SHORTER,), **rest))
    assert found["steps"] == 1 and np.allclose(found["mask"], 0.7)
    found = grouped.compute(executor, step(grouped, epochs=3, **rest))
    assert found["steps"] == 6 and found["mask"].tolist() == [0, 0, 0]
    back = grouped.compute(executor, step(grouped, epochs=3, train=(SHORTER,), **{**rest, "sparsity": 100.0}))
    assert back["mask"].tolist() == [1, 1, 1] and back["validation"].tolist() == [0, 0, 0]


@pytest.mark.parametrize("executor", EXECUTORS)
def test_no_heads_and_one_token_before_all(grouped: Saved, executor: str) -> None:
    found = grouped.compute(executor, step(grouped, sites=()))
    assert found["mask"].shape == (0,) and found["loss"].shape == (6,)
    first = step(grouped, train=(attrs.evolve(SHORTER, at=(0,) * 5),))
    agree(grouped.compute(executor, first), ByHooks(grouped.module, HEADS).train(first))


@pytest.mark.parametrize("executor", EXECUTORS)
def test_what_is_not_finite_is_named(tmp_path: Path, executor: str) -> None:
    module = MODELS["llama"]()
    with torch.no_grad():
        module.lm_head.weight[0, 0] = float("nan")
    bad = save(module, tmp_path)
    with pytest.raises(NotFinite, match="in a step TrainMask") as caught:
        bad.compute(executor, step(bad))
    assert (caught.value.layer, caught.value.prompt) == (None, 0)


@pytest.mark.parametrize("room", [0, 3_000, 20_000])
def test_with_little_room_for_clean_runs(grouped: Saved, room: int) -> None:
    agree(
        grouped.compute("optimised", step(grouped), memory=Memory(kept=room)),
        ByHooks(grouped.module, HEADS).train(step(grouped)),
    )


def test_the_batched_executor_runs_far_less(grouped: Saved) -> None:
    last = step(grouped, train=(AT_LAST,), validate=(AT_LAST,), epochs=12)
    plain, batched = (grouped.engine(executor).compute(last, {}).how["forwards"] for executor in EXECUTORS)
    assert plain == 2 + 3 * 12 + 3
    assert batched == pytest.approx(2 + 1 + (3 * 12 + 3) / TOKENS)
    top = step(grouped, sites=(Site.of_head(3, 0),), train=(AT_LAST,), validate=(AT_LAST,), epochs=12)
    assert grouped.engine("optimised").compute(top, {}).how["forwards"] == pytest.approx(
        2 + 1 + (3 * 12 + 3) / TOKENS / 4
    )


@pytest.mark.parametrize("executor", EXECUTORS)
def test_nothing_but_the_mask_is_trained(grouped: Saved, executor: str) -> None:
    engine = grouped.engine(executor)
    found = engine.compute(step(grouped), {})
    module = engine.loaded(grouped.key).module
    for name, parameter in grouped.module.state_dict().items():
        assert torch.equal(module.state_dict()[name], parameter), name
    assert all(parameter.grad is None for parameter in module.parameters())
    assert not torch.is_inference_mode_enabled() and torch.is_grad_enabled()
    same(engine.compute(step(grouped), {}).tensors, found.tensors)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_half_precision(grouped: Saved, executor: str) -> None:
    half = attrs.evolve(grouped, key=attrs.evolve(grouped.key, dtype="bfloat16"))
    found, full = half.compute(executor, step(half)), grouped.compute(executor, step(grouped))
    assert {name: (value.shape, value.dtype) for name, value in found.items()} == {
        name: (v.shape, v.dtype) for name, v in full.items()
    }
    agree({"loss": found["loss"]}, {"loss": full["loss"]}, within=0.25)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_the_largest_batch_is_named_where_memory_is_out(
    grouped: Saved, executor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("entrack.engine.tracing.forward", full)
    with pytest.raises(
        OutOfMemory, match="5 prompts of 9 tokens does not fit into the memory of cpu: give it a smaller `batch`"
    ):
        grouped.compute(executor, step(grouped))
