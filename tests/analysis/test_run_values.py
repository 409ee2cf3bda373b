"""Outcomes of runs whose values are said."""

from __future__ import annotations

from math import exp
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from entrack.analysis.run_values import outcomes_of
from entrack.sites import Part, Share, Site


def test_whole_words_by_hand() -> None:
    """Two words of the first prompt, of two tokens and of one, and one of the second, of four; in two batches."""
    losses = {"a": [0.5, 0.25], "b": [3.0]}
    ran: Any = SimpleNamespace(value=lambda id: {"loss": np.array(losses[id], np.float32)})
    run: Any = SimpleNamespace(
        evaluations=("a", "b"),
        places=((0, 2), (1,)),
        prompts=[SimpleNamespace(follows=(0,) * tokens) for tokens in (2, 1, 4)],
        whole=((2,), (1,)),
    )
    assert outcomes_of("probability", run, ran) == pytest.approx([exp(-2 * 0.5) + exp(-3), exp(-4 * 0.25)])
    assert outcomes_of("log probability", run, ran)[1] == pytest.approx(-1)


def test_a_difference_of_whole_words_by_hand() -> None:
    ran: Any = SimpleNamespace(value=lambda id: {"loss": np.array([0.5, 1.5], np.float32)})
    run: Any = SimpleNamespace(
        evaluations=("a",),
        places=((0, 1),),
        prompts=[SimpleNamespace(follows=(0, 0)), SimpleNamespace(follows=(0,))],
        whole=((1, 1),),
    )
    assert outcomes_of("log probability difference", run, ran) == pytest.approx([-1 - -1.5])


# --- words by their first tokens, and what is read at sites ---------------------------------------------------------


def read(kind: str, site: Site | Share | None = None, **outcome: Any) -> Any:
    """A metric of two batches of two prompts and of one, each with two words, of two tokens and of one."""
    halves = {"a": slice(0, 2), "b": slice(2, 3)}

    def cut(values: Any, id: str) -> Any:
        batch = -1 if kind == "attention" else {1: 0, 2: 0}.get(np.ndim(values), np.ndim(values) - 2)
        return np.asarray(values).take(np.arange(3)[halves[id]], axis=batch)

    ran: Any = SimpleNamespace(value=lambda id: {name: cut(values, id) for name, values in outcome.items()})
    asked = [[[5, 6], [7]], [[6, 5], [8]], [[7, 8], [5]]]
    run: Any = SimpleNamespace(evaluations=("a", "b"), places=((0, 2), (1,)), asked=asked, whole=())
    return outcomes_of(kind, run, ran, 1, site).tolist()


LOGIT = np.array([[1.0, 3.0, 4.0], [5.0, 6.0, 7.0], [0.0, 2.0, 8.0]])
"""Prompts in the order of the batches: the first, the third, the second."""


def test_words_by_their_first_tokens_in_the_order_of_the_prompts() -> None:
    assert read("logit", logit=LOGIT) == [2.0, 1.0, 5.5]
    assert read("logit difference", logit=LOGIT) == [-2.0, -7.0, -1.5]
    assert read("accuracy", top=np.array([6, 5, 5]), logit=LOGIT) == [1.0, 1.0, 0.0]


def test_what_is_read_at_sites() -> None:
    assert read("loss", loss=np.array([0.5, 1.5, 2.5], np.float32)) == [0.5, 2.5, 1.5]
    weights = np.arange(2 * 2 * 3).reshape(2, 2, 3) / 16
    assert read("attention", Site.of_head(1, 0), attention=weights) == [6 / 16, 8 / 16, 7 / 16]
    layers = np.stack([LOGIT, 10 * LOGIT])
    assert read("logit", Site(1, Part.RESIDUAL), logit=layers) == [20.0, 10.0, 55.0]


def test_shares_of_logits() -> None:
    layers = np.stack([LOGIT, 10 * LOGIT])
    heads = np.stack([layers, -layers], axis=1)
    assert read("logit", Site(1, Part.MLP), mlp=layers) == [20.0, 10.0, 55.0]
    assert read("logit", Site(1, Part.OUTPUT, 1), output=heads) == [-20.0, -10.0, -55.0]
    assert read("logit", Share.ATTENTION, attention=layers) == [22.0, 11.0, 60.5]
    assert read("logit", Share.EMBEDDING, embedding=LOGIT) == [2.0, 1.0, 5.5]
    assert read("logit", Share.BIAS, bias=-LOGIT) == [-2.0, -1.0, -5.5]
