"""Words of a text, and where a text stands in another: as characters."""

from __future__ import annotations

import re

from entrack import budget

WORD = re.compile(r"\S+")
MOST_FOUND = budget.HOLES.most


def words_in(text: str) -> list[tuple[int, int]]:
    """The words of a text, between blanks: each without the punctuation round it, unless it is nothing else."""
    budget.spend(budget.RENDERED, len(text))
    return [_bare(match.start(), match.group()) for match in WORD.finditer(text)]


def _bare(start: int, word: str) -> tuple[int, int]:
    letters = [place for place, character in enumerate(word) if character.isalnum()]
    return (start + letters[0], start + letters[-1] + 1) if letters else (start, start + len(word))


def found_in(text: str, wanted: str) -> list[int]:
    """Where a text stands in another, from first to last; they may not overlap."""
    budget.spend(budget.RENDERED, len(text))
    places: list[int] = []
    place = text.find(wanted) if wanted else -1
    while place >= 0 and len(places) < MOST_FOUND:
        places.append(place)
        place = text.find(wanted, place + len(wanted))
    return places
