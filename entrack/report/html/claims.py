"""A claim on the page: its verdict, its number with interval and bound as text and as a drawing, what it rests on and
how to try it."""

from __future__ import annotations

from html import escape
from math import isfinite

from entrack.report.anchors import anchor, cell_anchor
from entrack.report.claims_table import VERDICTS, bound_words, fresh_words, measured_words, published_words
from entrack.report.format import short
from entrack.report.html.markup import said
from entrack.report.html.number_line import number_line
from entrack.results import Claim, Measure, Results

MOST_CELLS = 5_000
"""Cells up to which a measure is a table of the page."""


def verdict_line(claims: tuple[Claim, ...]) -> str:
    """`4 of 4 claims hold`, and links to those that do not."""
    held = sum(claim.passed for claim in claims)
    failed = _links(claims, [not claim.passed and not claim.undecided for claim in claims])
    undecided = _links(claims, [claim.undecided for claim in claims])
    rest = f"; not supported: {failed}" if failed else ""
    return f"{held} of {len(claims)} claims hold{rest}{f'; undecided: {undecided}' if undecided else ''}"


def _links(claims: tuple[Claim, ...], which: list[bool]) -> str:
    """Links to some of the claims."""
    chosen = [(number, claim) for number, claim in enumerate(claims, start=1) if which[number - 1]]
    return ", ".join(f'<a href="#claim-{number}">{said(claim.text)}</a>' for number, claim in chosen)


def claim_html(claim: Claim, number: int, results: Results, command: str) -> str:
    """An article, which a link finds as `claim-1`."""
    facts = [
        ("fresh", escape(fresh_words(claim))),
        ("must be", escape(bound_words(claim))),
        ("published", escape(published_words(claim))),
        ("n", str(claim.n or "")),
        ("rests on", _basis(claim, results)),
        ("to try it", f"<code>{said(command)}</code>: claim {number} of {len(results.claims)}"),
    ]
    rows = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in facts if value)
    name = f"claim-{number}"
    measured = f"<code>{said(claim.expression)}</code> = <b>{escape(measured_words(claim))}</b>"
    return (
        f'<article class="claim {claim.verdict}" id="{name}" aria-labelledby="{name}-text"><h3 id="{name}-text">'
        f'<span class="verdict">{escape(VERDICTS[claim.verdict])}</span> {said(claim.text)}</h3>'
        f'<div><p class="measured">{measured}</p>{number_line(claim, name)}</div><dl>{rows}</dl></article>'
    )


def _basis(claim: Claim, results: Results) -> str:
    """Links to cells, with their values and the beginning of their address, and to measures and discoveries."""
    measures = {measure.name: measure for measure in results.measures}
    discoveries = {found.name: found for found in results.discoveries}
    links = [_cell(measures[name], labels) for name, labels in claim.rests_on.cells if name in measures]
    links += [f"cells of {_link('measure', name)}" for name in claim.rests_on.measures if name in measures]
    links += [
        f"the circuit {_link('discovery', name)}{_step(discoveries[name].address)}"
        for name in claim.rests_on.discoveries
        if name in discoveries
    ]
    return "<br>".join(links)


def _cell(measure: Measure, labels: tuple[str, ...]) -> str:
    value = next((cell for cell in measure.cells if cell.labels == labels), None)
    said_labels = said(f"{measure.name}[{', '.join(labels)}]")
    shown = f" = {value.value:.4g}" if value and isfinite(value.value) else ""
    to = cell_anchor(measure.name, labels) if len(measure.cells) <= MOST_CELLS else anchor("measure", measure.name)
    link = f'<a href="#{to}">{said_labels}</a>'
    return f"{link}{shown}{_step(value.address) if value else ''}"


def _link(kind: str, name: str) -> str:
    return f'<a href="#{anchor(kind, name)}">{said(name)}</a>'


def _step(address: str) -> str:
    return f' <span class="address">step <code>{said(short(address))}</code></span>' if address else ""
