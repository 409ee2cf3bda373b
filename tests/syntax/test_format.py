"""The formatter's golden texts, and that the specs we ship are in its style. `ENTRACK_GOLDEN=write` writes the texts
anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from entrack.api import formatted
from entrack.source import Source

ROOT = Path(__file__).parents[2]
CASES = sorted((ROOT / "tests" / "golden" / "format").glob("*.et"))
SPECS = sorted((ROOT / "specs").rglob("*.et"))


def text_of(path: Path, text: str) -> str:
    found, problems = formatted(Source(str(path), text))
    assert found is not None, problems
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_golden(case: Path) -> None:
    expected = case.with_suffix(".out")
    found = text_of(case, case.read_text())
    if os.environ.get("ENTRACK_GOLDEN") == "write":
        expected.write_text(found)
    assert found == expected.read_text()
    assert text_of(case, found) == found


@pytest.mark.parametrize("spec", SPECS, ids=lambda path: path.name)
def test_specs_are_formatted(spec: Path) -> None:
    assert text_of(spec, spec.read_text()) == spec.read_text()


def test_there_are_cases() -> None:
    assert len(CASES) >= 3
    assert len(SPECS) >= 2
