"""Scores of files: a column of a CSV file, one number a site; and the sites that a group keeps of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from math import isfinite

from entrack.check.files import Files
from entrack.check.unreadable import Unreadable
from entrack.circuit_files.circuit import CircuitRefused, site_of
from entrack.diagnostics import Diagnostic
from entrack.ranking import Ranking
from entrack.sites import RECEIVING, Site
from entrack.source import Span

SITE, SCORE = "site", "score"
"""The columns of a file of scores."""
DECIMAL = re.compile(r"[-+]?(?:\d{1,400}(?:\.\d{0,400})?|\.\d{1,400})(?:[eE][-+]?\d{1,4})?", re.ASCII)
"""A score, as CSV files write it."""


def scores_of(files: Files, written: str, column: str, span: Span) -> Mapping[Site, float]:
    """The scores of a file, site by site in its order, from the columns `site` and `column`. Raises Unreadable."""
    key = ("scores", files.identity(files.resolve(written, span)), column)
    return files.once(key, span, lambda: dict(_scores(files, written, column, span)))


def best(scores: Mapping[Site, float], ranking: Ranking, keep: int) -> tuple[Site, ...]:
    """At most `keep` sites, the best first, of those whose scores may be kept: as a discovery keeps them."""
    able = [site for site, score in scores.items() if ranking.key(score) < 0]
    return tuple(sorted(able, key=lambda site: (ranking.key(scores[site]), site))[:keep])


def _scores(files: Files, written: str, column: str, span: Span) -> Iterator[tuple[Site, float]]:
    sites, numbers = (files.column(written, name, span) for name in (SITE, column))
    seen: set[Site] = set()
    for row, (said, number) in enumerate(zip(sites, numbers, strict=True), 2):
        site, score = _site(said, written, row, span), _score(number, written, row, span)
        if site in seen:
            raise _unreadable(f"{site} has a second score in row {row} of `{written}`", span)
        seen.add(site)
        yield site, score


def _site(said: str, written: str, row: int, span: Span) -> Site:
    try:
        site = site_of(said.strip())
    except CircuitRefused:
        raise _unreadable(f"row {row} of `{written}` has no site: `{said[:40]}`", span) from None
    if site.part in RECEIVING:
        raise _unreadable(f"row {row} of `{written}` has `{site}`, and a group has heads, not what they read", span)
    return site


def _score(said: str, written: str, row: int, span: Span) -> float:
    score = float(said) if DECIMAL.fullmatch(said.strip()) else float("nan")
    if not isfinite(score):
        raise _unreadable(f"row {row} of `{written}` has no number: `{said[:40]}`", span)
    return score


def _unreadable(message: str, span: Span) -> Unreadable:
    help = "a row is a site as a spec writes it, such as 14.13 or mlp.3, and its score"
    return Unreadable(Diagnostic("E218", message, span, "", help))
