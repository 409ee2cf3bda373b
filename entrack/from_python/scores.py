"""Scores of Python as a CSV file, and the line with which a spec keeps the best of them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from sys import float_info
from typing import Any

from entrack.arguments import choice, number, shown, whole
from entrack.budget import LIST_HEADS
from entrack.check.scores import SCORE, SITE
from entrack.errors import ArgumentError, ArgumentTypeError
from entrack.from_python.made import Made, file_named, listed, member, name_of, named, provenance, written
from entrack.ranking import Ranking
from entrack.sites import Site, by_head

LARGEST = int(float_info.max)
MOST = LIST_HEADS.most


def scores(
    values: Any,
    path: str | os.PathLike[str],
    *,
    keep: int = 10,
    ranking: str = "strongest",
    model: str = "base",
    at: str = "last",
    name: str | None = None,
    made_by: str = "",
) -> Made:
    """Write a score a site for specs: `group NAME in MODEL at POSITION = scores("PATH") keep K strongest`.

    `values` is an array (layer, head) of torch or numpy, a list of lists, or a mapping from sites as a spec writes them
    (`14.13`, `mlp.3`), or pairs (layer, head), to numbers. `keep` and `ranking` (`lowest`, `highest`, `strongest`) say
    what the group has, `at` is a position of the spec's tasks; `model`, `name` and `made_by` are as of `vector`. Raises
    ArgumentError, OSError.
    """
    where, told = file_named(path, ".csv"), provenance(made_by)
    many, order = whole(keep, "keep", 1, MOST), choice(ranking, "ranking", [each.value for each in Ranking])
    found = _each_once(_scored(values))
    if not 0 < len(found) <= MOST:
        raise ArgumentError(f"there are from 1 to {MOST:,} scores; these are {len(found):,}")
    content = "".join(f"{site},{score!r}\n" for site, score in found.items())
    place = f"{name_of(name, where)} in {named(model, 'model')} at {named(at, 'at')}"
    lines = f'group {place} = scores("{where.name}") keep {many} {order}'
    return written(where, f"{SITE},{SCORE}\n{content}".encode(), f"{len(found):,} scores", told, lines)


def _each_once(scored: Iterator[tuple[Site, float]]) -> dict[Site, float]:
    """Scores by site. Raises ArgumentError for a site that has two."""
    found: dict[Site, float] = {}
    for site, score in scored:
        if site in found:
            raise ArgumentError(f"{site} has two scores")
        found[site] = score
    return found


def _scored(values: Any) -> Iterator[tuple[Site, float]]:
    """Sites with their scores. Raises ArgumentError."""
    if isinstance(values, Mapping):
        yield from ((member(site), _score(listed(one))) for site, one in values.items())
        return
    rows = listed(values)
    if not isinstance(rows, Sequence) or not all(isinstance(row, list | tuple) for row in rows):
        raise ArgumentTypeError(f"scores are an array (layer, head), or a mapping from sites; this is {shown(values)}")
    yield from by_head([_score(one) for one in row] for row in rows).items()


def _score(given: Any) -> float:
    return float(number(given, "a score", LARGEST))
