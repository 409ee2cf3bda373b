"""Results: what a run found, as frozen values with units, axes, intervals and where they came from.

Reports read only these. `Results.to_json` is the documented document of `entrack run --json` (docs/results.md).
Per-prompt outcomes are plain floats; nothing here needs numpy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any

from attrs import field, frozen

from entrack.arguments import text
from entrack.errors import ArgumentError, UnknownName, unknown
from entrack.sites import Part, Site, layer_by_head


@frozen
class Interval:
    """A 95 % bootstrap interval over prompts."""

    low: float
    high: float


@frozen
class Axis:
    """One way in which the cells of a measure differ: its name (model, intervention, prompts, ...) and its labels in
    order."""

    name: str
    labels: tuple[str, ...]


@frozen
class Cell:
    """One number of a measure. `labels` has one label per axis. `outcomes` are the per-prompt values that `value` was
    made of.

    `interval` is None where there are no prompts to resample (an overlap of circuits: `n` is then a number of heads).
    `sd` is over draws, where there are several; `draws` are the values draw by draw.
    """

    labels: tuple[str, ...]
    value: float
    n: int
    interval: Interval | None
    outcomes: tuple[float, ...] = field(repr=False)
    sd: float | None = None
    draws: tuple[float, ...] = ()
    address: str = ""


@frozen
class Measure:
    """A grid of cells. `metric` is accuracy, probability, logit difference, ...; `unit` says how to read the values:
    fraction of prompts, probability, logits, ... Each cell has one label of each axis."""

    name: str
    metric: str
    unit: str
    axes: tuple[Axis, ...]
    cells: tuple[Cell, ...]

    def cell(self, *labels: str) -> Cell:
        """The one cell that carries all these labels. Raises UnknownName when none or several do."""
        known = [label for axis in self.axes for label in axis.labels]
        for label in labels:
            if text(label, "a label") not in known:
                raise unknown(f"no cell of {self.name} has the label", label, known)
        hits = [cell for cell in self.cells if all(label in cell.labels for label in labels)]
        if len(hits) != 1:
            said = ", ".join(labels) or "no label asked for, so all"
            raise UnknownName(f"{len(hits)} cells of {self.name} carry {said}; axes: {self._axes()}")
        return hits[0]

    def records(self) -> list[dict[str, Any]]:
        """One flat record a cell, for a data frame."""
        names = [axis.name for axis in self.axes]
        return [
            {
                "measure": self.name,
                **dict(zip(names, cell.labels, strict=True)),
                "value": cell.value,
                "n": cell.n,
                "low": cell.interval.low if cell.interval else None,
                "high": cell.interval.high if cell.interval else None,
                "sd": cell.sd,
            }
            for cell in self.cells
        ]

    def to_pandas(self) -> Any:
        """The cells as a pandas data frame. Raises ImportError, saying what to install, where pandas is not there."""
        return _frame(self.records())

    def _axes(self) -> str:
        return "; ".join(f"{axis.name}: {', '.join(axis.labels)}" for axis in self.axes)


@frozen
class Agreement:
    """Spearman's rank correlation of estimates and scores over the `n` heads that a screen let through."""

    value: float
    interval: Interval
    n: int


@frozen
class Missed:
    """What a screen left out: `others` heads, of which those `checked` were run too, and `heads` of these would have
    been kept.

    `of_others` is the 95 % interval of how many of the others would have been, by the hypergeometric distribution.
    """

    checked: tuple[Site, ...]
    heads: tuple[Site, ...]
    others: int
    of_others: Interval


@frozen
class Screen:
    """A hop's screen: which heads were let through, the lowest estimate first, and how far it can be trusted.

    `estimates` are the estimated mean scores of all sites; one that cannot reach the receivers has exactly 0.0.
    `steps` are the points at which gradients were taken, 0 for the clean run alone. `places` say, in the order of the
    group's sites, how many sites had an estimate at least as low. `agreement` is None where there is nothing to rank.
    """

    steps: int
    through: tuple[Site, ...]
    places: tuple[int, ...]
    agreement: Agreement | None
    missed: Missed
    estimates: Mapping[Site, float] = field(repr=False)


@frozen(slots=False)
class Group:
    """One hop's result: the sites kept, and how every site scored.

    `scores` are mean scores over prompts; a site that cannot reach the receivers scores exactly 0.0, and one that a
    screen left out has no score: None. `known_zero` is how many were not run because they cannot. `also` names sites
    that an earlier group of this position keeps. `intervals` follow `sites`.
    """

    name: str
    position: str
    receivers: tuple[str, ...]
    sites: tuple[Site, ...]
    intervals: tuple[Interval, ...]
    scores: Mapping[Site, float | None] = field(repr=False)
    known_zero: int = 0
    also: tuple[tuple[Site, str], ...] = ()
    note: str = ""
    screen: Screen | None = None

    @property
    def heads(self) -> tuple[Site, ...]:
        """Of the sites kept, those that are heads."""
        return tuple(site for site in self.sites if site.part is Part.OUTPUT)

    @cached_property
    def matrix(self) -> tuple[tuple[float | None, ...], ...]:
        """The scores of the heads, `matrix[layer][head]`."""
        return layer_by_head(self.scores)


@frozen
class Discovery:
    """A circuit found by path patching. `groups` are in hop order; `score` says what the heads' scores are, means over
    `n` prompts of (patched - clean), or over clean where it is relative (docs/semantics.md)."""

    name: str
    model: str
    score: str
    n: int
    groups: tuple[Group, ...]
    address: str = ""

    def group(self, name: str) -> Group:
        """The group of that name. Raises UnknownName."""
        for group in self.groups:
            if group.name == text(name, "a group's name"):
                return group
        raise unknown(f"{self.name} has no group", text(name, "a group's name"), [group.name for group in self.groups])

    def records(self) -> list[dict[str, Any]]:
        """One flat record a scored site; `head` is None where it is no head."""
        return [
            {
                "discovery": self.name,
                "group": group.name,
                "position": group.position,
                "site": str(site),
                "layer": site.layer,
                "head": site.index,
                "score": score,
                "kept": site in group.sites,
                **({"estimate": group.screen.estimates[site]} if group.screen else {}),
            }
            for group in self.groups
            for site, score in group.scores.items()
        ]

    def to_pandas(self) -> Any:
        """The scores of all sites as a pandas data frame."""
        return _frame(self.records())


@frozen
class Mask:
    """A mask learned over a group for one desideratum. `values` are the masks of `over`, 0 to 1; `heads` those it
    patches (rounded to 0). It is the mask after `step` steps of Adam, whose accuracy on the `n` validation prompts is
    `validation`."""

    name: str
    model: str
    group: str
    desideratum: str
    position: str
    over: tuple[Site, ...]
    values: tuple[float, ...]
    heads: tuple[Site, ...]
    step: int
    validation: float
    n: int
    address: str = ""


@frozen
class Claim:
    """A sentence with its number. `bound` is what `value` was held against; for `within`, `tolerance` says how near.

    Where the expression divides by a measure that is zero, `value` and `interval` are not numbers and the claim fails.
    """

    text: str
    expression: str
    value: float
    relation: str
    bound: float
    passed: bool
    n: int
    interval: Interval
    tolerance: float | None = None
    published: float | None = None


@frozen
class Figure:
    """A figure that the spec asks for: `kind` (bars, curves, heatmap, diagram, scatter) of the result `of`, with its
    options."""

    title: str
    kind: str
    of: str
    options: Mapping[str, str] = field(factory=dict)


@frozen
class Table:
    """A table that the spec asks for."""

    title: str
    of: str


@frozen
class Provenance:
    """Where the numbers came from: the spec, the models by digest, how many steps were computed and found, with
    which versions."""

    spec: str
    spec_address: str
    language: int
    entrack: str
    models: Mapping[str, Mapping[str, Any]]
    seed: int
    params: Mapping[str, float]
    changed_params: tuple[str, ...]
    steps: int
    computed: int
    found: int
    realised: tuple[Mapping[str, Any], ...] = ()
    tolerance: str = ""
    known_zero: int = 0
    """Steps that were not run, because their heads cannot reach a receiver."""
    screened_out: int = 0
    """Steps that were not run, because a screen let none of their heads through."""
    accept: str = "any"
    """Which stored values were taken."""
    reused: tuple[Mapping[str, Any], ...] = ()
    """Values from the store that were made with other versions, on another kind of device or on another machine than
    this run's."""


@frozen
class Results:
    """Everything a run found, in the order of the spec."""

    title: str
    measures: tuple[Measure, ...]
    discoveries: tuple[Discovery, ...]
    masks: tuple[Mask, ...]
    claims: tuple[Claim, ...]
    figures: tuple[Figure, ...]
    tables: tuple[Table, ...]
    provenance: Provenance
    html: Callable[[Results], str] | None = field(default=None, kw_only=True, eq=False, repr=False)
    """How a notebook shows them (`report/html.py`, for what a run gives); None: as text."""

    def __getitem__(self, name: str) -> Measure | Discovery:
        """The measure or discovery of that name. Raises UnknownName."""
        text(name, "the name of a result")
        for found in self:
            if found.name == name:
                return found
        raise unknown("there is no measure or discovery", name, [found.name for found in self])

    def __iter__(self) -> Iterator[Measure | Discovery]:
        """Measures, then discoveries, in the order of the spec."""
        return iter((*self.measures, *self.discoveries))

    def mask(self, group: str, desideratum: str) -> Mask:
        """The mask over a group for a desideratum. Raises UnknownName, and ArgumentError where several masks have
        both."""
        groups = [mask.group for mask in self.masks]
        if text(group, "group") not in groups:
            raise unknown("there is no mask over", group, groups)
        of = [mask for mask in self.masks if mask.group == group]
        hits = [mask for mask in of if mask.desideratum == text(desideratum, "desideratum")]
        if not hits:
            raise unknown(f"there is no mask over {group} for", desideratum, [mask.desideratum for mask in of])
        if len({mask.name for mask in hits}) > 1:
            raise ArgumentError(
                f"{len(hits)} masks are over {group} for {desideratum}: {', '.join(mask.name for mask in hits)}; "
                "look through `masks`"
            )
        return hits[0]

    @property
    def passed(self) -> bool:
        """Whether every claim holds."""
        return all(claim.passed for claim in self.claims)

    def to_pandas(self) -> Any:
        """All cells of all measures as one pandas data frame."""
        return _frame([record for measure in self.measures for record in measure.records()])

    def to_json(self) -> dict[str, Any]:
        """The document of `run --json`; see docs/results.md."""
        return {
            "entrack_results": 1,
            "title": self.title,
            "measures": [_measure(measure) for measure in self.measures],
            "discoveries": [_discovery(discovery) for discovery in self.discoveries],
            "masks": [_mask(mask) for mask in self.masks],
            "claims": [_claim(claim) for claim in self.claims],
            "provenance": _provenance(self.provenance),
        }

    def _repr_html_(self) -> str | None:
        return None if self.html is None else self.html(self)


def _frame(records: list[dict[str, Any]]) -> Any:
    try:
        import pandas
    except ImportError:
        raise ImportError("to_pandas needs pandas: pip install pandas") from None
    return pandas.DataFrame(records)


def _interval(interval: Interval | None) -> list[float] | None:
    return None if interval is None else [interval.low, interval.high]


def _measure(measure: Measure) -> dict[str, Any]:
    names = [axis.name for axis in measure.axes]
    return {
        "name": measure.name,
        "metric": measure.metric,
        "unit": measure.unit,
        "axes": [{"name": axis.name, "labels": list(axis.labels)} for axis in measure.axes],
        "cells": [
            {
                "labels": dict(zip(names, cell.labels, strict=True)),
                "value": cell.value,
                "n": cell.n,
                "interval": _interval(cell.interval),
                "sd": cell.sd,
                "draws": list(cell.draws),
                "outcomes": list(cell.outcomes),
                "address": cell.address,
            }
            for cell in measure.cells
        ],
    }


def _discovery(discovery: Discovery) -> dict[str, Any]:
    return {
        "name": discovery.name,
        "model": discovery.model,
        "score": discovery.score,
        "n": discovery.n,
        "address": discovery.address,
        "groups": [
            {
                "name": group.name,
                "position": group.position,
                "receivers": list(group.receivers),
                "sites": list(map(str, group.sites)),
                "heads": _heads(group.heads),
                "intervals": [_interval(interval) for interval in group.intervals],
                "scores": [list(row) for row in group.matrix],
                "other_scores": _other_scores(group),
                "known_zero": group.known_zero,
                "also": [{"head": [site.layer, site.index], "group": name} for site, name in group.also],
                "note": group.note,
                "screen": _screen(group.screen),
            }
            for group in discovery.groups
        ],
    }


def _other_scores(group: Group) -> dict[str, float | None]:
    """Of sites that are no heads."""
    return {str(site): score for site, score in group.scores.items() if site.part is not Part.OUTPUT}


def _screen(screen: Screen | None) -> dict[str, Any] | None:
    if screen is None:
        return None
    known = screen.agreement
    return {
        "steps": screen.steps,
        "through": _heads(screen.through),
        "places": list(screen.places),
        "agreement": known and {"spearman": known.value, "interval": _interval(known.interval), "n": known.n},
        "missed": {
            "checked": _heads(screen.missed.checked),
            "heads": _heads(screen.missed.heads),
            "others": screen.missed.others,
            "of_others": _interval(screen.missed.of_others),
        },
        "estimates": [list(row) for row in layer_by_head(screen.estimates)],
    }


def _heads(heads: tuple[Site, ...]) -> list[list[int]]:
    return [[head.layer, head.head] for head in heads]


def _mask(mask: Mask) -> dict[str, Any]:
    return {
        "name": mask.name,
        "model": mask.model,
        "group": mask.group,
        "desideratum": mask.desideratum,
        "position": mask.position,
        "over": _heads(mask.over),
        "values": list(mask.values),
        "heads": _heads(mask.heads),
        "step": mask.step,
        "validation": mask.validation,
        "n": mask.n,
        "address": mask.address,
    }


def _claim(claim: Claim) -> dict[str, Any]:
    return {
        "text": claim.text,
        "expression": claim.expression,
        "value": claim.value,
        "relation": claim.relation,
        "bound": claim.bound,
        "tolerance": claim.tolerance,
        "published": claim.published,
        "passed": claim.passed,
        "n": claim.n,
        "interval": _interval(claim.interval),
    }


def _provenance(provenance: Provenance) -> dict[str, Any]:
    return {
        "spec": provenance.spec,
        "spec_address": provenance.spec_address,
        "language": provenance.language,
        "entrack": provenance.entrack,
        "models": {name: dict(facts) for name, facts in provenance.models.items()},
        "seed": provenance.seed,
        "params": dict(provenance.params),
        "changed_params": list(provenance.changed_params),
        "steps": provenance.steps,
        "computed": provenance.computed,
        "found": provenance.found,
        "known_zero": provenance.known_zero,
        "screened_out": provenance.screened_out,
        "realised": [dict(entry) for entry in provenance.realised],
        "tolerance": provenance.tolerance,
        "accept": provenance.accept,
        "reused": [dict(entry) for entry in provenance.reused],
    }
