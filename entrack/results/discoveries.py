"""What discoveries found, hop by hop: the sites kept, how every site scored, and how far that can be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from attrs import field

from entrack.arguments import text
from entrack.errors import unknown
from entrack.frozen import frozen
from entrack.ranking import Ranking
from entrack.results.drawing import painter
from entrack.results.interval import Interval
from entrack.results.text_table import Row, Tabular, TextTable
from entrack.results.values import array, frame, heads_among, plain
from entrack.sites import Site, layer_by_head


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

    def __repr__(self) -> str:
        return f"<Group {plain(self.name)} at {plain(self.position)}: {len(self.sites):,} kept of {len(self.scores):,}>"

    @property
    def heads(self) -> tuple[Site, ...]:
        """Of the sites kept, those that are heads."""
        return heads_among(self.sites)

    def reported(self, site: Site) -> tuple[float | None, Interval | None]:
        """The score to report of a site. Of one that was confirmed it is that on fresh prompts, with its interval;
        else it is as it was found, without: no interval covers on the prompts that chose it."""
        known = self.confirmed
        return (
            (known.scores[site], known.intervals[site])
            if known and site in known.scores
            else (self.scores.get(site), None)
        )

    def prompts_of(self, site: Site, n: int) -> int:
        """How many prompts the reported score of a site is over, of `n` of the discovery; 0 where it has none."""
        if self.confirmed and site in self.confirmed.scores:
            return self.confirmed.n
        if self.scores.get(site) is None:
            return 0
        return self.race.prompts.get(site, 0) if self.race else n

    @cached_property
    def matrix(self) -> tuple[tuple[float | None, ...], ...]:
        """The scores of the heads, `matrix[layer][head]`."""
        return layer_by_head(self.scores)

    def records(self) -> list[dict[str, Any]]:
        """One flat record a scored site; `head` is None where it is no head."""
        return [
            {
                "group": self.name,
                "position": self.position,
                "site": str(site),
                "layer": site.layer,
                "head": site.index,
                "score": score,
                "kept": site in self.sites,
                **({"estimate": self.screen.estimates[site]} if self.screen else {}),
                **({"p": known.p[site], "q": known.q[site]} if (known := self.significance) else {}),
                **({"n": self.race.prompts.get(site, 0)} if self.race else {}),
            }
            for site, score in self.scores.items()
        ]

    def to_pandas(self) -> Any:
        """The scores of all sites as a pandas data frame."""
        return frame(self.records())

    def to_numpy(self) -> Any:
        """The scores of the heads as an array (layer, head) of float64; nan where a screen left a head out."""
        heads = len(self.matrix[0]) if self.matrix else 0
        return array(score for row in self.matrix for score in row).reshape(len(self.matrix), heads)


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

    def __repr__(self) -> str:
        kept = ", ".join(f"{plain(group.name)} ({len(group.sites):,})" for group in self.groups[:12])
        return f"<Discovery {plain(self.name)}: {kept}{', ...' * (len(self.groups) > 12)}>"

    def group(self, name: str) -> Group:
        """The group of that name. Raises UnknownName."""
        for group in self.groups:
            if group.name == text(name, "a group's name"):
                return group
        raise unknown(f"{self.name} has no group", text(name, "a group's name"), [group.name for group in self.groups])

    def records(self) -> list[dict[str, Any]]:
        """One flat record a scored site, of all groups; `head` is None where it is no head."""
        return [{"discovery": self.name, **record} for group in self.groups for record in group.records()]

    def text_table(self) -> TextTable:
        """A row a site that was scored or kept: `value` is its score, on fresh prompts where it was confirmed. Readers
        see those that are kept."""
        pairs = [(group, site) for group in self.groups for site in dict.fromkeys((*group.scores, *group.sites))]
        rows = tuple(self._row(group, site) for group, site in pairs)
        kept = tuple(place for place, (group, site) in enumerate(pairs) if site in group.sites)
        words = f"scores of the sites kept (change in {self.score}); model: {self.model}"
        fresh = any(group.confirmed for group in self.groups)
        return TextTable(
            self.name, f"{words}; fresh prompts, 95 % intervals in brackets" if fresh else words, rows, kept
        )

    def _row(self, group: Group, site: Site) -> Row:
        value, interval = group.reported(site)
        return {
            "group": group.name,
            "position": group.position,
            "receivers": " ".join(group.receivers),
            "site": str(site),
            "value": value,
            "low": interval.low if interval else None,
            "high": interval.high if interval else None,
            "n": group.prompts_of(site, self.n),
            "kept": site in group.sites,
            **({"estimate": group.screen.estimates[site]} if group.screen else {}),
            **({"found": group.scores.get(site)} if group.confirmed else {}),
        }

    def to_pandas(self) -> Any:
        """The scores of all sites as a pandas data frame."""
        return frame(self.records())

    def to_numpy(self) -> Any:
        """The scores of the heads as an array (group, layer, head) of float64; nan where a screen left a head out, and
        for a group that was not scored."""
        shapes = ((len(group.matrix), len(group.matrix[0])) for group in self.groups if group.matrix)
        shape = max(shapes, default=(0, 0))
        none = [None] * shape[0] * shape[1]
        of_groups = ([score for row in group.matrix for score in row] or none for group in self.groups)
        return array(score for scores in of_groups for score in scores).reshape(len(self.groups), *shape)

    def heatmap(self, ax: Any = None, *, group: str | None = None, width: str | None = None) -> Any:
        """Draw the scores of all groups, or of one, with matplotlib, layer by head, and give their Axes: one of one
        group, else a tuple. `ax` are as many axes to draw into, None for a figure of its own; `width` is as of
        `Measure.plot`. Raises ArgumentError, and ImportError where matplotlib is not there."""
        return painter().heatmap(self, ax, group, width)

    def diagram(self, ax: Any = None, *, width: str | None = None) -> Any:
        """Draw the circuit with matplotlib, groups as boxes and what they feed as arrows, and give its Axes. `ax` and
        `width` are as of `Measure.plot`. Raises ArgumentError, and ImportError where matplotlib is not there."""
        return painter().diagram(self, ax, width)
