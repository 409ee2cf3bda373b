"""Selection of a hop's sites from their scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import assert_never

import numpy as np
from attrs import field
from numpy.typing import NDArray

from entrack.analysis.outcomes import Array, BySite, Outcome
from entrack.analysis.racing import Racing
from entrack.analysis.resampling import resampled_rows
from entrack.analysis.screening import Screening
from entrack.analysis.sender_scores import Patched, first, own_limits, scores_of
from entrack.analysis.significance import significance, significant_again
from entrack.frozen import frozen
from entrack.plan.steps import Select
from entrack.ranking import Ranking
from entrack.results import Interval, Significance
from entrack.sites import Part, Site, every_sender


@frozen(eq=False)
class Selection:
    """The sites kept, the best score first, and every site's mean score: exactly 0 for known zeros, and not a number
    for sites that a screen left out. `outcomes` are the scores per prompt (site, prompt), in the order of
    batches, not a number where a race ran a site no more."""

    sites: tuple[Site, ...]
    scores: BySite = field(repr=False)
    outcomes: BySite = field(repr=False)
    intervals: tuple[Interval, ...]
    known_zero: int
    able: tuple[Site, ...] = field(repr=False)
    """Those that may be kept: all, or what a screen let through."""
    taken: tuple[tuple[Site, int], ...]
    """Sites that would have been kept, and which of `Select.taken` has them already."""
    significance: Significance | None = None
    """None of a race: how many prompts a sender has follows from its scores."""


def select(
    node: Select,
    clean: Sequence[Outcome],
    patched: Mapping[Part, Patched],
    earlier: Sequence[tuple[Site, ...]],
    screening: Screening | None = None,
) -> Selection:
    """Apply a selection. `patched` are the outcomes of each part that sends, None for a layer of which nothing was run:
    its senders cannot reach the receivers, or a screen left them out. Only sites that a screen let through are kept."""
    run, reaching = (frozenset(screening.sites), frozenset(screening.reaching)) if screening else (None, None)
    scores = scores_of(node, clean, patched, run, reaching)
    means = scores.mean()
    able = screening.through if screening else means.sites
    zero = screening.known_zero if screening else sum(_zeros(node, part, given) for part, given in patched.items())
    tested = [site for site in (run or means.sites) if patched[site.part][site.layer] is not None]
    known = significance(node, scores, sorted(tested), able, len(scores.sites) - zero)
    best = first(node.ranking, means, able)[: node.keep] if node.rate is None else known.sites
    return _selection(best, means, scores, able, zero, earlier, known)


def select_raced(node: Select, racing: Racing, earlier: Sequence[tuple[Site, ...]]) -> Selection:
    """The selection of a race that is over: those decided to be kept, by their means over the prompts that they were
    run on."""
    means = racing.means
    best = first(node.ranking, means, racing.kept)
    return _selection(best, means, racing.scores, racing.entered, racing.known_zero, earlier)


def _selection(
    best: Sequence[Site],
    means: BySite,
    scores: BySite,
    able: tuple[Site, ...],
    zero: int,
    earlier: Sequence[tuple[Site, ...]],
    known: Significance | None = None,
) -> Selection:
    taken = [(site, group) for site in best for group, sites in enumerate(earlier) if site in sites]
    kept = tuple(site for site in best if site not in {other for other, _ in taken})
    intervals = tuple(map(Interval, *(ends.tolist() for ends in own_limits(scores.of(kept)))))
    return Selection(kept, means, scores, intervals, zero, able, tuple(taken), known)


def kept_again(node: Select, selection: Selection, able: Sequence[Site]) -> tuple[float, ...]:
    """How often each site that was kept would be among the best `keep` of those `able` to be kept, or as significant as
    it has to be, were the prompts drawn again: the share of resamples, in the order of the selection's sites."""
    if node.rate is not None and selection.significance is not None:
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


def _zeros(node: Select, part: Part, patched: Patched) -> int:
    return len(every_sender(part, 1, node.heads)) * sum(layer is None for layer in patched)


def merged(
    outcomes: Sequence[Outcome],
    places: Sequence[Sequence[int]],
    names: Sequence[str] = ("top", "logit", "log_probability"),
) -> Mapping[str, Array]:
    """Outcomes of batches as one, in the order of the population."""
    order = order_of(places)
    return {name: np.concatenate([outcome[name] for outcome in outcomes])[order] for name in names}


def order_of(places: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    """Where each prompt of the population stands among those of batches."""
    return np.argsort(np.concatenate([np.asarray(many, dtype=np.int64) for many in places]))
