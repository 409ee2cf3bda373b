"""What a run found, part by part: frozen values with units, axes, intervals and where they came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from functools import cached_property
from typing import Any

from attrs import field, frozen

from entrack.arguments import text
from entrack.errors import UnknownName, unknown
from entrack.ranking import Ranking
from entrack.results.interval import Interval as Interval
from entrack.results.numbers import decimals_that_tell
from entrack.results.text_table import Row, Tabular, TextTable
from entrack.sites import Part, Site, layer_by_head


@frozen
class Axis:
    """One way in which the cells of a measure differ: its name (model, intervention, prompts, ...) and its labels in
    order. `over` is what the labels of a loop are: `layers`, `heads`, `neurons`, `tokens` or `positions`. Where these
    are numbers of tokens, `tokens` are the texts of these in the first prompt."""

    name: str
    labels: tuple[str, ...]
    tokens: tuple[str, ...] = ()
    over: str = ""


@frozen
class Cell:
    """One number of a measure. `labels` has one label per axis. `outcomes` are the per-prompt values that `value` was
    made of.

    `interval` says how `value` would vary with other prompts and, where there are several draws, with other draws, of
    which `interval_of_these_draws` says nothing: it is for the prompts of such draws as these. Both are None where
    there are no prompts (an overlap of circuits: `n` is then a number of heads). `sd` is over draws, where there are
    several, or over sets of removed heads; `draws` are the values draw by draw, or set by set, and `draw_intervals` the
    intervals of these, where they have some. `ranges`, of a recovery, are how far the clean run of each prompt lies
    from its corrupted one, over the mean of these. `random`, of an intervention with random circuits, are their groups
    draw by draw, each with its sites.
    """

    labels: tuple[str, ...]
    value: float
    n: int
    interval: Interval | None
    outcomes: tuple[float, ...] = field(repr=False)
    sd: float | None = None
    draws: tuple[float, ...] = ()
    address: str = ""
    ranges: tuple[float, ...] = field(default=(), repr=False)
    interval_of_these_draws: Interval | None = None
    draw_intervals: tuple[Interval, ...] = ()
    random: tuple[tuple[tuple[str, tuple[Site, ...]], ...], ...] = field(default=(), repr=False)


@frozen
class Measure(Tabular):
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
        carrying = [cell.labels for cell in self.cells if all(label in cell.labels for label in labels)]
        chosen = set(told_apart(carrying, labels))
        hits = [cell for cell in self.cells if cell.labels in chosen]
        if len(hits) != 1:
            said = ", ".join(labels) or "no label asked for, so all"
            raise UnknownName(f"{len(hits)} cells of {self.name} carry {said}; axes: {self._axes()}")
        return hits[0]

    def records(self) -> list[dict[str, Any]]:
        """One flat record a cell, for a data frame. An axis that is called as another column is `axis n`."""
        names = [f"axis {axis.name}" if axis.name in NUMBERS else axis.name for axis in self.axes]
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

    def text_table(self) -> TextTable:
        """A row a cell: its labels, `value`, `low`, `high`, `n` and, where there are draws, `sd`."""
        left_out = {"measure"} if any(cell.sd is not None for cell in self.cells) else {"measure", "sd"}
        rows = ({name: entry for name, entry in record.items() if name not in left_out} for record in self.records())
        unit = f" ({self.unit})" if self.unit and self.unit != self.metric else ""
        brackets = ["95 % intervals in brackets"] if any(cell.interval for cell in self.cells) else []
        return TextTable(self.name, "; ".join([f"{self.metric}{unit}", *brackets]), tuple(map(in_order, rows)))

    def to_pandas(self) -> Any:
        """The cells as a pandas data frame. Raises ImportError, saying what to install, where pandas is not there."""
        return frame(self.records())

    def _axes(self) -> str:
        return "; ".join(f"{axis.name}: {', '.join(axis.labels)}" for axis in self.axes)


def told_apart(cells: Sequence[tuple[str, ...]], wanted: Sequence[str]) -> list[tuple[str, ...]]:
    """Of cells that all carry the labels `wanted`, those that are meant. Where several axes have the same labels, as
    layers and heads have, labels that stand in the order of the axes say which is meant."""
    in_order = [cell for cell in cells if _follow(wanted, cell)] if len(cells) > 1 else []
    return in_order if len(in_order) == 1 else list(cells)


def _follow(wanted: Sequence[str], cell: tuple[str, ...]) -> bool:
    """Whether the labels stand in a cell one after the other, whatever stands between."""
    labels = iter(cell)
    return all(label in labels for label in wanted)


@frozen
class Agreement:
    """Spearman's rank correlation of estimates and scores over the `n` sites that a screen let through."""

    value: float
    interval: Interval
    n: int


@frozen
class Missed:
    """What a screen left out: `others` sites, of which those `checked` were run too, and `sites` of these would have
    been kept.

    `of_others` is the 95 % interval of how many of the others would have been, by the hypergeometric distribution.
    """

    checked: tuple[Site, ...]
    sites: tuple[Site, ...]
    others: int
    of_others: Interval

    @property
    def heads(self) -> tuple[Site, ...]:
        """Of the sites that would have been kept, those that are heads."""
        return heads_among(self.sites)


@frozen
class Screen:
    """A hop's screen: which sites were let through, the best estimate first, and how far it can be trusted.

    `estimates` are the estimated mean scores of all sites; one that cannot reach the receivers has exactly 0.0.
    `steps` are the points at which gradients were taken, 0 for the clean run alone. `places` say, in the order of the
    group's sites, how many sites had an estimate at least as good. `agreement` is None where there is nothing to rank.
    """

    steps: int
    through: tuple[Site, ...]
    places: tuple[int, ...]
    agreement: Agreement | None
    missed: Missed
    estimates: Mapping[Site, float] = field(repr=False)


@frozen
class Significance:
    """Which sites of a hop score below zero (above it, or other than zero, as it ranks) with a false discovery rate of
    `rate`, the best first; `decides` says whether these are what is kept.

    `p` are the p values of the sites that were run, and `q` the smallest rates at which each is significant; None where
    there is none: of known zeros, of what a screen left out, and, of `q`, of what a screen ran to be checked. `tests`
    is how many sites can reach a receiver, run or not.
    """

    rate: float
    tests: int
    decides: bool
    sites: tuple[Site, ...]
    p: Mapping[Site, float | None] = field(repr=False)
    q: Mapping[Site, float | None] = field(repr=False)

    @property
    def heads(self) -> tuple[Site, ...]:
        """Of the significant sites, those that are heads."""
        return heads_among(self.sites)


@frozen
class Confirmed:
    """The scores of what a group keeps on `n` fresh prompts: means with 95 % intervals that cover, since these prompts
    chose nothing, and the scores of each prompt."""

    n: int
    scores: Mapping[Site, float]
    intervals: Mapping[Site, Interval]
    outcomes: Mapping[Site, tuple[float, ...]] = field(repr=False)


@frozen
class Race:
    """A hop's race: how many prompts each sender was run on, and when it was certain whether it would be kept.

    The sites kept are those that all prompts would keep, with probability `level`. `looks` are the numbers of prompts
    after which it was looked who is decided; `inside` and `outside` say of each sender after how many it was. Those
    `undecided` until all prompts had been run were put in order by their means. `pairs` of `of_pairs` senders and
    prompts were run. `prompts` are of all senders in the race.
    """

    level: float
    looks: tuple[int, ...]
    pairs: int
    of_pairs: int
    prompts: Mapping[Site, int] = field(repr=False)
    inside: Mapping[Site, int] = field(repr=False)
    outside: Mapping[Site, int] = field(repr=False)
    undecided: tuple[Site, ...] = field(repr=False)


@frozen(slots=False)
class Group:
    """One hop's result: the sites kept, and how every site scored.

    The best come first by `ranking`: lowest, highest or strongest (the largest absolute value). `scores` are mean
    scores over prompts; a site that cannot reach the receivers scores exactly 0.0, and one that a
    screen left out has no score: None. `known_zero` is how many were not run because they cannot. `also` names sites
    that an earlier group of this position keeps. `intervals` follow `sites`, and so does `kept_again`: how often each
    would be among the best again, were the prompts resampled. `every_interval` is of all scores, and `outcomes` are the
    scores of each prompt, of all sites where these are few, else of those kept. With a `race` a site's score, interval
    and outcomes are of the prompts that it was run on, the first so many. All of these are of the prompts that the
    sites were chosen on: `confirmed` has the scores of those kept on others, where the discovery says `confirm`.
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
    ranking: Ranking = Ranking.LOWEST
    kept_again: tuple[float, ...] = ()
    every_interval: Mapping[Site, Interval | None] = field(factory=dict, repr=False)
    outcomes: Mapping[Site, tuple[float, ...]] = field(factory=dict, repr=False)
    significance: Significance | None = None
    confirmed: Confirmed | None = None
    race: Race | None = None

    @property
    def heads(self) -> tuple[Site, ...]:
        """Of the sites kept, those that are heads."""
        return heads_among(self.sites)

    @cached_property
    def matrix(self) -> tuple[tuple[float | None, ...], ...]:
        """The scores of the heads, `matrix[layer][head]`."""
        return layer_by_head(self.scores)


@frozen
class Discovery(Tabular):
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
                **({"p": known.p[site], "q": known.q[site]} if (known := group.significance) else {}),
                **({"n": group.race.prompts.get(site, 0)} if group.race else {}),
            }
            for group in self.groups
            for site, score in group.scores.items()
        ]

    def text_table(self) -> TextTable:
        """A row a site that was scored or kept: `value` is its score. Readers see those that are kept."""
        pairs = [(group, site) for group in self.groups for site in dict.fromkeys((*group.scores, *group.sites))]
        rows = tuple(self._row(group, site) for group, site in pairs)
        kept = tuple(place for place, (group, site) in enumerate(pairs) if site in group.sites)
        words = f"scores of the sites kept (change in {self.score}); model: {self.model}"
        return TextTable(self.name, f"{words}; 95 % intervals in brackets", rows, kept)

    def _row(self, group: Group, site: Site) -> Row:
        kept_interval = dict(zip(group.sites, group.intervals, strict=False)).get(site)
        interval = group.every_interval.get(site, kept_interval)
        estimate = {"estimate": group.screen.estimates[site]} if group.screen else {}
        return {
            "group": group.name,
            "position": group.position,
            "receivers": " ".join(group.receivers),
            "site": str(site),
            "value": group.scores.get(site),
            "low": interval.low if interval else None,
            "high": interval.high if interval else None,
            "n": self.n,
            "kept": site in group.sites,
            **estimate,
        }

    def to_pandas(self) -> Any:
        """The scores of all sites as a pandas data frame."""
        return frame(self.records())


@frozen
class Mask:
    """A mask learned over a group for one desideratum. `values` are the masks of `over`, 0 to 1; `sites` those it
    patches (rounded to 0). It is the mask after `step` steps of Adam, whose accuracy on the `n` validation prompts is
    `validation`."""

    name: str
    model: str
    group: str
    desideratum: str
    position: str
    over: tuple[Site, ...]
    values: tuple[float, ...]
    sites: tuple[Site, ...]
    step: int
    validation: float
    n: int
    address: str = ""

    @property
    def heads(self) -> tuple[Site, ...]:
        """Of the sites that it patches, those that are heads."""
        return heads_among(self.sites)


class Verdict(Enum):
    """What fresh prompts said of a claim: it holds, it does not, or neither was certain when there were no more."""

    CERTIFIED = "certified"
    REFUTED = "refuted"
    UNDECIDED = "undecided"


@frozen
class Certificate:
    """How a claim was decided on fresh prompts, at a `level` such as 0.95.

    `interval` has the limits of the number `of`, in the spec's words: each is passed with probability 1 - `level` at
    most, at any time. `prompts` is after how many the verdict was certain; they come in batches, and `taken` were run,
    of `most` that might have been. `fixed_sample` is how many a sample of a size that is fixed beforehand would need
    for the same at mean and variance of these prompts; None where none would. `rows` names the file whose rows ran out
    before there was a verdict.
    """

    verdict: Verdict
    level: float
    of: str
    interval: Interval
    prompts: int
    taken: int
    most: int
    fixed_sample: int | None
    rows: str = ""


@frozen
class Basis:
    """What a claim rests on: cells, each by its measure and its labels; measures of whose cells it takes the smallest,
    the largest or the mean; and discoveries whose sites these keep or set, or it counts."""

    cells: tuple[tuple[str, tuple[str, ...]], ...] = ()
    measures: tuple[str, ...] = ()
    discoveries: tuple[str, ...] = ()


@frozen
class Claim:
    """A sentence with its number. `bound` is what `value` was held against; for `within`, `tolerance` says how near.

    Where the expression divides by a measure that is zero, `value` and `interval` are not numbers and the claim fails.
    `interval` is over draws where a cell has several; the other is for these draws. A claim with a `certificate` passes
    when that is certified, whatever the value is.
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
    interval_of_these_draws: Interval | None = None
    certificate: Certificate | None = None
    rests_on: Basis = Basis()

    @property
    def undecided(self) -> bool:
        """Whether fresh prompts did not decide it."""
        return self.certificate is not None and self.certificate.verdict is Verdict.UNDECIDED

    @property
    def verdict(self) -> str:
        """`pass` or `fail`, or, of a certified claim, `certified`, `refuted` or `undecided`."""
        if self.certificate is not None:
            return self.certificate.verdict.value
        return "pass" if self.passed else "fail"


def claim_edges(claim: Claim) -> tuple[float, ...]:
    """The numbers at which a claim begins to hold or to fail."""
    tolerance = claim.tolerance or 0.0
    return claim.bound, claim.bound - tolerance, claim.bound + tolerance


def claim_decimals(claim: Claim) -> int:
    """Decimals that a claim's value is shown with."""
    return decimals_that_tell(claim.value, claim.interval, claim_edges(claim))


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


NUMBERS = ("measure", "value", "low", "high", "n", "sd")
"""Columns of a measure that are no axes."""


def in_order(record: Mapping[str, Any]) -> Row:
    """A record with its interval beside its value."""
    last = ("n", "sd")
    return {name: entry for name, entry in record.items() if name not in last} | {
        name: record[name] for name in last if name in record
    }


def masks_table(masks: tuple[Mask, ...]) -> TextTable:
    """A row a mask of one name: `value` is its accuracy on the validation prompts."""
    rows: tuple[Row, ...] = tuple(
        {
            "group": mask.group,
            "position": mask.position,
            "desideratum": mask.desideratum,
            "value": mask.validation,
            "n": mask.n,
            "patched": len(mask.sites),
            "of": len(mask.over),
            "sites": " ".join(map(str, mask.sites)),
        }
        for mask in masks
    )
    return TextTable(masks[0].name, f"masks learned in {masks[0].model}; accuracy on validation prompts", rows)


def claims_table(claims: tuple[Claim, ...]) -> TextTable:
    """A row a claim."""
    rows = tuple(
        {
            "claim": claim.text,
            "expression": claim.expression,
            "value": claim.value,
            "low": claim.interval.low,
            "high": claim.interval.high,
            "relation": claim.relation,
            "bound": claim.bound,
            "tolerance": claim.tolerance,
            "published": claim.published,
            "verdict": claim.verdict,
            "n": claim.n,
        }
        for claim in claims
    )
    words = f"{sum(claim.passed for claim in claims)} of {len(claims)} hold; 95 % intervals in brackets"
    return TextTable("claims", words, rows, decimals=tuple(map(claim_decimals, claims)))


def heads_among(sites: tuple[Site, ...]) -> tuple[Site, ...]:
    """Of sites, those that are heads."""
    return tuple(site for site in sites if site.part is Part.OUTPUT)


def frame(records: list[dict[str, Any]]) -> Any:
    try:
        import pandas
    except ImportError:
        raise ImportError("to_pandas needs pandas: pip install pandas") from None
    return pandas.DataFrame(records)
