"""What all figures share: the style, a palette for colour-blind readers too, and writing the files.

Figures are built from `matplotlib.figure.Figure` and drawn by Agg, without pyplot. The style is in force only inside
`style()` and starts from matplotlib's own defaults, so that a reader's matplotlibrc changes nothing.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from io import BytesIO
from typing import Any, Literal

import matplotlib
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from entrack.report.format import MOST, clip
from entrack.report.plots.text import fold, height

WIDTH = 7.2
"""Inches: two columns of a page."""
LEFT, BETWEEN = 0.75, 0.2
"""Inches for the numbers and the name of a y axis, and between panels side by side."""
TAB = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#6B6B6B", "#B8A900")
"""Okabe and Ito's colours, in an order in which neighbours also differ in grey."""
LINES: tuple[Literal["-", "--", "-.", ":"], ...] = ("-", "--", "-.", ":")
MARKS = "osD^vPX*"
BESIDE: dict[str, Any] = {"loc": "outside right center", "alignment": "left"}
"""Where a legend stands: beside the axes."""
OURS: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 8.5,
    "axes.labelsize": 8,
    "legend.fontsize": 7.5,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "axes.axisbelow": True,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "lines.linewidth": 1.4,
    "grid.linewidth": 0.5,
    "grid.color": "#DDDDDD",
    "legend.frameon": False,
    "text.parse_math": False,
    "text.usetex": False,
    "axes.formatter.use_mathtext": False,
    "svg.hashsalt": "entrack",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
    "ps.fonttype": 42,  # which also says how many letters a font of a PDF may have
    "pdf.compression": 0,
    "savefig.dpi": 200,
    "figure.dpi": 200,
}
LAYOUT_TABLES = ("GDEF", "GPOS", "GSUB", "kern")
METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "ModDate": None, "Creator": None, "Producer": None},
}


@contextmanager
def style() -> Iterator[None]:
    """matplotlib's defaults with our changes, put back as they were at the end."""
    untouched = ("backend", "backend_fallback", "interactive", "toolbar", "webagg.open_in_browser")
    ours: dict[Any, Any] = {k: v for k, v in matplotlib.rcParamsDefault.items() if k not in untouched} | OURS
    with matplotlib.rc_context(ours):
        yield


def rendered(figure: Figure, formats: tuple[str, ...]) -> dict[str, bytes]:
    """A figure in each format. No dates and no random ids: the same figure gives the same bytes. A PDF is not
    compressed, since builds of zlib compress otherwise."""
    return {each: _bytes(figure, each) for each in formats}


def panels(
    title: str, count: int, width: float, height: float, across: int, **shared: Any
) -> tuple[Figure, list[Axes]]:
    """A titled figure of `count` axes, `across` in a row; `width` and `height` are the whole figure's, in inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    down = -(-count // across)
    axes = figure.subplots(down, across, squeeze=False, **shared)
    every = [each for row in axes for each in row]
    for spare in every[count:]:
        spare.set_axis_off()
    figure.suptitle(heading(title, width), x=0.01, ha="left", fontsize=10, fontweight="bold")
    return figure, every[:count]


def heading(title: str, width: float) -> str:
    """A title in lines of a figure's width in inches."""
    return fold(clip(title, MOST), width - 0.2, 10, "bold")


def caption(figure: Figure, text: str) -> None:
    """A line of small print under a figure: what is shown, n, and what the bars of error are."""
    figure.supxlabel(small_print(text, figure.get_figwidth()), x=0.01, ha="left", fontsize=7, color="#444444")


def small_print(text: str, width: float) -> str:
    """The text of a caption in lines of a figure's width in inches."""
    return fold(clip(text, 5 * MOST), width - 0.2, 7)


def around(title: str, text: str, width: float) -> float:
    """Inches that a title above and a caption below take of a figure's height, at this width."""
    return height(heading(title, width), 10) + height(small_print(text, width), 7) + 0.3


def nought(axes: Axes, x: float, colour: Any) -> None:
    """A small 0 where a bar has no height, so that it is not taken for one that is missing."""
    axes.annotate("0", (x, 0), (0, 1.5), textcoords="offset points", ha="center", fontsize=5.5, color=colour)


def colours(count: int) -> list[Any]:
    """So many colours that can be told apart; beyond the palette, steps of viridis."""
    if count <= len(TAB):
        return list(TAB[:count])
    return [colormaps["viridis"](0.95 * place / (count - 1)) for place in range(count)]


def _bytes(figure: Figure, form: str) -> bytes:
    stream = BytesIO()
    with warnings.catch_warnings(), _fonts_to_embed() if form == "pdf" else nullcontext():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(stream, format=form, metadata=METADATA[form])
    return stream.getvalue()


@contextmanager
def _fonts_to_embed() -> Iterator[None]:
    """Fonts are embedded without the tables that lay text out, which nobody reads where it is laid out: following them
    from glyph to glyph is most of what a small PDF takes."""
    from fontTools.subset import Options

    usual = Options._drop_tables_default
    Options._drop_tables_default = [*usual, *LAYOUT_TABLES]
    try:
        yield
    finally:
        Options._drop_tables_default = usual
