"""Protocol of a run as the analysis needs it: values, addresses and selections; and the outcomes of one run as an
array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, assert_never

import numpy as np

from entrack.analysis.outcomes import METRICS, Array, Outcome, accuracy, words_of
from entrack.analysis.racing import Racing
from entrack.analysis.screening import Screening
from entrack.analysis.selection import Selection, merged
from entrack.check.resolved import Population
from entrack.plan.plan import RunPlan
from entrack.sites import Part, Share, Site


class Ran(Protocol):
    """The value and address of every step, and what every selection kept."""

    def value(self, id: str) -> Outcome: ...
    def address_of(self, id: str) -> str: ...
    def made(self, id: str) -> bool: ...
    def selection(self, id: str) -> Selection: ...
    def screening(self, id: str) -> Screening: ...
    def racing(self, id: str) -> Racing: ...


def outcomes_of(kind: str, run: RunPlan, ran: Ran, top: int = 1, site: Site | Share | None = None) -> Array:
    """A metric per prompt of a run, in the order of the population. `top` is how many tokens an accuracy looks among,
    `site` whose attention is meant, before which layer a logit lens stands, or what a logit is attributed to."""
    if run.whole:
        return _of_whole_words(kind, run, ran)
    values = [
        {kind: of_batch(kind, ran.value(id), [run.asked[place] for place in places], top, site)}
        for id, places in zip(run.evaluations, run.places, strict=True)
    ]
    return merged(values, run.places, (kind,))[kind]


def _of_whole_words(kind: str, run: RunPlan, ran: Ran) -> Array:
    """A metric of words that are told by all their tokens. The loss over a word is the mean over its tokens."""
    likely = -_losses(run, ran) * np.array([len(prompt.follows) for prompt in run.prompts])
    many = [sum(sizes) for sizes in run.whole]
    table = np.zeros((len(many), max(many)))
    table[np.arange(max(many)) < np.array(many)[:, None]] = likely
    return METRICS[kind]({"log_probability": table}, words_of(run.whole, max(many)))


def _losses(run: RunPlan, ran: Ran) -> Array:
    """The loss of each place of a run."""
    values = [{"loss": ran.value(id)["loss"].astype(np.float64)} for id in run.evaluations]
    return merged(values, run.places, ("loss",))["loss"]


def of_batch(
    kind: str, outcome: Outcome, asked: Sequence[Sequence[Sequence[int]]], top: int, site: Site | Share | None = None
) -> Array:
    """A metric per prompt of one batch, whose words have the tokens `asked`, prompt by prompt and word by word."""
    if kind == "loss":
        return np.asarray(outcome["loss"], dtype=np.float64)
    if kind == "attention":
        assert isinstance(site, Site)  # a cell is of one head
        return np.asarray(outcome["attention"][site.layer, site.head], dtype=np.float64)
    outcome = _of_site(outcome, site)
    if kind == "accuracy":
        return accuracy(outcome, asked, top)
    sizes = [[len(tokens) for tokens in words] for words in asked]
    return METRICS[kind](outcome, words_of(sizes, outcome["logit"].shape[1]))


def _of_site(outcome: Outcome, site: Site | Share | None) -> Outcome:
    """The outcome of one site, where a value has those of many: a layer of a logit lens, or a share of logits."""
    match site:
        case None:
            return outcome
        case Site(part=Part.RESIDUAL):
            return {name: values[site.layer] for name, values in outcome.items()}
        case Site():
            added = outcome[site.part.value][site.layer]
            return {"logit": added if site.index is None else added[site.index]}
        case Share.ATTENTION | Share.MLP:
            return {"logit": outcome[site.value].sum(0, dtype=np.float64)}
        case Share.EMBEDDING | Share.BIAS:
            return {"logit": outcome[site.value]}
        case _:
            assert_never(site)


def drawn_together(population: Population) -> str:
    """The name of a population's prompts. Those drawn with one seed and purpose come in pairs, whatever is done to
    them."""
    return f"{population.purpose}/{population.seed}/{population.task.name}"
