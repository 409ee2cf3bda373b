"""Outcomes of runs whose values are said."""

from __future__ import annotations

from math import exp
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from entrack.analysis.run_values import outcomes_of


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
