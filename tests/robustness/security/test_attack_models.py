"""Models from strangers: whatever is wrong with their files is said by name, and nothing in them is run."""

from __future__ import annotations

import pytest
from attack_guard import Guard
from attack_models import IGNORED, REFUSED
from attack_runs import Study, refused, unmoved


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str, study: Study, guard: Guard) -> None:
    spoil, named = REFUSED[name]
    spoil(study.model, guard)
    refused(study, guard, named)


@pytest.mark.parametrize("name", IGNORED)
def test_as_if_it_were_not_there(name: str, study: Study, guard: Guard) -> None:
    IGNORED[name](study.model, guard)
    unmoved(study, guard)
