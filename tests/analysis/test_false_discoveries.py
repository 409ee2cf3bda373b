"""Few of what is significant is false: a small version of `make false-discoveries`, and what that printed."""

from __future__ import annotations

import pytest
from false_discoveries import HEADS, MARKS, REAL, ROWS, SIZES, SLACK, Row, shares, wrong
from simulated_tables import printed

from entrack.analysis import significance


@pytest.mark.parametrize("row", [row for row in ROWS if not row.loose], ids=lambda row: row.name)
def test_few_are_false(row: Row) -> None:
    """Thirty data sets have one false discovery in 5 % of cases: five or more are seldom."""
    false, _ = shares(row, 50, 4, 30)
    assert false < 12


def test_what_is_real_is_found() -> None:
    assert shares(ROWS[0], 100, 16, 3)[1] > 95
    assert shares(ROWS[0], 20, 16, 10)[1] < 50


def test_a_rule_that_finds_too_many_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Student's t alone, as most would do it, where the long tail is away from what is tested."""
    row = next(row for row in ROWS if row.name == "exponential, long tail above")
    monkeypatch.setattr(significance, "DOUBT", -10.0)
    share = shares(row, 20, 0, 20)
    assert share[0] > 25 and wrong(row, {(20, 0): share})


def test_the_page_shows_every_row_and_none_is_wrong() -> None:
    table = printed(MARKS)
    assert "2,000 data sets" in table
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
    shown = {(name, int(real)): cells for name, real, *cells in lines[2:]}
    for row in ROWS:
        several = {(n, real): _read(shown[row.name, real][place]) for real in REAL for place, n in enumerate(SIZES)}
        assert not wrong(row, several)
        for real in REAL:
            high = max(several[n, real][0] for n in SIZES) > 5 + SLACK
            assert shown[row.name, real][-1] == (row.loose if high else "")
    assert len(shown) == len(ROWS) * len(REAL) and HEADS == 128


def _read(cell: str) -> tuple[float, float]:
    false, _, right = cell.partition(" ")
    return float(false), float(right.strip("()") or 0)
