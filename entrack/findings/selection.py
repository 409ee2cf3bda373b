"""Selection: from the outcomes of a hop to the heads that it keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from attrs import field, frozen

from entrack.findings.intervals import mean_interval
from entrack.findings.outcomes import Array, NotANumber, Outcome, score
from entrack.plan.steps import Select
from entrack.results import Interval
from entrack.sites import Head


@frozen(eq=False)
class Selection:
    """The heads kept, most negative first in `ranked`, and every head's mean score (layer, head); known zeros are exactly 0."""

    heads: tuple[Head, ...]
    scores: Array = field(repr=False)
    intervals: tuple[Interval, ...]
    known_zero: int
    taken: tuple[tuple[Head, int], ...]
    """Heads that would have been kept, and which of `Select.taken` has them already."""


def select(node: Select, clean: Sequence[Outcome], patched: Sequence[Sequence[Outcome] | None], earlier: Sequence[tuple[Head, ...]]) -> Selection:
    """Apply a selection. `patched[layer]` is None for a layer whose heads cannot reach the receivers."""
    per_prompt = _per_prompt(node, clean, patched)
    means = per_prompt.mean(axis=2)
    if not np.isfinite(means).all():
        raise NotANumber(f"the {node.score} of a head is not a number: it is relative to a clean run that gives 0 for some prompt")
    order = sorted((float(means[layer, head]), layer, head) for layer in range(node.layers) for head in range(node.heads))
    best = [Head(layer, head) for value, layer, head in order if value < 0][: node.keep]
    taken = [(head, group) for head in best for group, heads in enumerate(earlier) if head in heads]
    kept = tuple(head for head in best if head not in {other for other, _ in taken})
    intervals = tuple(mean_interval(per_prompt[head.layer, head.head], "discover") for head in kept)
    zero = node.heads * sum(layer is None for layer in patched)
    return Selection(kept, means, intervals, zero, tuple(taken))


def _per_prompt(node: Select, clean: Sequence[Outcome], patched: Sequence[Sequence[Outcome] | None]) -> Array:
    """Scores (layer, head, prompt)."""
    prompts = sum(len(outcome["top"]) for outcome in clean)
    scores = np.zeros((node.layers, node.heads, prompts))
    for layer, outcomes in enumerate(patched):
        if outcomes is not None:
            parts = [score(node.score, after, before) for after, before in zip(outcomes, clean, strict=True)]
            scores[layer] = np.concatenate(parts, axis=1)
    return scores


def merged(outcomes: Sequence[Outcome], places: Sequence[Sequence[int]], names: Sequence[str] = ("top", "logit", "log_probability")) -> Mapping[str, Array]:
    """Outcomes of batches as one, in the order of the population."""
    order = np.argsort(np.concatenate([np.asarray(many, dtype=np.int64) for many in places]))
    return {name: np.concatenate([outcome[name] for outcome in outcomes])[order] for name in names}
