"""How many cases are drawn, and when two computed values count as equal.

Without `ENTRACK_DIFFERENTIAL_COUNT` the cases are always the same ones, some hundred. With it they are that many, drawn
anew each time, and a case that fails is printed with a line that draws it again (`@reproduce_failure`, under the same
count).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from hypothesis import HealthCheck, settings

FEW = 500
WANTED = os.environ.get("ENTRACK_DIFFERENTIAL_COUNT", "")
COUNT = int(WANTED or FEW)
NEAR = 1e-4
"""How far probabilities may lie apart; and logits and other values, where they are larger than 1 in proportion."""
MARGIN = 1e-3
"""Tokens whose logits lie nearer than this may change places."""

Tensors = Mapping[str, np.ndarray[Any, Any]]


def cases(share: float) -> settings:
    """Settings for a law that gets this share of all cases."""
    return settings(
        max_examples=max(1, round(COUNT * share)),
        derandomize=not WANTED,
        database=None,
        print_blob=True,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def same(found: Tensors, expected: Tensors) -> None:
    """Equal bit for bit."""
    _alike(found, expected)
    for name, value in expected.items():
        assert found[name].tobytes() == value.tobytes(), (name, found[name], value)


def near(found: Tensors, expected: Tensors) -> None:
    """Equal but for the order in which floats were added."""
    _alike(found, expected)
    for name, value in expected.items():
        _near(found[name], value, name)


def outcomes_agree(found: Tensors, expected: Tensors, logits: Callable[[], np.ndarray[Any, Any]]) -> None:
    """The promise of docs/semantics.md. `logits` are all there are (..., prompt, vocabulary), asked for where the
    argmax differs."""
    _alike(found, expected)
    _near(found["logit"], expected["logit"], "logit")
    _near(np.exp(found["log_probability"]), np.exp(expected["log_probability"]), "probability")
    for name in {"entropy", "kl_from_clean"} & set(found):
        _near(found[name], expected[name], name)
    if "rank" in found:
        _ranks_agree(found, expected, logits)
    differ = found["top"] != expected["top"]
    if differ.any():
        every = logits()
        tops = np.stack([found["top"], expected["top"]], -1)
        chosen = np.take_along_axis(every, tops, -1)
        assert np.ptp(chosen[differ], -1).max() < MARGIN, ("top", found["top"], expected["top"])


def _ranks_agree(found: Tensors, expected: Tensors, logits: Callable[[], np.ndarray[Any, Any]]) -> None:
    """Where ranks differ, as many tokens lie as near to the one asked for as would change places with it."""
    apart = np.abs(found["rank"] - expected["rank"])
    if apart.any():
        close = np.abs(logits()[..., None, :] - expected["logit"][..., None]) < MARGIN
        assert (apart < close.sum(-1)).all(), ("rank", found["rank"], expected["rank"])


def masks_agree(found: Tensors, expected: Tensors) -> None:
    """The same heads, checks and best step; the rest near."""
    near(found, expected)
    for name in ("steps", "validation"):
        assert (found[name] == expected[name]).all(), (name, found[name], expected[name])
    assert (found["mask"].round() == expected["mask"].round()).all(), (found["mask"], expected["mask"])


def _alike(found: Tensors, expected: Tensors) -> None:
    shapes = [{name: (value.shape, value.dtype) for name, value in each.items()} for each in (found, expected)]
    assert shapes[0] == shapes[1]


def _near(found: np.ndarray[Any, Any], expected: np.ndarray[Any, Any], name: str) -> None:
    apart = np.abs(found - expected) / np.maximum(1, np.abs(expected))
    assert np.isfinite(found).all() and (apart <= NEAR).all(), (name, found, expected)
