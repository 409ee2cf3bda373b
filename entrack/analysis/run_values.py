"""Protocol of a run as the analysis needs it: values, addresses and selections; and the outcomes of one run as an
array."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from entrack.analysis.outcomes import Array, Outcome, metric
from entrack.analysis.screening import Screening
from entrack.analysis.selection import Selection, merged
from entrack.check.resolved import Population
from entrack.plan.plan import RunPlan


class Ran(Protocol):
    """The value and address of every step, and what every selection kept."""

    def value(self, id: str) -> Outcome: ...
    def address_of(self, id: str) -> str: ...
    def made(self, id: str) -> bool: ...
    def selection(self, id: str) -> Selection: ...
    def screening(self, id: str) -> Screening: ...


def outcomes_of(kind: str, run: RunPlan, of: tuple[str, ...], ran: Ran) -> Array:
    """A metric per prompt of a run, in the order of the population."""
    asked = np.array([[prompt.ids[name][0] for name in of] for prompt in run.prompts], dtype=np.int64)
    return metric(kind, merged([ran.value(id) for id in run.evaluations], run.places), asked)


def resampling_of(population: Population) -> str:
    """The name of a population's resamples. Prompts drawn with one seed and purpose come in pairs, whatever is done
    to them."""
    return f"{population.purpose}/{population.seed}/{population.task.name}"
