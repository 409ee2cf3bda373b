"""What a figure shows, in words, made of the data that it is drawn from: for who cannot see it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite
from typing import assert_never

from entrack.report.format import change_in, decimals_for, estimate, number
from entrack.report.lookup import (
    counted,
    fits_completeness,
    found_on,
    free_axes,
    marked,
    pick,
    ranked,
    receiver_words,
    scored,
    site_score,
)
from entrack.report.measure_table import caption
from entrack.report.plot_data import Series, arrange, parted
from entrack.results import Cell, Discovery, Figure, Group, Measure, Results

FEW = 8
"""Cells that are all said, series of curves that are told one by one, sites of a group that are named."""


def described(figure: Figure, results: Results) -> str:
    """Some sentences: what is shown, of what, and where it is highest and lowest. Raises KeyError for a result that is
    not there."""
    return in_words(figure, pick(figure.of, results))


def in_words(figure: Figure, item: Measure | Discovery) -> str:
    """The same of a figure of this result."""
    match item:
        case Discovery():
            return " ".join(_discovery(figure.kind, item))
        case Measure():
            return " ".join(_measure(figure, item))
    assert_never(item)


# --- discoveries -------------------------------------------------------------------------------------------------


def _discovery(kind: str, item: Discovery) -> Iterator[str]:
    found = f"{item.name}, found in {item.model} on {found_on(item)} prompts"
    if kind == "diagram":
        yield f"A diagram of the circuit {found}."
        yield from (_box(group) for group in item.groups)
        return
    bars = kind == "bars"
    heads = "Bars of the sites kept" if bars else "A heat map, a panel a group, layers upwards and heads to the right"
    yield f"{heads}: the {change_in(item.score)} of the circuit {found}."
    yield from (_scores(group, all_sites=not bars) for group in item.groups)


def _box(group: Group) -> str:
    sites = ranked(group)
    named = ", ".join(map(str, sites[:FEW])) + (f" and {len(sites) - FEW} more" if len(sites) > FEW else "")
    return f"{group.name}, at {group.position}: {counted(sites)} ({named or 'none'}), into {receiver_words(group)}."


def _scores(group: Group, *, all_sites: bool) -> str:
    """What a panel shows: its size, the largest effect, how many are near it, and the sites kept."""
    best = [(site, site_score(group, site)) for site in ranked(group)]
    known = [(site, score) for site, score in best if score is not None]
    if not known:
        return f"{group.name}: {counted(group.sites)}, not scored."
    ends = [f"{site} ({number(score, 3)})" for site, score in ((known[0], known[-1]) if len(known) > 1 else known)]
    kept = f"{len(group.sites)} of {len(group.scores)} kept, from {' to '.join(ends)}"
    where = f"{group.name}, at {group.position} into {receiver_words(group)}"
    return f"{where}: {kept}; {_spread(group)}." if all_sites else f"{where}: {kept}."


def _spread(group: Group) -> str:
    """How the scores of all sites lie."""
    layers, heads = len(group.matrix), len(group.matrix[0]) if group.matrix else 0
    size = f"{layers} layer{'s' * (layers != 1)} by {heads} head{'s' * (heads != 1)}; " if layers else ""
    scores = {site: score for site, score in group.scores.items() if score is not None}
    site, largest = max(scores.items(), key=lambda pair: abs(pair[1]))
    many = sum(abs(score) > abs(largest) / 2 for score in scores.values()) - (largest != 0)
    others = f"{many} other{'s' * (many != 1)} beyond half of it" if many else "no other beyond half of it"
    zeros = f"; {group.known_zero} cannot reach the receivers" if group.known_zero else ""
    known = group.significance
    sure = f"; {len(marked(group))} significant, at a false discovery rate of {known.rate:g}" if known else ""
    every = scored(group)
    return (
        f"{size}the largest effect is {number(largest, 3)}, of {site}, with {others}; all scores lie between "
        f"{number(min(every), 3)} and {number(max(every), 3)}{zeros}{sure}"
    )


# --- measures ----------------------------------------------------------------------------------------------------

KINDS = {"bars": "Bars", "curves": "Curves", "heatmap": "A heat map", "scatter": "Points"}


def _measure(figure: Figure, item: Measure) -> Iterator[str]:
    kind = (
        "Points, the circuit against the model without the same heads"
        if fits_completeness(item)
        else KINDS[figure.kind]
    )
    axes = " and ".join(f"{axis.name} ({len(axis.labels)})" for axis in free_axes(item))
    yield f"{kind}: {caption(item)}{f'; along {axes}' if axes else ''}."
    known = [cell for cell in item.cells if isfinite(cell.value) and not _beside(item, cell)]
    if not known:
        yield "No cell has a number."
    elif len(known) <= FEW:
        yield f"The numbers: {'; '.join(_said(item, cell) for cell in known)}."
    elif figure.kind == "curves" and (lines := list(_curves(figure, item))):
        yield from lines
    else:
        yield from _extremes(item, known)


def _beside(item: Measure, cell: Cell) -> bool:
    """Whether a number is of another kind than those that a figure is about: the ratio beside a fall."""
    return item.metric == "minimality" and cell.labels[-1] == "ratio"


def _extremes(item: Measure, known: Sequence[Cell]) -> Iterator[str]:
    by_value = sorted(known, key=lambda cell: cell.value)
    yield f"Highest: {_said(item, by_value[-1])}. Lowest: {_said(item, by_value[0])}."
    middle = by_value[len(by_value) // 2].value
    yield f"Half of the {len(known)} numbers lie at or above {number(middle, _decimals(item))}."


def _curves(figure: Figure, item: Measure) -> Iterator[str]:
    """Each curve from its first to its last point; nothing where there are many."""
    shape = arrange(*_along(item, figure))
    every = [(panel.title, series) for panel in shape.panels for series in panel.series if series.points]
    if len(every) <= FEW:
        yield from (_curve(item, shape.x.labels, title, series) for title, series in every)


def _along(item: Measure, figure: Figure) -> tuple[Measure, str | None, str | None]:
    measure, options = parted(item, figure.options)
    return measure, options.get("by"), options.get("coloured")


def _curve(item: Measure, labels: Sequence[str], title: str, series: Series) -> str:
    decimals = _decimals(item)
    points = [(labels[place], cell.value) for place, cell in series.points if isfinite(cell.value)]
    name = ", ".join(filter(None, (title, series.label))) or item.name
    if not points:
        return f"{name}: no numbers."
    top, bottom = max(points, key=lambda point: point[1]), min(points, key=lambda point: point[1])
    first, last, high, low = (
        f"{number(value, decimals)} at {label}" for label, value in (points[0], points[-1], top, bottom)
    )
    return f"{name}: from {first} to {last}; highest {high}, lowest {low}."


def _said(item: Measure, cell: Cell) -> str:
    labels = [label for axis, label in zip(item.axes, cell.labels, strict=True) if len(axis.labels) > 1]
    return f"{', '.join(labels) or item.name} {estimate(cell.value, cell.interval, _decimals(item))}"


def _decimals(item: Measure) -> int:
    return decimals_for(cell.interval for cell in item.cells)
