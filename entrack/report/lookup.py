"""Look up what a figure or table shows from the name that it gives: `table_2`, `cir`, `cir.value_fetcher`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import permutations
from math import isnan

from attrs import evolve

from entrack.ranking import per_cent
from entrack.report.format import change_in, spread
from entrack.results import Axis, Cell, Discovery, Group, Measure, Results
from entrack.sites import Part, Site


def pick(of: str, results: Results) -> Measure | Discovery:
    """What is called `of`; `discovery.group` is that discovery with this one group. Raises KeyError."""
    owner, dot, group = of.rpartition(".")
    if not dot or any(item.name == of for item in results):
        return results[of]
    found = results[owner]
    if isinstance(found, Measure):
        raise KeyError(f"{owner!r} is a measure and has no group {group!r}")
    groups = tuple(each for each in found.groups if each.name == group)
    if not groups:
        raise KeyError(f"the discovery {owner!r} has no group {group!r}")
    return evolve(found, groups=groups)


def free_axes(measure: Measure) -> tuple[Axis, ...]:
    """The axes along which the cells differ."""
    return tuple(axis for axis in measure.axes if len(axis.labels) > 1)


def fixed_labels(measure: Measure) -> tuple[tuple[str, str], ...]:
    """Axis and label where there is only one."""
    return tuple((axis.name, axis.labels[0]) for axis in measure.axes if len(axis.labels) == 1)


def nested(measure: Measure) -> tuple[Axis, Axis] | None:
    """An axis of groups and one of their heads, where each head's label begins with its group's: `value_fetcher
    14.13`."""
    for groups, heads in permutations(measure.axes, 2):
        outer, inner = measure.axes.index(groups), measure.axes.index(heads)
        if measure.cells and all(cell.labels[inner].startswith(f"{cell.labels[outer]} ") for cell in measure.cells):
            return groups, heads
    return None


def fits_completeness(measure: Measure) -> bool:
    """Whether the cells are what circuit and model do without the same heads."""
    names = tuple(axis.name for axis in measure.axes)
    return names == ("removed", "from") and {"circuit", "model"} <= set(measure.axes[1].labels)


def bare(measure: Measure, axis: Axis, label: str) -> str:
    """A label as it stands beside its group: `14.13` for `value_fetcher 14.13`; any other as it is."""
    pair = nested(measure)
    if pair is None or axis != pair[1]:
        return label
    return next((label.removeprefix(f"{group} ") for group in pair[0].labels if label.startswith(f"{group} ")), label)


def of_heads(measure: Measure) -> bool:
    """Whether the numbers rest on heads, not on prompts: an overlap of circuits. There is nothing to resample, and yet
    each has a value."""
    return bool(measure.cells) and not any(
        cell.interval or cell.outcomes or isnan(cell.value) for cell in measure.cells
    )


def site_score(group: Group, site: Site) -> float | None:
    """A site's mean score, where the sites of this group were scored."""
    return group.scores.get(site)


def scored(group: Group) -> list[float]:
    """The scores of all sites that were run, and the zeros of those that need not be."""
    return [score for score in group.scores.values() if score is not None]


def unscored(group: Group) -> list[Site]:
    """The sites that a screen left out: there is an estimate of them, and no score."""
    return [site for site, score in group.scores.items() if score is None]


def mlp_scores(group: Group) -> dict[int, float | None]:
    """The scores of the MLPs, layer by layer from below; empty where none sent."""
    return {site.layer: score for site, score in sorted(group.scores.items()) if site.part is Part.MLP}


def layers_of(group: Group) -> int:
    """How many layers the scores are of."""
    return max((site.layer for site in group.scores), default=-1) + 1


def found_on(discovery: Discovery) -> str:
    """How many prompts scores are means over: from the fewest to all."""
    raced = [many for group in discovery.groups if group.race for many in group.race.prompts.values()]
    whole = [discovery.n] if not raced or not all(group.race for group in discovery.groups) else []
    return spread([*raced, *whole])


def ranked(group: Group) -> tuple[Site, ...]:
    """The sites kept, the best score first; ties by site."""
    return tuple(sorted(group.sites, key=lambda site: (group.ranking.key(group.reported(site)[0] or 0.0), site)))


def marked(group: Group) -> tuple[Site, ...]:
    """The significant sites, the best first."""
    return group.significance.sites if group.significance else ()


def rates(groups: Iterable[Group]) -> str:
    """`5 %`, or `1 % or 5 %`: the false discovery rates at which sites of these groups are significant."""
    known = sorted({group.significance.rate for group in groups if group.significance})
    return " or ".join(per_cent(rate) for rate in known)


def counted(sites: Sequence[Site]) -> str:
    """How many heads, and how many MLPs where there are any: `3 heads, 1 MLP`."""
    mlps = sum(site.part is Part.MLP for site in sites)
    heads = len(sites) - mlps
    words = [] if mlps and not heads else [f"{heads} head{'' if heads == 1 else 's'}"]
    return ", ".join([*words, *([f"{mlps} MLP{'' if mlps == 1 else 's'}"] if mlps else [])])


def sites_word(sites: Iterable[Site]) -> str:
    """What sites are called together."""
    parts = {site.part for site in sites}
    return "MLPs" if parts == {Part.MLP} else "heads" if parts <= {Part.OUTPUT} else "sites"


def receiver_words(group: Group) -> str:
    """`logits`, or `position_detector.key, .value`: a receiver is named once."""
    words: list[str] = []
    before = ""
    for receiver in group.receivers:
        target, _, component = receiver.rpartition(".")
        words.append(f".{component}" if target and target == before else receiver)
        before = target
    return ", ".join(words)


def kept_scores(discovery: Discovery) -> Measure:
    """The scores of the sites kept, as a measure: an axis of groups and one of heads, nested in it."""
    cells = tuple(_kept_cell(discovery, group, site) for group in discovery.groups for site in sorted(group.sites))
    heads = {cell.labels[1]: None for cell in cells}
    axes = (Axis("group", tuple(group.name for group in discovery.groups)), Axis("head", tuple(heads)))
    return Measure(discovery.name, change_in(discovery.score), change_in(discovery.score), axes, cells)


def _kept_cell(discovery: Discovery, group: Group, site: Site) -> Cell:
    score, interval = group.reported(site)
    outcomes = (group.confirmed or group).outcomes.get(site, ())
    return Cell(
        (group.name, f"{group.name} {site}"), score or 0.0, group.prompts_of(site, discovery.n), interval, outcomes
    )
