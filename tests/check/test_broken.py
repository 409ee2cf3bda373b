"""Broken specs, and what is said of them. `GOLDEN=write pytest tests/check` writes the texts anew; read what changed.

Each text is right when it points at the true cause, its help works as typed, nothing is said that only follows from
something else said, and everything that is wrong in the spec is said at once.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from entrack import api
from entrack.diagnostics import pages
from entrack.diagnostics.render import render_all

BROKEN = Path(__file__).parent / "broken"
SPECS = sorted(path.name for path in BROKEN.glob("*.et"))


@pytest.mark.parametrize("name", SPECS)
def test_what_is_said(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BROKEN)
    problems, sources = api.check(api.read(name), {})
    said = render_all(problems, sources).plain + "\n"
    golden = (BROKEN / name).with_suffix(".txt")
    if os.environ.get("GOLDEN") == "write":
        golden.write_text(said, encoding="utf-8")
    assert said == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SPECS)
def test_everything_said_has_a_page_and_a_place(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BROKEN)
    problems, sources = api.check(api.read(name), {})
    assert problems
    for problem in problems:
        assert problem.code in pages.codes()
        for span in (problem.span, *(label.span for label in problem.related)):
            assert 0 <= span.start <= span.end <= max(1, len(sources[span.file].text))


def test_no_text_is_left_over() -> None:
    assert {path.stem for path in BROKEN.glob("*.txt")} == {path.stem for path in BROKEN.glob("*.et")}
