"""The tool that holds a study's page against its results tells what is none of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from docs import study_numbers

RESULTS = {
    "measures": [
        {"cells": [{"value": 5.982, "interval": [5.4501, 6.609]}, {"value": 0.925, "interval": [0.801, 0.98]}]}
    ],
    "claims": [{"value": -1891.2, "interval": [-2091.0, -1690.5], "expression": "a"}, {"value": 1, "interval": None}],
}
PAGE = """by **5.98 [5.45, 6.61]**, and 93 % [80, 98] of them
to 1,891 [1,690, 2,091], or from 5.98 [5.45,
6.61]; 0.9 [0.80, 0.98] and 5.98 [5.50, 6.50]
"""


def test_what_is_no_value_of_the_results_is_told() -> None:
    assert list(study_numbers.not_reported(PAGE, RESULTS)) == [(3, "5.98 [5.50, 6.50]")]


def test_the_exit_status_says_whether_there_is_any(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page, results = tmp_path / "page.md", tmp_path / "results.json"
    page.write_text(PAGE)
    results.write_text(json.dumps(RESULTS))
    assert study_numbers.main(str(page), str(results)) == 1
    assert capsys.readouterr().out == f"{page}:3: 5.98 [5.50, 6.50] is none of the results\n"
    page.write_text("0.93 [0.80, 0.98]\n")
    assert study_numbers.main(str(page), str(results)) == 0
