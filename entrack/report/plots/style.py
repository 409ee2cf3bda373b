"""What all figures share: the style, a palette for colour-blind readers too, and writing the files.

Figures are built from `matplotlib.figure.Figure` and drawn by Agg, without pyplot. The style is in force only inside
`style()` and starts from matplotlib's own defaults, so that a reader's matplotlibrc changes nothing.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import partial
from html import escape
from io import BytesIO
from typing import Any, Literal

import matplotlib
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from entrack.report.format import visible

LEFT, BETWEEN = 0.62, 0.2
"""Inches for the numbers and the name of a y axis, and between panels side by side, before they are measured."""
TAB = ("#0072B2", "#E69F00", "#7A1F4F", "#72CDF4", "#B51A2A", "#A9AD62", "#6F2DE0", "#E8618C")
"""Colours that differ for every kind of colour vision, by 25 in CIE L*a*b* at least, in an order in which neighbours
also differ in grey."""
LINES: tuple[Literal["-", "--", "-.", ":"], ...] = ("-", "--", "-.", ":")
MARKS = "osD^vPX*"
OURS: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 8,
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
LAYOUT_TABLES = ("GDEF", "GPOS", "GSUB", "kern", "cmap", "post", "name", "OS/2")
NOBODY: Mapping[str, Mapping[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "ModDate": None, "Creator": None, "Producer": None},
}
"""What would say who made a file, and when."""
SAID = {"png": ("Title", "Description"), "pdf": ("Title", "Subject")}
"""Where a file has the title and the words of its figure."""
ROOT = re.compile(r"<svg [^>]*>")
"""How a drawing begins."""


@contextmanager
def style() -> Iterator[None]:
    """matplotlib's defaults with our changes, put back as they were at the end."""
    untouched = ("backend", "backend_fallback", "interactive", "toolbar", "webagg.open_in_browser")
    ours: dict[Any, Any] = {k: v for k, v in matplotlib.rcParamsDefault.items() if k not in untouched} | OURS
    with matplotlib.rc_context(ours):
        yield


def rendered(
    figure: Figure, formats: tuple[str, ...], title: str, words: str, magnified: float = 1.0
) -> dict[str, bytes]:
    """A figure in each format, with its title and its description in words. No dates and no random ids: the same figure
    gives the same bytes. A PDF is not compressed, since builds of zlib compress otherwise. A PNG has so many more dots
    as it is `magnified`."""
    title, words = visible(title), visible(words)
    return {each: _bytes(figure, each, title, words, magnified) for each in formats}


def nought(axes: Axes, x: float, colour: Any) -> None:
    """A small 0 where a bar has no height, so that it is not taken for one that is missing."""
    axes.annotate("0", (x, 0), (0, 1.5), textcoords="offset points", ha="center", fontsize=6, color=colour)


def colours(count: int) -> list[Any]:
    """So many colours that can be told apart; beyond the palette, steps of viridis up to where it is too light."""
    if count <= len(TAB):
        return list(TAB[:count])
    return [colormaps["viridis"](0.88 * place / (count - 1)) for place in range(count)]


def _bytes(figure: Figure, form: str, title: str, words: str, magnified: float) -> bytes:
    stream = BytesIO()
    said = dict(zip(SAID.get(form, ()), (title, words), strict=False))
    dpi = OURS["savefig.dpi"] * magnified
    with warnings.catch_warnings(), _fonts_to_embed() if form == "pdf" else nullcontext():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(stream, format=form, metadata={**NOBODY[form], **said}, dpi=dpi)
    return _told(stream.getvalue().decode(), title, words).encode() if form == "svg" else stream.getvalue()


def _told(svg: str, title: str, words: str) -> str:
    """A drawing as one image that a screen reader reads out: its title, then its description."""
    said = f'<title id="title">{escape(title)}</title>\n <desc id="desc">{escape(words)}</desc>'
    return ROOT.sub(lambda root: f'{root[0][:-1]} role="img" aria-labelledby="title desc">\n {said}', svg, count=1)


@contextmanager
def _fonts_to_embed() -> Iterator[None]:
    """Fonts are embedded without the tables that lay text out, which nobody reads where it is laid out: reading them,
    and following them from glyph to glyph, is most of what a small PDF takes."""
    from fontTools import subset

    usual = subset.load_font
    subset.load_font = partial(_without_layout, usual)
    try:
        yield
    finally:
        subset.load_font = usual


def _without_layout(load: Callable[..., Any], *given: Any, **named: Any) -> Any:
    """A font as `load` reads it, without those tables."""
    font = load(*given, **named)
    for table in LAYOUT_TABLES:
        if table in font:
            del font[table]
    return font
