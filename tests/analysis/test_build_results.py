"""What results keep of a discovery, of a selection that is said."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from entrack.analysis import build_results
from entrack.analysis.outcomes import BySite
from entrack.sites import Part, Site

FIRST, SECOND, THIRD = (Site(0, Part.OUTPUT, head) for head in range(3))


def selection() -> Any:
    """Three sites and three prompts: a race ran the second on two of them, and a screen left the third out. The first
    is kept."""
    values = np.array([[1.0, 2.0, 3.0], [1.0, 5.0, np.nan], [np.nan] * 3])
    return SimpleNamespace(outcomes=BySite((FIRST, SECOND, THIRD), values), sites=(FIRST,))


def test_outcomes_are_of_the_prompts_that_a_site_was_run_on() -> None:
    assert build_results._outcomes(selection()) == {FIRST: (1, 2, 3), SECOND: (1, 5)}


def test_an_interval_is_over_the_prompts_that_a_site_was_run_on() -> None:
    whole = selection()
    found = build_results._intervals(whole)
    whole.outcomes = BySite((FIRST, SECOND), np.array([[1.0, 2.0], [1.0, 5.0]]))
    assert found[SECOND] == build_results._intervals(whole)[SECOND]
    assert found[THIRD] is None


def test_of_many_outcomes_those_of_the_kept_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = selection()
    whole.outcomes = BySite((FIRST, SECOND), np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))
    assert set(build_results._outcomes(whole)) == {FIRST, SECOND}
    monkeypatch.setattr(build_results, "MOST_OUTCOMES", 5)
    assert build_results._outcomes(whole) == {FIRST: (1, 2, 3)}
