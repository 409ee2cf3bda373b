"""Rank, entropy and KL divergence from the clean run: equal to what the oracle's logits give, in every family."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from engine_by_hooks import Hooked
from engine_models import ALTERNATES, ASKED, EXECUTORS, LAST, ORIGINALS, REF, SPREAD, Saved, agree, capture, tensor

from entrack.analysis.outcomes import METRICS, words_of
from entrack.plan.steps import At, Edit, Evaluate, FromCapture, FromZero, PathPatch, Set, Statistic
from entrack.sites import Site

EVERYTHING = tuple(Statistic)
HEADS = (Site.of_head(0, 1), Site.of_head(1, 0))
EDITS = (Set(At(HEADS, SPREAD), FromZero()),)


def by_hand(logits: torch.Tensor, clean: torch.Tensor) -> dict[str, np.ndarray]:
    """From logits (prompt, vocabulary) by other ways: sorted tokens, and torch's own entropy and divergence."""
    order = logits.argsort(-1, descending=True).tolist()
    here, there = (one.double().softmax(-1) for one in (logits, clean))
    return {
        "rank": np.array([[row.index(word) + 1 for word in words] for row, words in zip(order, ASKED, strict=True)]),
        "entropy": torch.special.entr(here).sum(-1).float().numpy(),
        "kl_from_clean": torch.nn.functional.kl_div(here.log(), there, reduction="none").sum(-1).float().numpy(),
    }


def silence(layer: int, z: torch.Tensor) -> None:
    for head in (one.head for one in HEADS if one.layer == layer):
        z[torch.arange(len(z)), torch.tensor(SPREAD), head] = 0


def of(found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {one.value: found[one.value] for one in EVERYTHING}


@pytest.mark.parametrize("executor", EXECUTORS)
def test_of_a_clean_run(saved: Saved, executor: str) -> None:
    clean = Hooked(saved.module).run(tensor(ORIGINALS))
    found = of(saved.compute(executor, Evaluate(saved.key, ORIGINALS, (), ASKED, EVERYTHING)))
    agree(found, by_hand(clean, clean))
    assert not found["kl_from_clean"].any()


@pytest.mark.parametrize("executor", EXECUTORS)
def test_with_edits_in_force(saved: Saved, executor: str) -> None:
    model = Hooked(saved.module)

    logits = model.run(tensor(ORIGINALS), {layer: partial(silence, layer) for layer in range(model.layers)})
    found = of(saved.compute(executor, Evaluate(saved.key, ORIGINALS, EDITS, ASKED, EVERYTHING)))
    agree(found, by_hand(logits, model.run(tensor(ORIGINALS))))
    assert (found["kl_from_clean"] > 0).all()


@pytest.mark.parametrize("kind", METRICS)
def test_every_metric_of_words_and_lists(saved: Saved, kind: str) -> None:
    """The first word is told by so many tokens of each prompt, the second by so many; what is left is asked again."""
    sizes, asked = ((1, 3), (2, 2), (3, 1), (1, 1), (2, 1)), tuple((i, i + 7, i + 20, 49 - i) for i in range(5))
    step = Evaluate(saved.key, ORIGINALS, EDITS, asked, EVERYTHING)
    found = METRICS[kind](saved.compute("optimised", step), words_of(sizes, 4))
    model = Hooked(saved.module)
    clean = model.run(tensor(ORIGINALS)).double()
    logits = model.run(tensor(ORIGINALS), {layer: partial(silence, layer) for layer in range(model.layers)}).double()
    expected = [
        metric_by_hand(kind, here, before, asked[i][: sizes[i][0]], asked[i][sizes[i][0] : sum(sizes[i])])
        for i, (here, before) in enumerate(zip(logits, clean, strict=True))
    ]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def metric_by_hand(
    kind: str, logits: torch.Tensor, clean: torch.Tensor, first: tuple[int, ...], second: tuple[int, ...]
) -> float:
    """From the logits of one prompt (vocabulary), with and without the edits."""
    chances, one, other = logits.softmax(-1), list(first), list(second)
    match kind:
        case "probability":
            return float(chances[one].sum())
        case "log probability":
            return float(chances[one].sum().log())
        case "probability difference":
            return float(chances[one].sum() - chances[other].sum())
        case "log probability difference":
            return float(chances[one].sum().log() - chances[other].sum().log())
        case "logit":
            return float(logits[one].mean())
        case "logit difference":
            return float(logits[one].mean() - logits[other].mean())
        case "rank":
            order = logits.argsort(descending=True).tolist()
            return float(min(order.index(token) + 1 for token in one))
        case "entropy":
            return float(-(chances * chances.log()).sum())
        case "KL from clean":
            return float((clean.softmax(-1) * (clean.softmax(-1).log() - chances.log())).sum())
    raise AssertionError(f"{kind} is not known here")


def test_of_every_sender_of_a_hop(saved: Saved) -> None:
    """Of senders with no effect the clean run's, with no divergence."""
    step = PathPatch(saved.key, ORIGINALS, ASKED, LAST, 0, REF, (), also=EVERYTHING)
    inputs = capture(saved, ALTERNATES, LAST)
    expected, found = (of(saved.compute(executor, step, inputs)) for executor in EXECUTORS)
    assert (expected["kl_from_clean"] > 0).all()
    agree(found, expected)
    itself = saved.compute("optimised", step, capture(saved, ORIGINALS, LAST))
    assert not itself["kl_from_clean"].any()


@pytest.mark.parametrize("executor", EXECUTORS)
def test_nothing_else_moves(grouped: Saved, executor: str) -> None:
    """A step without statistics has the address and the numbers that it had before there were any."""
    edits: tuple[Edit, ...] = (Set(At(HEADS, SPREAD), FromCapture(REF)),)
    inputs = capture(grouped, ALTERNATES, SPREAD)
    plain = grouped.compute(executor, Evaluate(grouped.key, ORIGINALS, edits, ASKED), inputs)
    told = grouped.compute(executor, Evaluate(grouped.key, ORIGINALS, edits, ASKED, EVERYTHING), inputs)
    assert set(told) - set(plain) == {one.value for one in EVERYTHING}
    for name, value in plain.items():
        assert value.tobytes() == told[name].tobytes(), name


def test_a_tie_shares_the_better_rank() -> None:
    from entrack.engine.outcomes import Outcomes

    logits = torch.tensor([[1.0, 3.0, 3.0, 0.0]])
    found = Outcomes.of(logits, torch.tensor([[2, 1, 0, 3]]), (Statistic.RANK,)).arrays()["rank"]
    assert found.tolist() == [[1, 1, 3, 4]]
