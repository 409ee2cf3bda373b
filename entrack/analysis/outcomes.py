"""Outcomes as arrays, and the metrics and scores computed from them.

An outcome has, per prompt and asked word, the word's logit and log probability at the last token, and the argmax token.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from entrack.errors import EntrackError
from entrack.sites import Site

Array = NDArray[np.float64]
Outcome = Mapping[str, NDArray[Any]]


class NotANumber(EntrackError):
    """A number of the results is not finite; the message says which. Nothing is reported that is not a number."""


def probability(outcome: Outcome) -> Array:
    """Probability of the first asked word, per prompt (any axes before are kept)."""
    return np.exp(outcome["log_probability"][..., 0].astype(np.float64))


def logit(outcome: Outcome) -> Array:
    """Logit of the first asked word."""
    return outcome["logit"][..., 0].astype(np.float64)


def logit_difference(outcome: Outcome) -> Array:
    """Logit of the first asked word minus that of the second."""
    return outcome["logit"][..., 0].astype(np.float64) - outcome["logit"][..., 1].astype(np.float64)


METRICS: Mapping[str, Callable[[Outcome], Array]] = {
    "probability": probability,
    "logit": logit,
    "logit difference": logit_difference,
}


@frozen(eq=False, slots=False)
class BySite:
    """Values of sites: a row for each (site, ...)."""

    sites: tuple[Site, ...]
    values: Array = field(repr=False)

    @classmethod
    def joined(cls, parts: Sequence[BySite]) -> BySite:
        """Of the sites of all parts."""
        return cls(
            tuple(site for part in parts for site in part.sites), np.concatenate([part.values for part in parts])
        )

    def of(self, sites: Sequence[Site]) -> Array:
        """The rows of these sites, in their order. -> (site, ...)"""
        return self.values[[self._rows[site] for site in sites]]

    def mean(self) -> BySite:
        """Over the last axis, the prompts."""
        return BySite(self.sites, self.values.mean(axis=-1))

    def mapping(self) -> dict[Site, float]:
        """Of values that are one a site."""
        return dict(zip(self.sites, self.values.tolist(), strict=True))

    @cached_property
    def _rows(self) -> Mapping[Site, int]:
        return {site: row for row, site in enumerate(self.sites)}


def metric(kind: str, outcome: Outcome, asked: NDArray[np.int64]) -> Array:
    """A metric per prompt. `asked` are the token ids that the outcome was asked for, (prompt, k)."""
    if kind == "accuracy":
        return np.asarray(outcome["top"] == asked[:, 0], dtype=np.float64)
    return METRICS[kind](outcome)


ESTIMATES: Mapping[str, Callable[[Outcome, Outcome], Array]] = {
    "probability": lambda change, clean: change["log_probability"][..., 0].astype(np.float64) * probability(clean),
    "logit": lambda change, clean: logit(change),
    "logit difference": lambda change, clean: logit_difference(change),
}
"""From estimated changes of logits and log probabilities to that of a metric, to first order."""


def estimated(name: str, change: Outcome, clean: Outcome) -> Array:
    """A score, from estimated changes (..., prompt, k) of an `Attribute`. -> (..., prompt)"""
    relative, kind = name.startswith("relative "), name.removeprefix("relative ")
    moved = ESTIMATES[kind](change, clean)
    with np.errstate(divide="ignore", invalid="ignore"):  # whoever screens refuses what is not finite
        return moved / METRICS[kind](clean) if relative else moved


def score(name: str, patched: Outcome, clean: Outcome) -> Array:
    """How a patch moved a metric, per sender and prompt: the difference, or, for a relative score, the difference over
    the clean value.

    Patched outcomes are (sender, prompt, ...), clean ones (prompt, ...). Source: equation for path patching in arXiv
    2402.14811.
    """
    relative, kind = name.startswith("relative "), name.removeprefix("relative ")
    before, after = METRICS[kind](clean), METRICS[kind](patched)
    difference = after - before
    with np.errstate(divide="ignore", invalid="ignore"):  # whoever selects refuses what is not finite
        return difference / before if relative else difference
