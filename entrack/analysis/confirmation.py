"""Confirmation: the scores of what a hop kept on prompts that chose nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from entrack.analysis.intervals import mean_limits
from entrack.analysis.outcomes import Array, NotANumber, Outcome, score
from entrack.analysis.run_values import Ran
from entrack.analysis.selection import order_of
from entrack.plan.plan import AgainPlan
from entrack.results import Confirmed, Interval
from entrack.sites import Site


def confirmed(name: str, sites: Sequence[Site], again: AgainPlan, ran: Ran) -> Confirmed:
    """The scores of sites that were kept, by the score of this name. Raises NotANumber."""
    values = np.array([_scores(name, site, sites, again, ran) for site in sites]).reshape(len(sites), again.n)
    if not np.isfinite(values).all():
        raise NotANumber(
            f"the {name} of a site that was kept is not a number on the prompts that confirm it: it is relative to a "
            "clean run that gives 0 for some prompt"
        )
    low, high = mean_limits(values)
    return Confirmed(
        again.n,
        dict(zip(sites, values.mean(axis=1).tolist(), strict=True)),
        dict(zip(sites, map(Interval, low.tolist(), high.tolist()), strict=True)),
        dict(zip(sites, map(tuple, values[:, order_of(again.places)].tolist()), strict=True)),
    )


def _scores(name: str, site: Site, sites: Sequence[Site], again: AgainPlan, ran: Ran) -> Array:
    """Of one site, batch by batch. Its row is its place among those of its layer that were kept."""
    row = sorted(other for other in sites if (other.layer, other.part) == (site.layer, site.part)).index(site)
    patched, words = again.patched[site.part][site.layer], again.words or [()] * len(again.clean)
    return np.concatenate(
        [
            score(name, _row(ran.value(after), row), ran.value(before), sizes)
            for before, after, sizes in zip(again.clean, patched, words, strict=True)
        ]
    )


def _row(outcome: Outcome, row: int) -> Outcome:
    return {part: values[row] for part, values in outcome.items()}
