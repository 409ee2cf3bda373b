"""What `fmt` writes: the same program with the same comments, and the same text when it is formatted once more."""

from __future__ import annotations

import random
from pathlib import Path

from drawn_specs import drawn, unlike

from stress.tried import Tally, Tried

LEAST = 0.7
"""Of what is drawn, so much is a spec."""


def drawn_ones(count: int, seed: int, folder: Path) -> Tried:
    """`count` specs drawn from the grammar; what is drawn and is none is drawn again, and does not count."""
    tally, number = Tally(), 0
    while tally.cases < count:
        text = drawn(random.Random(f"{seed} {number}"))
        with tally.case(f"drawn spec {number} of seed {seed}", 0):
            wrong = unlike(text)
            tally.cases += wrong is not None
            assert not wrong, f"{wrong}: {text!r}"
        number += 1
        if number > 200 and tally.cases < LEAST * number:
            tally.failures.append(f"only {tally.cases} of {number} drawn texts are specs")
            break
    tally.notes.append(f"{number - tally.cases:,} more were no specs")
    return tally.tried
