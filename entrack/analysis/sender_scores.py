"""The scores of senders, prompt by prompt, from the outcomes of their path patches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

import numpy as np

from entrack.analysis.intervals import mean_limits
from entrack.analysis.outcomes import Array, BySite, NotANumber, Outcome, score
from entrack.plan.steps import Race, Select
from entrack.ranking import Ranking
from entrack.sites import Part, Site, every_sender

Patched = Sequence[Sequence[Outcome] | None]
"""Per layer, per batch."""


def scores_of(
    node: Select | Race,
    clean: Sequence[Outcome],
    patched: Mapping[Part, Patched],
    run: Set[Site] | None = None,
    reaching: Set[Site] | None = None,
) -> BySite:
    """Scores (site, prompt) of all senders: exactly 0 for those that are not `reaching` a receiver, not a number for
    those that were not `run`. None: all were. Raises NotANumber."""
    found = BySite.joined([_of_part(node, part, clean, given, run, reaching) for part, given in patched.items()])
    wanted = found.sites if run is None else tuple(run)
    if not np.isfinite(found.of(wanted).mean(axis=1)).all():
        raise NotANumber(
            f"the {node.score} of a {_kind(patched)} is not a number: it is relative to a clean run that gives 0 for "
            "some prompt"
        )
    return found


def _of_part(
    node: Select | Race,
    part: Part,
    clean: Sequence[Outcome],
    patched: Patched,
    run: Set[Site] | None,
    reaching: Set[Site] | None,
) -> BySite:
    sites = every_sender(part, node.layers, node.heads)
    ran = set(sites) if run is None else run
    able = set(sites) if reaching is None else reaching
    prompts = sum(len(outcome["top"]) for outcome in clean)
    scores = BySite(sites, np.zeros((len(sites), prompts)))
    scores.values[[site in able and site not in ran for site in sites]] = np.nan
    for layer, outcomes in enumerate(patched):
        if outcomes is not None:
            rows = [site.layer == layer and site in ran for site in sites]
            scores.values[rows] = np.concatenate(
                [
                    score(node.score, after, before, sizes)
                    for after, before, sizes in zip(outcomes, clean, node.words or [()] * len(clean), strict=True)
                ],
                axis=1,
            )
    return scores


def first(ranking: Ranking, means: BySite, able: Sequence[Site]) -> list[Site]:
    """The sites whose scores may be kept, the best first; ties by site."""
    keyed = sorted((ranking.key(value), site) for value, site in zip(means.of(able).tolist(), able, strict=True))
    return [site for key, site in keyed if key < 0]


def own_prompts(values: Array) -> Array:
    """How many prompts each row has scores of: the first so many, and the rest is not a number."""
    return np.asarray((~np.isnan(values)).sum(axis=1))


def own_means(scores: BySite) -> BySite:
    """The mean of each site over the prompts that it was run on; not a number where there are none."""
    many = own_prompts(scores.values)
    sums = np.where(np.isnan(scores.values), 0.0, scores.values).sum(axis=1)
    return BySite(scores.sites, np.divide(sums, many, out=np.full(len(many), np.nan), where=many > 0))


def own_limits(values: Array) -> tuple[Array, Array]:
    """The limits of the mean of each row, over the prompts that it has scores of."""
    many = own_prompts(values)
    low, high = np.full(len(values), np.nan), np.full(len(values), np.nan)
    for one in np.unique(many[many > 0]):
        low[many == one], high[many == one] = mean_limits(values[many == one, :one])
    return low, high


def _kind(patched: Mapping[Part, Patched]) -> str:
    return "head" if tuple(patched) == (Part.OUTPUT,) else "site"
