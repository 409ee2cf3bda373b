"""The table of limits in docs/language.md is the one of `entrack/budget.py`, and what is shipped stays far below each.

`GOLDEN=write pytest tests/docs/test_limits.py` writes the table anew.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from entrack import api, budget
from entrack.budget import LIMITS, Limit

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "language.md"
BEGIN, END = "<!-- limits: from entrack/budget.py -->\n", "<!-- end of limits -->\n"
SPECS = sorted((ROOT / "specs").rglob("*.et"))
SAMPLED = (budget.MADE, budget.REALISED, budget.ENCODED, budget.FOLLOWED)
"""Bounded by the sample that `check` draws, which is as large as there is room for."""


def table() -> str:
    sizes = [
        f"| {limit.name} | {limit.most:,} | {limit.code} |" for limit in LIMITS if limit.code and not limit.of_work
    ]
    work = [
        f"| {limit.name} | {limit.most:,} | {limit.planned:,} |" for limit in LIMITS if limit.code and limit.of_work
    ]
    return "\n".join(
        [
            "| size | at most | code |",
            "|---|---|---|",
            *sizes,
            "",
            "| work (E707) | of `check` or `fmt` | of a plan |",
            "|---|---|---|",
            *work,
            "",
        ]
    )


def test_the_table_of_limits() -> None:
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    shown, after = rest.split(END)
    if os.environ.get("GOLDEN") == "write":
        PAGE.write_text(before + BEGIN + table() + END + after, encoding="utf-8")
        return
    assert shown == table()


def test_every_limit_has_its_own_name() -> None:
    assert len({limit.name for limit in LIMITS}) == len(LIMITS)
    assert all(limit.help for limit in LIMITS if limit.of_work and limit.code)


@pytest.mark.parametrize("path", SPECS, ids=lambda path: str(path.relative_to(ROOT)))
def test_shipped_specs_are_far_below_each_limit(path: Path) -> None:
    stand_in = ROOT / "specs" / "paper" / "llama-7b" if "paper" in path.parts else None
    with budget.within() as spent:
        api.check(api.read(path), {}, stand_in)
        api.formatted(api.read(path))
    near = {limit.name: many for limit, many in spent.spent.items() if many > limit.most * _share(limit)}
    assert not near


def _share(limit: Limit) -> float:
    return 0.75 if limit in SAMPLED else 0.125
