"""Heat maps of a discovery: the scores of path patching, layer by head, with MLPs beside the heads."""

from __future__ import annotations

from math import ceil, floor, nan
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from entrack.ranking import Ranking, significant
from entrack.report.figure_width import WIDTHS
from entrack.report.format import change_in
from entrack.report.lookup import (
    found_on,
    layers_of,
    marked,
    mlp_scores,
    rates,
    receiver_words,
    scored,
    sites_word,
    unscored,
)
from entrack.report.plots.fitting import fitted
from entrack.report.plots.frame import Size, framed, settled
from entrack.report.plots.heatmap import colour_bar, colour_map
from entrack.report.plots.text import fold, height
from entrack.results import Discovery, Group
from entrack.sites import Part, Site

BESIDE = 0.4
"""Widths of a head between the last head and the MLPs."""
CELL, LEAST, HIGHEST, LOWEST, AROUND, APART = 0.2, 0.04, 4.2, 0.5, 0.98, 0.19
"""Inches: of the side of a cell at most and at least; of
all layers, where cells need not be smaller than they may, and at least; of
what stands around a panel; from a number on an axis to the next at least."""


def score_map(discovery: Discovery, title: str, column: float | None = None) -> Figure:
    """One panel per group: layers upwards from 0, heads to the right and MLPs beside them, colours centred on 0, sites
    kept in outline."""
    return fitted(lambda size: _score_map(discovery, title, size), column)


def _score_map(discovery: Discovery, title: str, size: Size) -> Figure:
    groups = [group for group in discovery.groups if group.scores]
    layers, heads = shape_of(groups)
    cell = size.taller * max(LEAST, min(CELL, HIGHEST / layers))
    wanted = min(heads * cell, WIDTHS[-1] - AROUND)
    width = size.width(len(groups) * (wanted + AROUND))
    across = max(1, min(len(groups), floor(width / (max(0.75 * wanted, 1.0) + AROUND))))
    across = ceil(max(len(groups), 1) / ceil(max(len(groups), 1) / across))
    widest = min(heads * cell, width / across - AROUND)
    unit = unit_of(change_in(discovery.score), widest * layers / heads)
    frame = framed(title, _words(discovery, groups), len(groups), width, across)
    for each, group in zip(frame.axes, groups, strict=True):
        panel_of_scores(each, group, unit, widest)
    return settled(frame, lambda room: max(room * layers / heads, LOWEST), widest)


def unit_of(score: str, tall: float) -> str:
    """What stands beside a scale of colours that is so many inches high."""
    return fold(score, max(1.2, tall), 7.5)


def _words(discovery: Discovery, groups: list[Group]) -> str:
    grey = "; grey: cannot reach the receivers, exactly 0" if any(_has_zeros(group) for group in groups) else ""
    dots = (
        "; dotted: screened out and not run, the colour is an estimate"
        if any(unscored(group) for group in groups)
        else ""
    )
    shown = [group for group in groups if _dotted(group)]
    points = f"; dot at the top: significant at {rates(shown)}" if shown else ""
    taken = (
        f"; dashed: as {_as(groups)}, and kept in an earlier group at this position"
        if any(group.also for group in groups)
        else ""
    )
    own = " Each panel has its own scale." if len(groups) > 1 else ""
    word = sites_word(site for group in groups for site in group.scores)
    return (
        f"{discovery.name} in {discovery.model}: mean {change_in(discovery.score)} over n = {found_on(discovery)} "
        f"prompts when a {word.removesuffix('s')}'s "
        f"paths to the receivers are patched; outlined: {word} kept{points}{taken}{grey}{dots}.{own}"
    )


def _dotted(group: Group) -> tuple[Site, ...]:
    """The sites that are marked as significant: none where these are what is kept."""
    return () if group.significance and group.significance.decides else marked(group)


def _dots(axes: Axes, group: Group) -> None:
    heads, dotted = _heads(group), _dotted(group)
    across, up = [_across(site, heads) + 0.5 for site in dotted], [site.layer + 0.8 for site in dotted]
    if dotted:
        axes.scatter(across, up, s=3, color="black", edgecolors="white", linewidths=0.4, zorder=3)


def _as(groups: list[Group]) -> str:
    """How the sites scored that an earlier group keeps."""
    return "low" if all(group.ranking is Ranking.LOWEST for group in groups) else "good"


def _feeds(group: Group, wide: float) -> str:
    known = group.significance
    how = f", {significant(known.rate)}" if known and known.decides else ""
    return fold(f"at {group.position} → {receiver_words(group)}; {len(group.sites)} kept{how}", max(wide, 1.3), 7)


def panel_of_scores(axes: Axes, group: Group, unit: str, width: float) -> None:
    """One panel, `width` inches wide, with its scale of colours beside it."""
    limit = max(map(abs, scored(group)), default=0.0) or 1.0
    hide, heads = _has_zeros(group), _heads(group)

    def shown(site: Site) -> float:
        score = group.scores[site]
        return nan if hide and score == 0.0 else _estimate(group, site) if score is None else score

    layers, broad = shape_of([group])
    cell, tall = width / broad, max(width * layers / broad, LOWEST)
    colours: dict[str, Any] = {
        "cmap": colour_map("RdBu"),
        "vmin": -limit,
        "vmax": limit,
        **({"edgecolors": "white", "linewidth": 0.15} if cell > 0.07 else {"edgecolors": "face", "linewidth": 0.1}),
    }
    for sites, first in _blocks(group):
        edges = [first + place for place in range(len(sites[0]) + 1)], range(len(sites) + 1)
        mesh = axes.pcolormesh(*edges, [[shown(site) for site in row] for row in sites], **colours)
    out = unscored(group)
    axes.scatter(
        [_across(site, heads) + 0.5 for site in out],
        [site.layer + 0.5 for site in out],
        s=min(1.2, 200 * cell**2),
        color="#444444",
        linewidths=0,
    )
    _dots(axes, group)
    outlined = {**{site: "--" for site, _ in group.also}, **dict.fromkeys(group.sites, "-")}
    for site, line in outlined.items():
        place = (_across(site, heads), site.layer)
        thick = min(0.9, 9 * cell)
        axes.add_patch(
            Rectangle(place, 1, 1, fill=False, edgecolor="black", linewidth=thick, linestyle=line, clip_on=False)
        )
    words = _feeds(group, width)
    axes.set_title(
        fold(group.name, max(width, 1.3), 8, "bold"), fontweight="bold", loc="left", pad=6 + 72 * height(words, 7)
    )
    axes.annotate(words, (0, 1), (0, 3), "axes fraction", "offset points", fontsize=7, va="bottom")
    axes.set(xlabel="head" if heads else "", ylabel="layer")
    _ticks(axes, layers_of(group), heads, cell, mlps=bool(mlp_scores(group)))
    bar = axes.figure.colorbar(mesh, cax=axes.inset_axes((1 + 0.06 / width, 0, 0.1 / width, 1)))
    bar.locator = MaxNLocator(max(2, min(8, int(tall / 0.22))), steps=[1, 2, 5, 10])
    colour_bar(bar, unit)


def _blocks(group: Group) -> list[tuple[list[list[Site]], float]]:
    """The sites of a panel, layer by layer, and where they begin: heads, then MLPs."""
    layers, heads = range(layers_of(group)), range(_heads(group))
    blocks = [([[Site.of_head(layer, head) for head in heads] for layer in layers], 0.0)] if heads else []
    mlps = [[Site(layer, Part.MLP)] for layer in layers]
    return [*blocks, *([(mlps, _across(mlps[0][0], len(heads)))] if mlp_scores(group) else [])]


def _across(site: Site, heads: int) -> float:
    """Where a site begins, in widths of a head."""
    return site.head if site.part is Part.OUTPUT else heads + BESIDE if heads else 0.0


def _heads(group: Group) -> int:
    return len(group.matrix[0]) if group.matrix else 0


def _estimate(group: Group, site: Site) -> float:
    return group.screen.estimates[site] if group.screen else nan


def _ticks(axes: Axes, layers: int, heads: int, cell: float, *, mlps: bool) -> None:
    beside = {_across(Site(0, Part.MLP), heads): "MLP"} if mlps else {}
    for count, set_ticks, more in ((heads, axes.set_xticks, beside), (layers, axes.set_yticks, {})):
        step = next((step for step in (1, 2, 4, 8, 16, 32) if step * cell >= APART), 64)
        places = {**{float(place): str(place) for place in range(0, count, step)}, **more}
        set_ticks([place + 0.5 for place in places], labels=list(places.values()))
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _has_zeros(group: Group) -> bool:
    """Whether the scores that are exactly 0 are the known zeros, and no measured score is among them."""
    return 0 < group.known_zero == sum(score == 0.0 for score in scored(group))


def shape_of(groups: list[Group]) -> tuple[int, float]:
    """Layers, and widths of a head, of the largest panels."""
    across = (_across(Site(0, Part.MLP), _heads(group)) + 1 if mlp_scores(group) else _heads(group) for group in groups)
    return max(map(layers_of, groups), default=1), max(across, default=1)
