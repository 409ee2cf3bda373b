"""Heat maps of a discovery: the scores of path patching, layer by head, with MLPs beside the heads."""

from __future__ import annotations

from math import ceil, floor, nan
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from entrack.ranking import Ranking, significant
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
from entrack.report.plots.heatmap import colour_bar, colour_map
from entrack.report.plots.style import WIDTH, around, caption, panels
from entrack.report.plots.text import fold, height, inches
from entrack.results import Discovery, Group
from entrack.sites import Part, Site

BESIDE = 0.4
"""Widths of a head between the last head and the MLPs."""


def score_map(discovery: Discovery, title: str) -> Figure:
    """One panel per group: layers upwards from 0, heads to the right and MLPs beside them, colours centred on 0, sites
    kept in outline."""
    return fitted(lambda scale: _score_map(discovery, title, scale))


def _score_map(discovery: Discovery, title: str, scale: float) -> Figure:
    groups = [group for group in discovery.groups if group.scores]
    layers, heads = _shape(groups)
    tall = min(4.2, max(1.1, 2.6 * layers / heads))
    wide = max(1.2, tall * heads / layers)
    across = max(1, min(len(groups), floor(WIDTH / (wide + 1.1))))
    down = ceil(max(len(groups), 1) / across)
    across = ceil(max(len(groups), 1) / down)
    width = scale * max(4.5, across * (wide + 1.1))
    unit, words = change_in(discovery.score), _words(discovery, groups)
    over = max((_over(group, wide) for group in groups), default=0.0)
    inside = scale * down * (max(tall, inches(fold(unit, tall + 0.4, 7), 7)) + 0.55 + over)
    figure, axes = panels(title, len(groups), width, around(title, words, width) + inside, across)
    for each, group in zip(axes, groups, strict=True):
        _scores(each, group, figure, fold(unit, tall + 0.4, 7), wide)
    caption(figure, words)
    return figure


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


def _over(group: Group, wide: float) -> float:
    """Inches that a panel's name and what it feeds take above it."""
    return height(fold(group.name, wide + 0.9, 8.5, "bold"), 8.5) + height(_feeds(group, wide), 7) + 0.1


def _feeds(group: Group, wide: float) -> str:
    known = group.significance
    how = f", {significant(known.rate)}" if known and known.decides else ""
    return fold(f"at {group.position} → {receiver_words(group)}; {len(group.sites)} kept{how}", wide + 0.9, 7)


def _scores(axes: Axes, group: Group, figure: Figure, unit: str, width: float) -> None:
    """One panel, `width` inches wide."""
    limit = max(map(abs, scored(group)), default=0.0) or 1.0
    hide, heads = _has_zeros(group), _heads(group)

    def shown(site: Site) -> float:
        score = group.scores[site]
        return nan if hide and score == 0.0 else _estimate(group, site) if score is None else score

    colours: dict[str, Any] = {
        "cmap": colour_map("RdBu"),
        "vmin": -limit,
        "vmax": limit,
        "edgecolors": "white",
        "linewidth": 0.15,
    }
    for sites, first in _blocks(group):
        edges = [first + place for place in range(len(sites[0]) + 1)], range(len(sites) + 1)
        mesh = axes.pcolormesh(*edges, [[shown(site) for site in row] for row in sites], **colours)
    out = unscored(group)
    axes.scatter(
        [_across(site, heads) + 0.5 for site in out],
        [site.layer + 0.5 for site in out],
        s=1.2,
        color="#444444",
        linewidths=0,
    )
    _dots(axes, group)
    outlined = {**{site: "--" for site, _ in group.also}, **dict.fromkeys(group.sites, "-")}
    for site, line in outlined.items():
        place = (_across(site, heads), site.layer)
        axes.add_patch(
            Rectangle(place, 1, 1, fill=False, edgecolor="black", linewidth=0.9, linestyle=line, clip_on=False)
        )
    axes.set_aspect("equal")
    words = _feeds(group, width)
    pad = 7 + 72 * height(words, 7)
    axes.set_title(fold(group.name, width + 0.9, 8.5, "bold"), fontweight="bold", loc="left", pad=pad)
    axes.annotate(words, (0, 1), (0, 3), "axes fraction", "offset points", fontsize=7, va="bottom").set_in_layout(False)
    axes.set(xlabel="head" if heads else "", ylabel="layer")
    _ticks(axes, layers_of(group), heads, mlps=bool(mlp_scores(group)))
    colour_bar(figure.colorbar(mesh, cax=axes.inset_axes((1 + 0.08 / width, 0, 0.12 / width, 1))), unit)


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


def _ticks(axes: Axes, layers: int, heads: int, *, mlps: bool) -> None:
    beside = {_across(Site(0, Part.MLP), heads): "MLP"} if mlps else {}
    for count, set_ticks, more in ((heads, axes.set_xticks, beside), (layers, axes.set_yticks, {})):
        step = next((step for step in (1, 2, 4, 8, 16, 32) if count / step <= 9), 64)
        places = {**{float(place): str(place) for place in range(0, count, step)}, **more}
        set_ticks([place + 0.5 for place in places], labels=list(places.values()))
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _has_zeros(group: Group) -> bool:
    """Whether the scores that are exactly 0 are the known zeros, and no measured score is among them."""
    return 0 < group.known_zero == sum(score == 0.0 for score in scored(group))


def _shape(groups: list[Group]) -> tuple[int, float]:
    """Layers, and widths of a head, of the largest panels."""
    across = (_across(Site(0, Part.MLP), _heads(group)) + 1 if mlp_scores(group) else _heads(group) for group in groups)
    return max(map(layers_of, groups), default=1), max(across, default=1)
