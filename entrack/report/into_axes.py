"""Results as matplotlib axes: drawn into those of a caller's figure, or as a figure of their own.

Nothing global changes: matplotlib's settings stay as they are, and no figure becomes one of pyplot's. A figure of its
own looks as `entrack run --out` draws it, and a notebook shows it; in axes that are given, letters have the sizes that
the caller's settings say. Text is shown as it is written: no mathtext.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from attrs import evolve

from entrack.arguments import choice, optional
from entrack.errors import ArgumentError
from entrack.report.describe import in_words
from entrack.report.figure_width import COLUMNS
from entrack.report.figures import drawing_of, need_matplotlib, usual_kind
from entrack.report.format import visible
from entrack.results import Axis, Cell, Discovery, Figure, Mask, Measure
from entrack.sites import Part

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    Drawn = Axes | tuple[Axes, ...]

KINDS = ("bars", "curves", "heatmap", "scatter")
ERRORS = ("interval", "sd", "none")


def plot(
    measure: Measure,
    ax: object,
    kind: str | None,
    by: str | None,
    coloured: str | None,
    error: str,
    width: str | None,
) -> Drawn:
    """`Measure.plot`."""
    names = [axis.name for axis in measure.axes]
    given = {
        "by": optional(by, choice, "by", names),
        "coloured": optional(coloured, choice, "coloured", names),
        "error": choice(error, "error", ERRORS),
    }
    chosen = optional(kind, choice, "kind", KINDS) or usual_kind(measure)
    options = {name: value for name, value in given.items() if value is not None}
    return _drawn(Figure(measure.name, chosen, measure.name, options), measure, ax, width)


def heatmap(discovery: Discovery, ax: object, group: str | None, width: str | None) -> Drawn:
    """`Discovery.heatmap`."""
    only = discovery.groups if group is None else (discovery.group(group),)
    scored = tuple(each for each in only if each.scores)
    if not scored:
        raise ArgumentError(f"no site of {group or discovery.name} was scored, so there is no heat map")
    return _drawn(Figure(discovery.name, "heatmap", discovery.name), evolve(discovery, groups=scored), ax, width)


def diagram(discovery: Discovery, ax: object, width: str | None) -> Drawn:
    """`Discovery.diagram`."""
    return _drawn(Figure(discovery.name, "diagram", discovery.name), discovery, ax, width)


def mask_heatmap(mask: Mask, ax: object, width: str | None) -> Drawn:
    """`Mask.heatmap`: as a measure of layers by heads."""
    if any(site.part is not Part.OUTPUT for site in mask.over):
        raise ArgumentError(
            f"{mask.name} is a mask over sites that are no heads, so there is no map of layers by heads"
        )
    layers = Axis("layer", tuple(map(str, sorted({site.layer for site in mask.over}))), over="layers")
    heads = Axis("head", tuple(map(str, sorted({site.head for site in mask.over}))), over="heads")
    cells = tuple(
        Cell((mask.model, str(site.layer), str(site.head)), value, mask.n, None, ())
        for site, value in zip(mask.over, mask.values, strict=True)
    )
    words = f"mask of {mask.group} for {mask.desideratum}, 0 where patched"
    measure = Measure(mask.name, words, "fraction", (Axis("model", (mask.model,)), layers, heads), cells)
    return _drawn(Figure(f"{mask.group}, {mask.desideratum}", "heatmap", mask.name), measure, ax, width)


def _drawn(figure: Figure, item: Measure | Discovery, ax: object, width: str | None) -> Drawn:
    """The panels of a figure: one Axes, or several. Raises ArgumentError."""
    need_matplotlib()
    from entrack.report import plots

    column = optional(width, choice, "width", COLUMNS)
    found: tuple[Axes, ...]
    try:
        if ax is None:
            with plots.style():
                drawing = drawing_of(figure, item, COLUMNS[column].width if column else None)
                found = plots.panels_of(drawing, visible(in_words(figure, item)))
        elif column is not None:
            raise ArgumentError("width is of a figure of its own; axes that are given have theirs")
        else:
            found = plots.into(figure, item, _axes(ax))
    except ValueError as wrong:
        raise ArgumentError(str(wrong)) from None
    return found[0] if len(found) == 1 else found


def _axes(ax: object) -> tuple[Axes, ...]:
    """The axes that are given: one, or several in a sequence or an array. Raises ArgumentError."""
    from matplotlib.axes import Axes

    flat = getattr(ax, "flat", ax)
    given = (ax,) if isinstance(ax, Axes) else tuple(flat) if isinstance(flat, Iterable) else ()
    if not given or not all(isinstance(each, Axes) for each in given):
        raise ArgumentError(f"ax is one of matplotlib's Axes or several of them; this is {type(ax).__name__}")
    return given
