"""Selection of a hop's sites from their scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import assert_never

import numpy as np
from attrs import field, frozen

from entrack.analysis.intervals import mean_limits
from entrack.analysis.outcomes import Array, BySite, NotANumber, Outcome, score
from entrack.analysis.resampling import resampled_rows
from entrack.analysis.screening import Screening
from entrack.analysis.significance import first, significance, significant_again
from entrack.plan.steps import Select
from entrack.ranking import Ranking
from entrack.results import Interval, Significance
from entrack.sites import Part, Site, every_sender

Patched = Sequence[Sequence[Outcome] | None]
"""Per layer, per batch."""


@frozen(eq=False)
class Selection:
    """The sites kept, the best score first, and every site's mean score: exactly 0 for known zeros, and not a number
    for sites that a screen left out. `outcomes` are the scores per prompt (site, prompt)."""

    sites: tuple[Site, ...]
    scores: BySite = field(repr=False)
    outcomes: BySite = field(repr=False)
    intervals: tuple[Interval, ...]
    known_zero: int
    able: tuple[Site, ...] = field(repr=False)
    """Those that may be kept: all, or what a screen let through."""
    taken: tuple[tuple[Site, int], ...]
    """Sites that would have been kept, and which of `Select.taken` has them already."""
    significance: Significance


def select(
    node: Select,
    clean: Sequence[Outcome],
    patched: Mapping[Part, Patched],
    earlier: Sequence[tuple[Site, ...]],
    screening: Screening | None = None,
) -> Selection:
    """Apply a selection. `patched` are the outcomes of each part that sends, None for a layer of which nothing was run:
    its senders cannot reach the receivers, or a screen left them out. Only sites that a screen let through are kept."""
    per_prompt = BySite.joined([_per_prompt(node, part, clean, given, screening) for part, given in patched.items()])
    means = per_prompt.mean()
    run = screening.sites if screening else means.sites
    if not np.isfinite(means.of(run)).all():
        raise NotANumber(
            f"the {node.score} of a {_kind(patched)} is not a number: it is relative to a clean run that gives 0 for "
            "some prompt"
        )
    able = screening.through if screening else run
    zero = screening.known_zero if screening else sum(_zeros(node, part, given) for part, given in patched.items())
    tested = [site for site in run if patched[site.part][site.layer] is not None]
    known = significance(node, per_prompt, tested, able, len(per_prompt.sites) - zero)
    best = first(node.ranking, means, able)[: node.keep] if node.rate is None else known.sites
    taken = [(site, group) for site in best for group, sites in enumerate(earlier) if site in sites]
    kept = tuple(site for site in best if site not in {other for other, _ in taken})
    intervals = tuple(map(Interval, *(ends.tolist() for ends in mean_limits(per_prompt.of(kept)))))
    return Selection(kept, means, per_prompt, intervals, zero, able, tuple(taken), known)


def kept_again(node: Select, selection: Selection, able: Sequence[Site]) -> tuple[float, ...]:
    """How often each site that was kept would be among the best `keep` of those `able` to be kept, or as significant as
    it has to be, were the prompts drawn again: the share of resamples, in the order of the selection's sites."""
    if node.rate is not None:
        return significant_again(selection.significance, node.ranking, selection.outcomes, selection.sites)
    able = sorted(able)
    scores = _keys(node.ranking, resampled_rows(selection.outcomes.of(able), "discover"))
    order = np.argsort(scores, axis=1, kind="stable")[:, : node.keep]
    best = np.zeros(scores.shape, dtype=bool)
    np.put_along_axis(best, order, values=True, axis=1)
    shares = dict(zip(able, (best & (scores < 0)).mean(axis=0).tolist(), strict=True))
    return tuple(shares[site] for site in selection.sites)


def _keys(ranking: Ranking, scores: Array) -> Array:
    """`Ranking.key` of each."""
    match ranking:
        case Ranking.LOWEST:
            return scores
        case Ranking.HIGHEST:
            return -scores
        case Ranking.STRONGEST:
            return np.asarray(-np.abs(scores))
    assert_never(ranking)


def _kind(patched: Mapping[Part, Patched]) -> str:
    return "head" if tuple(patched) == (Part.OUTPUT,) else "site"


def _zeros(node: Select, part: Part, patched: Patched) -> int:
    return len(every_sender(part, 1, node.heads)) * sum(layer is None for layer in patched)


def _per_prompt(
    node: Select, part: Part, clean: Sequence[Outcome], patched: Patched, screening: Screening | None
) -> BySite:
    """Scores (site, prompt) of all sites of a part."""
    sites = every_sender(part, node.layers, node.heads)
    run = set(sites) if screening is None else set(screening.sites)
    reaching = set(sites) if screening is None else set(screening.reaching)
    prompts = sum(len(outcome["top"]) for outcome in clean)
    scores = BySite(sites, np.zeros((len(sites), prompts)))
    scores.values[[site in reaching and site not in run for site in sites]] = np.nan
    for layer, outcomes in enumerate(patched):
        if outcomes is not None:
            rows = [site.layer == layer and site in run for site in sites]
            scores.values[rows] = np.concatenate(
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
