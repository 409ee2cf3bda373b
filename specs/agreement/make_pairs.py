"""Write specs/agreement/pairs.csv: 200 pairs of beginnings of sentences that differ in the number of their subject.

python specs/agreement/make_pairs.py
"""

from __future__ import annotations

import csv
from itertools import product
from pathlib import Path

COLUMNS = ("clean", "corrupted", "matched", "answer", "wrong")
SUBJECTS = ["author", "pilot", "farmer", "teacher", "doctor", "lawyer", "singer", "driver", "writer", "engineer"]
ATTRACTORS = ["guard", "nurse", "clerk", "soldier", "customer", "tree", "bridge", "truck", "dog", "lamp"]
LINKS = ["near", "behind", "beside", "opposite", "with"]


def main() -> None:
    with Path(__file__).with_name("pairs.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *pairs()])


def pairs() -> list[tuple[str, ...]]:
    """The rows, two for each subject and attractor. The words between take turns."""
    nouns = enumerate(product(SUBJECTS, ATTRACTORS))
    return [row for number, (a, b) in nouns for row in pair(a, b, LINKS[number % len(LINKS)])]


def pair(subject: str, attractor: str, link: str) -> list[tuple[str, ...]]:
    """A row with a singular subject and one with a plural one. The attractor has the other number, except in
    `matched`."""
    one, many = (subject, f"{subject}s"), (attractor, f"{attractor}s")
    return [
        (
            sentence(one[i], link, many[1 - i]),
            sentence(one[1 - i], link, many[1 - i]),
            sentence(one[i], link, many[i]),
            ("is", "are")[i],
            ("is", "are")[1 - i],
        )
        for i in (0, 1)
    ]


def sentence(subject: str, link: str, attractor: str) -> str:
    return f"The [[subject: {subject}]] {link} the [[attractor: {attractor}]]"


if __name__ == "__main__":
    main()
