"""What is a number in a file of scores: what other programs would read as the same number, and nothing else."""

from __future__ import annotations

import pytest

from entrack.check.scores import DECIMAL


@pytest.mark.parametrize("text", ["0", "-1.5", "+2.", ".5", "1e-7", "-3.25E+10", "0" * 400])
def test_decimal_numbers_are_scores(text: str) -> None:
    assert DECIMAL.fullmatch(text)
    float(text)


@pytest.mark.parametrize(
    "text", ["", ".", "1_000", "\N{FULLWIDTH DIGIT THREE}", "٣.5", "nan", "inf", "0x1p3", "1,5", "1e"]
)
def test_what_only_python_reads_is_none(text: str) -> None:
    assert not DECIMAL.fullmatch(text)
