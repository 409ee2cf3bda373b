"""Figures: results drawn for print, as PNG (200 dpi) and SVG, and as PDF where that is asked for (`entrack run --pdf`).

The same results give the same bytes. matplotlib is imported when a figure is drawn; pyplot never is, and the reader's
own matplotlib configuration is neither used nor changed. Text of specs is shown as it is written: no mathtext, no
controls.

Options of a figure: `by` (the axis along x), `coloured` (the axis of the colours), `error` (`interval`, `sd` or
`none`), `pdf` (also write a PDF), `width` (a name of `COLUMNS`). `scatter` reads `by` as the axis whose first label is
x and whose other labels are y; of a completeness it is circuit against model. `heatmap` reads `by` as the columns.
Heads in groups are bars, group by group.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve

from entrack import interrupts
from entrack.files import put
from entrack.report.describe import in_words
from entrack.report.figure_width import COLUMNS
from entrack.report.format import slug, visible
from entrack.report.kept_figures import NOTHING_KEPT, KeptFigures
from entrack.report.lookup import fits_completeness, kept_scores, nested, pick
from entrack.report.plot_data import is_curve, is_map
from entrack.results import Discovery, Figure, Measure, Results

DRAWING = "2"
"""Raised when the same results come to be drawn otherwise, and the bytes of figures in packs are others."""

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing


def draw(figure: Figure, results: Results, folder: Path) -> tuple[Path, ...]:
    """Draw one figure and write its files, named after its title.

    Raises KeyError for a result that is not there, ValueError for a kind or an axis that does not fit it, OSError from
    the disk, and ImportError, saying what to install, where matplotlib is not there.
    """
    return _draw(figure, results, folder, _stems((*results.figures, figure))[figure.title, figure.kind, figure.of])


def draw_all(
    results: Results,
    folder: Path,
    *,
    pdf: bool = False,
    width: str | None = None,
    kept: KeptFigures = NOTHING_KEPT,
) -> tuple[Path, ...]:
    """Draw what the spec asks for; where it asks for nothing, what suits each result. `pdf` adds PDF files; `width` is
    a name of `COLUMNS`, None for the narrowest of `WIDTHS` that holds a figure. What was `kept` is not drawn again."""
    more = {**({"pdf": "yes"} if pdf else {}), **({"width": width} if width else {})}
    figures = tuple(evolve(figure, options={**figure.options, **more}) for figure in shown(results))
    stems = _stems(figures)
    return tuple(
        path
        for figure in figures
        for path in _draw(figure, results, folder, stems[figure.title, figure.kind, figure.of], kept)
    )


def shown(results: Results) -> tuple[Figure, ...]:
    """What the spec asks for; where it asks for nothing, what suits each result."""
    return results.figures or usual(results)


def in_folder(folder: Path) -> Callable[[str], bytes]:
    """What reads the files that `draw_all` has written into a folder. It raises OSError."""
    return lambda name: (folder / name).read_bytes()


def drawings(results: Results, read: Callable[[str], bytes]) -> tuple[tuple[Figure, str], ...]:
    """Each figure with its SVG, which is read by the name of its file; one that the spec asks for twice once."""
    stems = _stems(shown(results))
    once = {stems[figure.title, figure.kind, figure.of]: figure for figure in shown(results)}
    return tuple((figure, read(f"{stem}.svg").decode()) for stem, figure in once.items())


def drawn(results: Results, formats: tuple[str, ...]) -> Mapping[str, bytes]:
    """The same figures, in these formats, by the names of their files."""
    stems = _stems(shown(results))
    return {
        f"{stems[figure.title, figure.kind, figure.of]}.{each}": data
        for figure in shown(results)
        for each, data in _rendered(figure, pick(figure.of, results), formats).items()
    }


def usual(results: Results) -> tuple[Figure, ...]:
    """For each discovery a heat map and a diagram; for each measure of several cells bars, curves over layers or other
    numbers, a heat map of layers by tokens, positions or heads, or a completeness' scatter."""
    found = [
        Figure(f"{discovery.name} {kind}", kind, discovery.name)
        for discovery in results.discoveries
        if discovery.groups
        for kind in ("heatmap", "diagram")
        if kind == "diagram" or any(group.scores for group in discovery.groups)
    ]
    measures = [
        Figure(measure.name, usual_kind(measure), measure.name)
        for measure in results.measures
        if len(measure.cells) > 1
    ]
    return (*found, *measures)


def usual_kind(measure: Measure) -> str:
    """The kind of figure that suits a measure."""
    if fits_completeness(measure):
        return "scatter"
    if is_map(measure):
        return "heatmap"
    return "curves" if is_curve(measure) else "bars"


def _draw(
    figure: Figure, results: Results, folder: Path, stem: str, kept: KeptFigures = NOTHING_KEPT
) -> tuple[Path, ...]:
    formats = ("png", "svg", "pdf") if _says_yes(figure.options, "pdf") else ("png", "svg")
    item = pick(figure.of, results)
    files = kept.files(figure, item, formats, lambda: _rendered(figure, item, formats))
    return tuple(put(folder / f"{stem}.{each}", data) for each, data in files.items())


def _rendered(figure: Figure, item: Measure | Discovery, formats: tuple[str, ...]) -> Mapping[str, bytes]:
    """A figure in each format."""
    interrupts.check()
    need_matplotlib()
    from entrack.report import plots

    named = figure.options.get("width")
    column = COLUMNS[named] if named else None
    with plots.style():
        drawing = drawing_of(figure, item, column.width if column else None)
        words = in_words(figure, item)
        return plots.rendered(drawing, formats, figure.title, words, column.magnified if column else 1.0)


def need_matplotlib() -> None:
    """Raises ImportError, saying what to install, where matplotlib is not there."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as missing:
        raise ImportError("figures need matplotlib: pip install matplotlib") from missing


def drawing_of(figure: Figure, item: Measure | Discovery, column: float | None = None) -> Drawing:
    """A figure of a result, as matplotlib's, in a column of so many inches or, for None, in the narrowest that holds
    it. Raises ValueError."""
    from entrack.report import plots

    match figure.kind, item:
        case "heatmap", Discovery():
            return plots.score_map(item, figure.title, column)
        case "heatmap", Measure() if nested(item) is None:
            painter = plots.site_map if plots.over_sites(item) else plots.value_map
            return painter(item, figure.title, figure.options, column)
        case "diagram", Discovery():
            return plots.diagram(item, figure.title, column)
        case "bars", Discovery():
            return plots.head_bars(kept_scores(item), figure.title, figure.options, column)
        case "bars", Measure():
            painter = plots.bars if nested(item) is None else plots.head_bars
            return painter(item, figure.title, figure.options, column)
        case "curves", Measure() if nested(item) is None:
            return plots.curves(item, figure.title, figure.options, column)
        case "scatter", Measure():
            painter = plots.completeness if fits_completeness(item) else plots.scatter
            return painter(item, figure.title, figure.options, column)
    what = (
        "a discovery" if isinstance(item, Discovery) else "a measure of single heads" if nested(item) else "a measure"
    )
    raise ValueError(f"{visible(figure.of)} is {what}, which cannot be drawn as {figure.kind!r}")


def _stems(figures: tuple[Figure, ...]) -> Mapping[tuple[str, str, str], str]:
    """A file name per figure, all different."""
    stems: dict[tuple[str, str, str], str] = {}
    for figure in figures:
        if (figure.title, figure.kind, figure.of) in stems:
            continue
        first, count = slug(figure.title), 1
        name = first
        while name in stems.values():
            count += 1
            name = f"{first}-{count}"
        stems[figure.title, figure.kind, figure.of] = name
    return stems


def _says_yes(options: Mapping[str, str], name: str) -> bool:
    return str(options.get(name, "no")).lower() not in ("no", "false", "0", "none")
