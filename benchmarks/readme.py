"""The lines of the README that say how fast entrack is: made of results.json, put between two marks, and held to it
by a test."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

README = Path(__file__).parents[1] / "README.md"
MARKS = re.compile(r"(<!-- benchmarks -->\n)(.*?)(<!-- end of benchmarks -->)", re.DOTALL)
SIZE = "quick"
HOPS = {
    "hop 1": "to the logits",
    "hop 2": "to queries at the last token",
    "hop 3": "to values two tokens before it",
    "hop 4": "to values at a first mention",
}
OTHERS = {
    "mask step": "a step of training a mask",
    "circuits": "random circuits, completeness and minimality",
    "interchange": "interchange",
    "grid": "a grid of activation patching",
}


def lines(records: Iterable[Mapping[str, Any]]) -> str:
    """At most three lines; none of what was not measured."""
    ours = {one["work"]: one for one in records if one["size"] == SIZE and one["who"].startswith("ours")}
    stored = [one for one in records if one["size"] == SIZE and one["who"] == "ours, from the store"]
    made = []
    if all(hop in ours for hop in HOPS):
        times = ", ".join(f"{_times(ours[hop])} {words}" for hop, words in HOPS.items())
        floor = max(ours[hop]["ratio_to_floor"] for hop in HOPS)
        made.append(
            f"- Path patching against one full forward pass per head: {times}; within {floor:.2f}x of the "
            "bare matrix products ([how it is measured](docs/benchmarks.md))."
        )
    others = [f"{_times(ours[work])} for {words}" for work, words in OTHERS.items() if work in ours]
    if others:
        made.append(f"- {', '.join(others)}.")
    made.extend(
        f"- Again from the store: {one['seconds']:.1f} s, and torch is never imported."
        for one in stored[:1]
        if "never imported" in one["sample"]
    )
    return "".join(f"{line}\n" for line in made)


def written(text: str, records: Iterable[Mapping[str, Any]]) -> str:
    """The README with the lines of these records."""
    return MARKS.sub(lambda found: found[1] + lines(records) + found[3], text)


def _times(record: Mapping[str, Any]) -> str:
    ratio = record["ratio_to_plain"]
    return f"{ratio:.0f}x" if ratio >= 10 else f"{ratio:.1f}x"
