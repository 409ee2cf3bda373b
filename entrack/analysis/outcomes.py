"""Outcomes as arrays, and the metrics and scores computed from them.

An outcome has, per prompt and token asked for, its logit and log probability at the last token of the prompt, and the
argmax token. A metric is of words; which of the tokens are a word's is said by `Words`, bool (word, prompt, k). Of a
list of words there may be several: logits are averaged over them, probabilities add up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from attrs import field
from numpy.typing import NDArray

from entrack.errors import EntrackError
from entrack.frozen import frozen
from entrack.sites import Site

Array = NDArray[np.float64]
Outcome = Mapping[str, NDArray[Any]]
Words = NDArray[np.bool_]


class NotANumber(EntrackError):
    """A number of the results is not finite; the message says which. Nothing is reported that is not a number."""


def words_of(sizes: Sequence[Sequence[int]], tokens: int) -> Words:
    """Which of `tokens` columns are a word's, from how many each word of each prompt has. No sizes: one each."""
    if not sizes:
        return np.eye(tokens, dtype=bool)[:, None]
    ends = np.cumsum(np.array(sizes), axis=1).T[:, :, None]
    starts = np.concatenate([np.zeros_like(ends[:1]), ends[:-1]])
    columns = np.arange(tokens)
    return np.asarray((columns >= starts) & (columns < ends))


def probability(outcome: Outcome, words: Words, which: int = 0) -> Array:
    """Probability of any token of a word, per prompt (any axes before are kept)."""
    return _sum(np.exp(outcome["log_probability"].astype(np.float64)), words[which])


def log_probability(outcome: Outcome, words: Words, which: int = 0) -> Array:
    """Log probability of any token of a word, in nats; of one token as it is, however small."""
    several = np.where(words[which], outcome["log_probability"].astype(np.float64), -np.inf)
    largest = several.max(-1)
    return np.asarray(largest + np.log(np.exp(several - largest[..., None]).sum(-1)))


def logit(outcome: Outcome, words: Words, which: int = 0) -> Array:
    """Logit of a word: the mean over its tokens."""
    mean: Array = _sum(outcome["logit"].astype(np.float64), words[which]) / words[which].sum(-1)
    return mean


def rank(outcome: Outcome, words: Words) -> Array:
    """Place of the first word among all tokens, 1 for the most likely: that of its most likely token."""
    return np.asarray(np.where(words[0], outcome["rank"].astype(np.float64), np.inf).min(-1))


METRICS: Mapping[str, Callable[[Outcome, Words], Array]] = {
    "probability": probability,
    "log probability": log_probability,
    "probability difference": lambda outcome, words: probability(outcome, words) - probability(outcome, words, 1),
    "log probability difference": lambda outcome, words: (
        log_probability(outcome, words) - log_probability(outcome, words, 1)
    ),
    "logit": logit,
    "logit difference": lambda outcome, words: logit(outcome, words) - logit(outcome, words, 1),
    "rank": rank,
    "entropy": lambda outcome, words: outcome["entropy"].astype(np.float64),
    "KL from clean": lambda outcome, words: outcome["kl_from_clean"].astype(np.float64),
}
"""Metrics of words, per prompt (any axes before are kept)."""


def _sum(values: Array, chosen: NDArray[np.bool_]) -> Array:
    return np.asarray(np.where(chosen, values, 0.0).sum(-1))


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


def accuracy(outcome: Outcome, asked: Sequence[Sequence[Sequence[int]]], top: int) -> Array:
    """1 where a token of the first word is the most likely one, or among the `top` most likely, else 0. `asked` are
    the tokens of each word of each prompt."""
    if top > 1:
        sizes = [[len(tokens) for tokens in words] for words in asked]
        return np.asarray(rank(outcome, words_of(sizes, outcome["rank"].shape[1])) <= top, dtype=np.float64)
    pairs = zip(outcome["top"].tolist(), asked, strict=True)
    return np.array([token in words[0] for token, words in pairs], dtype=np.float64)


def _probability_moved(change: Outcome, clean: Outcome, words: Words, which: int = 0) -> Array:
    moved = change["log_probability"].astype(np.float64) * np.exp(clean["log_probability"].astype(np.float64))
    return _sum(moved, words[which])


def _log_probability_moved(change: Outcome, clean: Outcome, words: Words, which: int = 0) -> Array:
    return _probability_moved(change, clean, words, which) / probability(clean, words, which)


ESTIMATES: Mapping[str, Callable[[Outcome, Outcome, Words], Array]] = {
    "probability": _probability_moved,
    "log probability": _log_probability_moved,
    "probability difference": lambda change, clean, words: (
        _probability_moved(change, clean, words) - _probability_moved(change, clean, words, 1)
    ),
    "log probability difference": lambda change, clean, words: (
        _log_probability_moved(change, clean, words) - _log_probability_moved(change, clean, words, 1)
    ),
    "logit": lambda change, clean, words: logit(change, words),
    "logit difference": lambda change, clean, words: logit(change, words) - logit(change, words, 1),
}
"""From estimated changes of logits and log probabilities to that of a metric, to first order."""


def estimated(name: str, change: Outcome, clean: Outcome, sizes: Sequence[Sequence[int]] = ()) -> Array:
    """A score, from estimated changes (..., prompt, k) of an `Attribute`. `sizes` say which tokens are of which word.
    -> (..., prompt)"""
    relative, kind = name.startswith("relative "), name.removeprefix("relative ")
    words = words_of(sizes, clean["logit"].shape[1])
    with np.errstate(divide="ignore", invalid="ignore"):  # whoever screens refuses what is not finite
        moved = ESTIMATES[kind](change, clean, words)
        return moved / METRICS[kind](clean, words) if relative else moved


def score(name: str, patched: Outcome, clean: Outcome, sizes: Sequence[Sequence[int]] = ()) -> Array:
    """How a patch moved a metric, per sender and prompt: the difference, or, for a relative score, the difference over
    the clean value.

    Patched outcomes are (sender, prompt, ...), or of one (prompt, ...), as clean ones are; `sizes` say which tokens are
    of which word.
    Source: equation for path patching in arXiv 2402.14811.
    """
    relative, kind = name.startswith("relative "), name.removeprefix("relative ")
    words = words_of(sizes, clean["logit"].shape[1])
    before, after = METRICS[kind](clean, words), METRICS[kind](patched, words)
    difference = after - before
    with np.errstate(divide="ignore", invalid="ignore"):  # whoever selects refuses what is not finite
        return difference / before if relative else difference
