"""The promises of docs/trust.md, one file each: what is done to a store or a text, how often, and what then must hold.

A promise is tried by a function `(count, seed, folder) -> Tried`. The test suite calls each at a small count, and
`make stress` at a larger one, as a table. What they do it with stands beside the other tests of that part.
"""

from __future__ import annotations

import sys
from pathlib import Path

TESTS = Path(__file__).parents[2]
ROOT = TESTS.parent
sys.path[:0] = [
    str(TESTS / name)
    for name in ("syntax", "store", "plan", "e2e", "engine", "check", "robustness/security", "determinism")
    if str(TESTS / name) not in sys.path
]
