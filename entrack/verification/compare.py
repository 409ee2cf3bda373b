"""A value computed again, compared with the one in the store: how far apart, and whether that is within what is
promised."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, assert_never

import numpy as np
from attrs import evolve
from numpy.typing import NDArray

from entrack.frozen import frozen
from entrack.plan.steps import Comparison, Statistic, Step, kind_of

Tensors = Mapping[str, NDArray[Any]]
Verdict = Literal["identical", "within", "mismatch", "lost"]
Asked = tuple[tuple[int, ...], ...]
Rerun = Callable[[Asked], Tensors]
"""The same step computed again for other words, prompt by prompt."""


STATISTICS = {Statistic.ENTROPY.value, Statistic.KL_FROM_CLEAN.value}
"""Those that are held against one another. Ranks follow from logits, and two tokens may be as near."""


@frozen
class Tolerance:
    """How far apart two values may be: numbers by `value` times the larger of 1 and the number, probabilities by
    `probability`, and where the argmax is another token, its lead in logits by `margin`."""

    name: str
    value: float
    probability: float
    margin: float


NEAR = Tolerance("float32, the same device and major.minor versions", 1e-4, 1e-4, 1e-3)
FAR = Tolerance("another device, another version or half precision", 5e-2, 1e-2, 1e-1)


@frozen
class Difference:
    """How far two values of a step are apart, at most. `flips` are prompts (and heads) with another argmax, `margin`
    the largest lead of one.

    `why` says what is not within the tolerance; empty where all is.
    """

    identical: bool
    why: str = ""
    logit: float = 0.0
    probability: float = 0.0
    value: float = 0.0
    flips: int = 0
    margin: float = 0.0


@frozen
class _Gap:
    """The largest difference between two arrays, and whether each number is within a tolerance."""

    most: float
    within: bool


def difference(step: Step, stored: Tensors, again: Tensors, tolerance: Tolerance, rerun: Rerun) -> Difference:
    """Hold a value computed `again` against the `stored` one, both of the step's form."""
    if all(stored[name].tobytes() == again[name].tobytes() for name in stored):
        return Difference(identical=True)
    comparison = kind_of(step).comparison
    match comparison:
        case Comparison.OUTCOMES:
            return _outcomes(stored, again, tolerance, rerun)
        case Comparison.PATCHED_HEADS:
            return _mask(stored, again)
        case Comparison.NUMBERS:
            return _numbers(stored, again, tolerance)
        case _:
            assert_never(comparison)


def _numbers(stored: Tensors, again: Tensors, tolerance: Tolerance) -> Difference:
    gaps = [_gap(stored[name], again[name], tolerance.value) for name in stored]
    most = max(gap.most for gap in gaps)
    why = "" if all(gap.within for gap in gaps) else f"numbers differ by up to {most:.2g}"
    return Difference(identical=False, why=why, value=most)


def _outcomes(stored: Tensors, again: Tensors, tolerance: Tolerance, rerun: Rerun) -> Difference:
    logit = _gap(stored["logit"], again["logit"], tolerance.value)
    probability = _largest(np.exp(stored["log_probability"]), np.exp(again["log_probability"]))
    found = Difference(identical=False, logit=logit.most, probability=probability)
    flipped = stored["top"] != again["top"]
    if flipped.any():
        found = evolve(found, flips=int(flipped.sum()), margin=_lead(stored["top"], again["top"], rerun))
    said = [
        *([] if logit.within else [f"logits differ by up to {logit.most:.2g}"]),
        *([] if probability <= tolerance.probability else [f"probabilities differ by up to {probability:.2g}"]),
        *(
            f"`{name}` differs by up to {gap.most:.2g}"
            for name in STATISTICS & set(stored)
            if not (gap := _gap(stored[name], again[name], tolerance.value)).within
        ),
        *([] if found.margin <= tolerance.margin else [f"the argmax is another token by {found.margin:.2g}"]),
    ]
    return evolve(found, why="; ".join(said))


def _lead(stored: NDArray[Any], again: NDArray[Any], rerun: Rerun) -> float:
    """By how much the argmax of now leads the stored one, in the logits of now, at most. Both are (prompt) or (head,
    prompt)."""
    before, now = np.atleast_2d(stored), np.atleast_2d(again)
    asked = tuple(tuple(map(int, column)) for column in np.concatenate([before, now]).T)
    logits = rerun(asked)["logit"].reshape(len(before), len(asked), 2 * len(before))
    return max(float((logits[row, :, len(before) + row] - logits[row, :, row]).max()) for row in range(len(before)))


def _mask(stored: Tensors, again: Tensors) -> Difference:
    """A training goes its own way from the last bit on: what is promised of it is which heads it patches."""
    most = max(_largest(stored[name], again[name]) for name in ("mask", "loss", "validation"))
    same = bool((stored["mask"].round() == again["mask"].round()).all())
    return Difference(identical=False, why="" if same else "the mask patches other heads", value=most)


def _gap(stored: NDArray[Any], again: NDArray[Any], tolerance: float) -> _Gap:
    limit = tolerance * np.maximum(1.0, np.abs(stored.astype(np.float64)))
    difference = _difference(stored, again)
    return _Gap(float(difference.max(initial=0.0)), bool((difference <= limit).all()))


def _largest(stored: NDArray[Any], again: NDArray[Any]) -> float:
    return float(_difference(stored, again).max(initial=0.0))


def _difference(stored: NDArray[Any], again: NDArray[Any]) -> NDArray[np.float64]:
    """Equal infinities are no difference; what is not a number is an endless one."""
    one, other = stored.astype(np.float64), again.astype(np.float64)
    with np.errstate(invalid="ignore"):
        return np.where(one == other, 0.0, np.nan_to_num(np.abs(one - other), nan=np.inf, posinf=np.inf))
