"""Protocol of a run as the analysis needs it: values, addresses and selections; and the outcomes of one run as an
array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from entrack.analysis.outcomes import METRICS, Array, Outcome, accuracy, words_of
from entrack.analysis.screening import Screening
from entrack.analysis.selection import Selection, merged
from entrack.check.resolved import Population
from entrack.plan.plan import RunPlan
from entrack.sites import Site


class Ran(Protocol):
    """The value and address of every step, and what every selection kept."""

    def value(self, id: str) -> Outcome: ...
    def address_of(self, id: str) -> str: ...
    def made(self, id: str) -> bool: ...
    def selection(self, id: str) -> Selection: ...
    def screening(self, id: str) -> Screening: ...


def outcomes_of(kind: str, run: RunPlan, ran: Ran, top: int = 1, site: Site | None = None) -> Array:
    """A metric per prompt of a run, in the order of the population. `top` is how many tokens an accuracy looks among,
    `site` whose attention is meant, or before which layer a logit lens stands."""
    values = [
        {kind: _of_batch(kind, ran.value(id), [run.asked[place] for place in places], top, site)}
        for id, places in zip(run.evaluations, run.places, strict=True)
    ]
    return merged(values, run.places, (kind,))[kind]


def _of_batch(
    kind: str, outcome: Outcome, asked: Sequence[Sequence[Sequence[int]]], top: int, site: Site | None
) -> Array:
    if kind == "loss":
        return np.asarray(outcome["loss"], dtype=np.float64)
    if kind == "attention":
        assert site is not None  # a cell is of one head
        return np.asarray(outcome["attention"][site.layer, site.head], dtype=np.float64)
    if site is not None:
        outcome = {name: values[site.layer] for name, values in outcome.items()}
    if kind == "accuracy":
        return accuracy(outcome, asked, top)
    sizes = [[len(tokens) for tokens in words] for words in asked]
    return METRICS[kind](outcome, words_of(sizes, outcome["logit"].shape[-1]))


def drawn_together(population: Population) -> str:
    """The name of a population's prompts. Those drawn with one seed and purpose come in pairs, whatever is done to
    them."""
    return f"{population.purpose}/{population.seed}/{population.task.name}"
