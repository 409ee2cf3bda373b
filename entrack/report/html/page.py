"""`report.html`: one file that shows what a run found, by itself.

It holds no script and asks for nothing: its policy allows the one style sheet, by digest, and images that stand in it.
The same results, texts and drawings give the same bytes.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Mapping
from html import escape
from importlib.resources import files
from pathlib import PurePath

from attrs import field

from entrack.frozen import frozen
from entrack.highlight.shown import html_of, style_sheet
from entrack.report.anchors import anchor
from entrack.report.describe import in_words
from entrack.report.format import visible
from entrack.report.grid import Grid
from entrack.report.html.claims import MOST_CELLS, claim_html, verdict_line
from entrack.report.html.markup import lines, said, table
from entrack.report.html.vector import inline
from entrack.report.lookup import pick
from entrack.report.measure_table import LARGE, WIDTH, caption, measure_grids
from entrack.report.provenance_lines import provenance_lines
from entrack.report.table_data import discovery_grid, mask_grids, titled
from entrack.results import Discovery, Figure, Measure, Results
from entrack.source import Source

UNBOUNDED = 10_000
"""A box of its own scrolls, so a large table is not taken apart."""


@frozen
class Written:
    """What a spec says beside its results: its text, then those of the files that it includes; the lines of its
    `about`; and the command that runs it, where it is not `entrack run` with the spec's name and its params."""

    texts: tuple[Source, ...] = ()
    about: Mapping[str, str] = field(factory=dict)
    command: str = ""


def written(spec: Source, texts: Iterable[Source], about: Mapping[str, str]) -> Written:
    """What the page shows of a spec, of all its `texts`: its own first."""
    return Written((spec, *(text for text in texts if text.name != spec.name)), about)


def report_html(results: Results, written: Written, drawings: Iterable[tuple[Figure, str]] = ()) -> str:
    """The page. `drawings` are the figures, each with its SVG as matplotlib writes it."""
    sections = (
        ("claims", "Claims", _claims(results, written)),
        ("figures", "Figures", _figures(results, drawings)),
        ("tables", "Tables", _tables(results)),
        ("spec", "Spec", _texts(written)),
        ("provenance", "Provenance", _provenance(results)),
    )
    there = [(name, title, body) for name, title, body in sections if body]
    links = "".join(f'<li><a href="#{name}">{title}</a></li>' for name, title, _ in there)
    main = "".join(
        f'<section aria-labelledby="{name}"><h2 id="{name}">{title}</h2>{body}</section>' for name, title, body in there
    )
    return (
        f"{_head(results)}<body>"
        '<a class="skip" href="#main">Skip to the content</a>'
        f"<header>{_masthead(results, written)}</header>"
        f'<nav aria-label="Contents"><ul>{links}</ul></nav>'
        f'<main id="main" tabindex="-1">{main}</main>'
        f"<footer><p>Made by entrack {said(results.provenance.entrack)}. "
        "This page holds no script and loads nothing.</p></footer></body></html>\n"
    )


def _head(results: Results) -> str:
    style = f"{files('entrack.report.html').joinpath('page.css').read_text(encoding='utf-8')}{style_sheet()}"
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    allowed = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{allowed}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer"><meta name="color-scheme" content="light dark">'
        f"<title>{said(_title(results))}</title>"
        f'<link rel="icon" href="data:,"><style>{style}</style></head>\n'
    )


def _title(results: Results) -> str:
    return results.title or PurePath(results.provenance.spec).name


# --- the head of the page ----------------------------------------------------------------------------------------


def _masthead(results: Results, written: Written) -> str:
    about = "".join(
        f'<p class="{name}">{said(written.about[name])}</p>'
        for name in ("authors", "cite", "note")
        if written.about.get(name)
    )
    verdicts = f'<p class="verdicts">{verdict_line(results.claims)}</p>' if results.claims else ""
    return f"<h1>{said(_title(results))}</h1>{about}{verdicts}{_changed(results)}"


def _changed(results: Results) -> str:
    """A run with other params is not the run that the spec describes."""
    names = results.provenance.changed_params
    if not names:
        return ""
    values = ", ".join(f"{name} = {results.provenance.params.get(name, 0):g}" for name in names)
    return f'<p class="notice">Params were set from outside: {said(values)}. The spec describes another run.</p>'


def _claims(results: Results, written: Written) -> str:
    if not results.claims:
        return ""
    command = written.command or _command(results)
    how = (
        '<p class="how">To try them, with the spec and what it includes in one folder: '
        f"<code>{said(command)}</code>. It prints each claim with its number, in this order.</p>"
    )
    return how + "".join(
        claim_html(claim, number, results, command) for number, claim in enumerate(results.claims, start=1)
    )


def _command(results: Results) -> str:
    given = results.provenance
    params = "".join(f" -p {name}={given.params[name]:g}" for name in given.changed_params if name in given.params)
    return f"entrack run {PurePath(given.spec).name}{params}"


# --- figures and tables ------------------------------------------------------------------------------------------


def _figures(results: Results, drawings: Iterable[tuple[Figure, str]]) -> str:
    return "".join(_figure(number, results, *drawn) for number, drawn in enumerate(drawings, start=1))


def _figure(number: int, results: Results, figure: Figure, svg: str) -> str:
    item = pick(figure.of, results)
    words = in_words(figure, item)
    drawing = inline(svg, f"figure-{number}", figure.title, words)
    name = f"Figure {number}. {figure.title}"
    return (
        f'<figure id="figure-{number}"><div class="wide" tabindex="0" role="group" aria-label="{said(name)}">{drawing}'
        f"</div><figcaption><b>{said(name)}.</b> {said(words)}{_as_a_table(item, results)}</figcaption></figure>"
    )


def _as_a_table(item: Measure | Discovery, results: Results) -> str:
    """A link to the same numbers, where they are a table of the page."""
    if all(item.name != each.name for _, each in titled(results)):
        return ""
    kind = "discovery" if isinstance(item, Discovery) else "measure"
    return f' <a href="#{anchor(kind, item.name)}">The numbers as a table</a>.'


def _tables(results: Results) -> str:
    seen: set[str] = set()
    parts = []
    for title, item in titled(results):
        parts.append(_item(title, item, first=item.name not in seen))
        seen.add(item.name)
    return "".join([*parts, *(_boxed(grid, first=True) for grid in mask_grids(results))])


def _item(title: str, item: Measure | Discovery, *, first: bool) -> str:
    """A result. Where a spec sets it twice, links lead to the first."""
    kind = "discovery" if isinstance(item, Discovery) else "measure"
    found = (discovery_grid(item, title),) if isinstance(item, Discovery) else _grids(item, title)
    name = f' id="{anchor(kind, item.name)}"' if first else ""
    return f'<div class="result"{name}>{"".join(_boxed(grid, first=first) for grid in found)}</div>'


def _grids(item: Measure, title: str) -> tuple[Grid, ...]:
    """A measure as tables; of a large one only what it is of."""
    if len(item.cells) > MOST_CELLS:
        words = f"{caption(item)}; {len(item.cells):,} cells, which stand in tables/ and in results.json"
        return (Grid(visible(title), (), (), words),)
    return measure_grids(item, title, UNBOUNDED if len(item.cells) >= LARGE else WIDTH)


def _boxed(grid: Grid, *, first: bool) -> str:
    def marks(grid: Grid, row: int, column: int) -> str:
        to = grid.anchors.get((row, column)) if first else None
        return f"{f' id={chr(34)}{to}{chr(34)}' if to else ''}{' class=number' if column in grid.right else ''}"

    if not grid.head:
        return f'<h3>{escape(grid.title)}</h3><p class="caption">{lines(grid.caption)}</p>'
    return (
        f'<h3>{escape(grid.title)}</h3><div class="wide" tabindex="0" role="group" aria-label="{escape(grid.title)}">'
        f'{table(grid, marks, title=False)}</div><p class="caption">{lines(grid.caption)}</p>'
    )


# --- the spec, and where the numbers came from -------------------------------------------------------------------


def _texts(written: Written) -> str:
    if not written.texts:
        return ""
    folder = PurePath(written.texts[0].name).parent
    return "".join(_text(source, folder, whole=place == 0) for place, source in enumerate(written.texts))


def _text(source: Source, folder: PurePath, *, whole: bool) -> str:
    path = PurePath(source.name)
    name = path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name
    rows = "".join(f'<span class="line">{row}\n</span>' for row in html_of(source.text).rstrip("\n").split("\n"))
    return (
        f'<details class="file"{" open" * whole}><summary><h3>{said(name)}</h3></summary>'
        f'<pre class="entrack"><code>{rows}</code></pre></details>'
    )


def _provenance(results: Results) -> str:
    facts = [line.partition(": ") for line in provenance_lines(results.provenance)]
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, _, value in facts)
    return f'<dl class="facts">{rows}</dl>'
