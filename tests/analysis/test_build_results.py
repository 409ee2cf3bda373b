"""What results keep of a discovery, of a selection that is said."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from entrack.analysis import build_results
from entrack.analysis.outcomes import BySite
from entrack.sites import Part, Site

FIRST, SECOND = Site(0, Part.OUTPUT, 0), Site(0, Part.OUTPUT, 1)


def selection() -> Any:
    """Two sites and three prompts; the second has no score of one prompt, the first is kept."""
    values = np.array([[1.0, 2.0, 3.0], [1.0, np.nan, 3.0]])
    return SimpleNamespace(outcomes=BySite((FIRST, SECOND), values), sites=(FIRST,))


def test_outcomes_are_of_sites_that_have_one_of_every_prompt() -> None:
    assert build_results._outcomes(selection()) == {FIRST: (1, 2, 3)}


def test_of_many_outcomes_those_of_the_kept_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = selection()
    whole.outcomes = BySite((FIRST, SECOND), np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))
    assert set(build_results._outcomes(whole)) == {FIRST, SECOND}
    monkeypatch.setattr(build_results, "MOST_OUTCOMES", 5)
    assert build_results._outcomes(whole) == {FIRST: (1, 2, 3)}
