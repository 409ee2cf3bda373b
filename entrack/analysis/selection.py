"""Selection of a hop's heads from their scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from attrs import field, frozen

from entrack.analysis.intervals import mean_interval
from entrack.analysis.outcomes import Array, NotANumber, Outcome, of_heads, score
from entrack.analysis.screening import Screening
from entrack.plan.steps import Select
from entrack.results import Interval
from entrack.sites import Site


@frozen(eq=False)
class Selection:
    """The heads kept, the lowest score first, and every head's mean score (layer, head): exactly 0 for known zeros,
    and not a number for heads that a screen left out. `outcomes` are the scores per prompt (layer, head, prompt)."""

    heads: tuple[Site, ...]
    scores: Array = field(repr=False)
    outcomes: Array = field(repr=False)
    intervals: tuple[Interval, ...]
    known_zero: int
    taken: tuple[tuple[Site, int], ...]
    """Heads that would have been kept, and which of `Select.taken` has them already."""


def select(
    node: Select,
    clean: Sequence[Outcome],
    patched: Sequence[Sequence[Outcome] | None],
    earlier: Sequence[tuple[Site, ...]],
    screening: Screening | None = None,
) -> Selection:
    """Apply a selection. `patched[layer]` is None for a layer of which nothing was run: its heads cannot reach the
    receivers, or a screen left them out. Only heads that a screen let through are kept."""
    per_prompt = _per_prompt(node, clean, patched, screening)
    means = per_prompt.mean(axis=2)
    run = (
        sorted(screening.heads)
        if screening
        else [Site.of_head(layer, head) for layer in range(node.layers) for head in range(node.heads)]
    )
    if not np.isfinite(of_heads(means, run)).all():
        raise NotANumber(
            f"the {node.score} of a head is not a number: it is relative to a clean run that gives 0 for some prompt"
        )
    able = screening.through if screening else run
    best = [head for value, head in sorted(zip(of_heads(means, able).tolist(), able, strict=True)) if value < 0][
        : node.keep
    ]
    taken = [(head, group) for head in best for group, heads in enumerate(earlier) if head in heads]
    kept = tuple(head for head in best if head not in {other for other, _ in taken})
    intervals = tuple(mean_interval(per_prompt[head.layer, head.head], "discover") for head in kept)
    zero = screening.known_zero if screening else node.heads * sum(layer is None for layer in patched)
    return Selection(kept, means, per_prompt, intervals, zero, tuple(taken))


def _per_prompt(
    node: Select, clean: Sequence[Outcome], patched: Sequence[Sequence[Outcome] | None], screening: Screening | None
) -> Array:
    """Scores (layer, head, prompt)."""
    prompts = sum(len(outcome["top"]) for outcome in clean)
    scores = np.zeros((node.layers, node.heads, prompts))
    if screening:
        scores[: node.layers - screening.known_zero // node.heads] = np.nan
    for layer, outcomes in enumerate(patched):
        if outcomes is not None:
            heads = [head.head for head in screening.heads if head.layer == layer] if screening else slice(None)
            scores[layer, heads] = np.concatenate(
                [
                    score(node.score, after, before, sizes)
                    for after, before, sizes in zip(outcomes, clean, node.words or [()] * len(clean), strict=True)
                ],
                axis=1,
            )
    return scores


def merged(
    outcomes: Sequence[Outcome],
    places: Sequence[Sequence[int]],
    names: Sequence[str] = ("top", "logit", "log_probability"),
) -> Mapping[str, Array]:
    """Outcomes of batches as one, in the order of the population."""
    order = np.argsort(np.concatenate([np.asarray(many, dtype=np.int64) for many in places]))
    return {name: np.concatenate([outcome[name] for outcome in outcomes])[order] for name in names}
