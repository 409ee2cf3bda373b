"""Hold the intervals on the page of a study against its results: `python docs/study_numbers.py PAGE.md RESULTS.json`.

A page was written by hand when its study was run; a run today may say another interval. Each `5.98 [5.45, 6.61]`, or in
percent, has to be a value of the results with its interval, rounded as it is written, with either sign. What a page
says of other runs (another seed, fewer prompts) is in no such file and is told too. Exit status 1 where something is.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NUMBER = r"[-+]?\d[\d,]*(?:\.\d+)?"
WRITTEN = re.compile(rf"({NUMBER})( %)?\**\s*\[({NUMBER}), ({NUMBER})\]")
Triple = tuple[float, float, float]


def reported(found: Any) -> Iterator[Triple]:
    """Every value of some results that has an interval, with it."""
    if isinstance(found, dict):
        value, interval = found.get("value"), found.get("interval")
        if isinstance(value, int | float) and isinstance(interval, list) and None not in interval:
            yield value, interval[0], interval[1]
        yield from (one for each in found.values() for one in reported(each))
    elif isinstance(found, list):
        yield from (one for each in found for one in reported(each))


def not_reported(page: str, results: Any) -> Iterator[tuple[int, str]]:
    """The intervals of a page that no value of the results has, each with its line."""
    known = [*reported(results), *((-value, -high, -low) for value, low, high in reported(results))]
    for match in WRITTEN.finditer(page):
        written = [match[group].replace(",", "") for group in (1, 3, 4)]
        scale = 100 if match[2] else 1
        if not any(all(map(_is, written, (each * scale for each in one))) for one in known):
            yield page.count("\n", 0, match.start()) + 1, " ".join(match[0].split())


def _is(written: str, value: float) -> bool:
    decimals = len(written.partition(".")[2])
    return abs(float(written) - value) <= 0.5 * 10**-decimals + 1e-9


def main(page: str, results: str) -> int:
    told = list(not_reported(Path(page).read_text(encoding="utf-8"), json.loads(Path(results).read_text())))
    for line, written in told:
        print(f"{page}:{line}: {written} is none of the results")
    return int(bool(told))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
