"""Diagnostics as HTML for a notebook: what a terminal shows, in colours, and the page of each code, folded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import TYPE_CHECKING

from entrack.diagnostics.colours import ERROR, FRAME, WARNING, mixed
from entrack.diagnostics.diagnostic import Diagnostic
from entrack.diagnostics.escape import visible
from entrack.diagnostics.pages import page
from entrack.diagnostics.render import render_all
from entrack.source import Source

if TYPE_CHECKING:
    from rich.text import Text

COLOURS: Mapping[str, str] = {"red": ERROR, "yellow": WARNING, "blue": FRAME}
"""Of the styles of `render`."""


def render_html(problems: Iterable[Diagnostic], sources: Mapping[str, Source]) -> str:
    """All of them, each code's page below."""
    several = tuple(problems)
    codes = dict.fromkeys(problem.code for problem in several)
    return f"<pre>{_coloured(render_all(several, sources))}</pre>{''.join(map(_page, codes))}"


def _coloured(text: Text) -> str:
    """A text whose pieces have a style each."""
    return "".join(_pieces(text))


def _pieces(text: Text) -> Iterator[str]:
    shown = 0
    for span in sorted(text.spans):
        yield escape(text.plain[shown : span.start])
        yield f'<span style="{_css(str(span.style))}">{escape(text.plain[span.start : span.end])}</span>'
        shown = span.end
    yield escape(text.plain[shown:])


def _css(style: str) -> str:
    words = style.split()
    colours = [f"color:{mixed(COLOURS[word])}" for word in words if word in COLOURS]
    return ";".join([*colours, *(["font-weight:600"] if "bold" in words else [])])


def _page(code: str) -> str:
    text = page(code)
    if text is None:
        return ""
    title, _, rest = text.removeprefix("# ").partition("\n")
    return f"<details><summary>{escape(visible(title))}</summary><pre>{escape(rest.strip())}</pre></details>"
