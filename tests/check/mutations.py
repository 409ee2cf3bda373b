"""Shipped specs with some tokens or bits changed, and what must hold for whatever is said of any text."""

from __future__ import annotations

import random
import re
from pathlib import Path

from entrack import api
from entrack.diagnostics import Diagnostic, pages
from entrack.diagnostics.render import render_all
from entrack.source import Source

ROOT = Path(__file__).parents[2]
SPECS = sorted(path for path in (ROOT / "specs").rglob("*.et"))
CODES = frozenset(pages.codes())
TOKEN = re.compile(r'"[^"\n]*"|\w+|\s+|[^\w\s]')
STRANGE = (
    "\x00",
    "\ufeff",
    "\u202e",
    "é",
    "\U0001f600",
    "\\",
    '"',
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "#",
    ";",
    "..",
    "->",
    "==",
    "'",
    "\r",
    "9" * 30,
    "0",
    "-1",
    "nothing",
    "alternate",
    "original",
)


def deleted(tokens: list[str], chance: random.Random) -> None:
    del tokens[chance.randrange(len(tokens))]


def swapped(tokens: list[str], chance: random.Random) -> None:
    first, second = chance.randrange(len(tokens)), chance.randrange(len(tokens))
    tokens[first], tokens[second] = tokens[second], tokens[first]


def doubled(tokens: list[str], chance: random.Random) -> None:
    place = chance.randrange(len(tokens))
    tokens.insert(place, tokens[chance.randrange(len(tokens))])


def strange(tokens: list[str], chance: random.Random) -> None:
    tokens[chance.randrange(len(tokens))] = chance.choice(STRANGE)


def flipped(tokens: list[str], chance: random.Random) -> None:
    place = chance.randrange(len(tokens))
    token = tokens[place]
    at = chance.randrange(len(token))
    tokens[place] = token[:at] + chr((ord(token[at]) ^ (1 << chance.randrange(7))) or 32) + token[at + 1 :]


def cut(tokens: list[str], chance: random.Random) -> None:
    start = chance.randrange(len(tokens))
    del tokens[start : start + chance.randrange(1, 40)]


MUTATIONS = (deleted, swapped, doubled, strange, flipped, cut)


def mutated(text: str, chance: random.Random) -> str:
    tokens = TOKEN.findall(text)
    for _ in range(chance.choice((1, 1, 1, 2, 4, 8))):
        if tokens:
            chance.choice(MUTATIONS)(tokens, chance)
    return "".join(tokens)


def survives(source: Source) -> tuple[Diagnostic, ...]:
    """What is said of a text; asserts that it is said well."""
    problems, sources = api.check(source, {})
    for problem in problems:
        assert problem.code in CODES
        for span in (problem.span, *(label.span for label in problem.related)):
            assert 0 <= span.start <= span.end <= max(1, len(sources[span.file].text)), problem
    render_all(problems, sources)
    return problems
